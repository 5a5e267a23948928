"""Packed shards depend on the photos and their words alone, whatever interrupts the packing."""

from __future__ import annotations

import io
import json
import shutil
import signal
import subprocess
import sys
from itertools import islice

import pytest
from PIL import Image
from tests.trainer.conftest import contents_of, no_progress

from mctrain.data.checks.check import check_shards
from mctrain.data.packing.pack import pack
from mctrain.data.packing.plan import PackingSettings
from mctrain.data.shards import grouped, samples
from mctrain.data.texts import texts_of
from mctrain.errors import DataError
from mctrain.research.parquet import read_tables

SETTINGS = PackingSettings(side=96, per_shard=4, license="CC0-1.0")


def run(source, folder, settings=SETTINGS):
    return pack(source, folder, settings, no_progress, read_tables)


def packed_samples(folder):
    return {group.key: group for shard in sorted(folder.glob("*.tar")) for group in grouped(shard)}


@pytest.fixture(scope="module")
def originals(photo_sets):
    return [sample.photo for sample in islice(samples(photo_sets / "flickr8k-train-000002.tar"), 10)]


@pytest.fixture
def photos(originals, shared, tmp_path):
    folder = tmp_path / "Photos"
    folder.mkdir()
    for number, photo in enumerate(originals):
        (folder / f"p{number}.jpg").write_bytes(photo)
    shutil.copy(shared / "camera" / "canon_g2_portrait.jpg", folder / "portrait.jpg")
    (folder / "captions.csv").write_text(
        "file,caption,license\np0.jpg,A dog.,CC BY 4.0\np1.jpg,A cat.,\n", "utf-8"
    )
    (folder / "captions.jsonl").write_text(
        json.dumps(
            {
                "file": "p2.jpg",
                "captions": ["A hound.", "A pet."],
                "caption_source": "synthetic",
                "source": "me",
            }
        ),
        "utf-8",
    )
    return folder


def test_every_photo_is_packed_with_its_words_and_its_licence(photos, tmp_path):
    packed = run(photos, tmp_path / "out")
    assert [shard.photos for shard in packed.shards] == [4, 4, 3]
    groups = packed_samples(tmp_path / "out")
    assert list(groups) == sorted(groups)
    assert all(len(key) == 32 and not group.fault for key, group in groups.items())
    words = {
        texts.human or texts.synthetic.get("syn_text"): texts
        for group in groups.values()
        if (texts := texts_of(group.members))
    }
    assert words[("A dog.",)].about["license"] == "CC BY 4.0"
    assert words[("A cat.",)].about["license"] == "CC0-1.0"
    synthetic = words[("A hound.", "A pet.")]
    assert synthetic.human == ()
    assert (synthetic.about["source"], words[("A cat.",)].about["source"]) == ("me", "")
    assert sum(shard.human for shard in packed.shards) == 2
    assert sum(shard.synthetic for shard in packed.shards) == 1
    marked = [
        json.loads(group.members["json"]).get("txt_source")
        for group in groups.values()
        if "txt" in group.members
    ]
    assert sorted(map(str, marked)) == ["None", "None", "synthetic"]
    for report in check_shards(sorted((tmp_path / "out").glob("*.tar"))):
        assert report.faults == []


def test_file_names_and_folders_of_photos_change_nothing(photos, tmp_path):
    run(photos, tmp_path / "a")
    (photos / "captions.csv").write_text(
        "file,caption,license\nnew/x.jpg,A dog.,CC BY 4.0\np1.jpg,A cat.,\n", "utf-8"
    )
    (photos / "new").mkdir()
    (photos / "p0.jpg").rename(photos / "new" / "x.jpg")
    (photos / "p7.jpg").rename(photos / "a.jpg")
    run(photos, tmp_path / "b")
    assert contents_of(tmp_path / "a") == contents_of(tmp_path / "b")


def test_copies_are_packed_once_with_all_their_words(photos, tmp_path):
    (photos / "copies").mkdir()
    shutil.copy(photos / "p1.jpg", photos / "copies" / "p1 (2).jpg")
    (photos / "copies" / "p1 (2).txt").write_text("A cat.\nA grey cat.\n", "utf-8")
    packed = run(photos, tmp_path / "out")
    assert sum(shard.photos for shard in packed.shards) == 11
    assert packed.copies == (
        f"{photos}/p1.jpg is a copy of {photos}/copies/p1 (2).jpg",
    ) or packed.copies == (f"{photos}/copies/p1 (2).jpg is a copy of {photos}/p1.jpg",)
    texts = [texts_of(group.members).human for group in packed_samples(tmp_path / "out").values()]
    assert ("A cat.", "A grey cat.") in texts


def test_evaluation_photos_are_refused_by_key_or_bytes_and_recorded(photos, real_data, originals, tmp_path):
    first, second, third = islice(samples(real_data / "flickr8k-dev-000000.tar"), 3)
    (photos / "holiday.jpg").write_bytes(first.photo)
    with Image.open(io.BytesIO(second.photo)) as image:
        image.rotate(1).save(photos / f"{second.key}.jpg")
    exif = Image.Exif()
    exif[0x010E] = "a comment makes other bytes of the file, and the same picture"
    comment = b"\xff\xfe\x00\x05abc"
    (photos / "commented.jpg").write_bytes(third.photo[:2] + comment + third.photo[2:])
    packed = run(photos, tmp_path / "out", PackingSettings(side=512))
    refusals = sorted(sentence.rpartition("/")[2] for sentence in packed.refused)
    assert refusals == [
        f"{second.key}.jpg is one by its key", "commented.jpg is one by its bytes", "holiday.jpg is one by its bytes",
    ]  # fmt: skip
    assert sum(shard.photos for shard in packed.shards) == 11
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert sorted(manifest["refused"].values()) == ["by bytes", "by key"]
    assert list(manifest["shards"][0]["skipped"].values()) == ["evaluation"]
    (report,) = check_shards([tmp_path / "out" / "shard-000000.tar"])
    assert report.evaluation == 0


def test_one_bad_photo_stops_nothing_and_is_reported(photos, tmp_path):
    whole = (photos / "p3.jpg").read_bytes()
    (photos / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "empty.jpg").touch()
    (photos / "text.jpg").write_bytes(b"no picture")
    packed = run(photos, tmp_path / "out")
    assert sum(shard.photos for shard in packed.shards) == 11
    assert [sentence.removeprefix(f"{photos}/") for sentence in packed.faults] == [
        "cut.jpg ends before its picture does.",
        "empty.jpg cannot be shown: the file is empty.",
        "text.jpg is not a picture.",
    ]
    again = run(photos, tmp_path / "out")
    assert (again.faults, again.kept) == (packed.faults, 4)


def test_a_folder_without_a_usable_photo_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"No photo could be packed: .*empty holds no photo\."):
        run(tmp_path / "empty", tmp_path / "out")
    (tmp_path / "empty" / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"No photo could be packed: .*x\.jpg is not a picture\."):
        run(tmp_path / "empty", tmp_path / "out")


def test_nothing_is_written_to_a_folder_with_other_files(photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "shard-000000.tar").write_bytes(b"mine")
    with pytest.raises(DataError, match="holds other files"):
        run(photos, tmp_path / "out")
    assert contents_of(tmp_path / "out") == {"shard-000000.tar": b"mine"}


def test_finished_shards_are_kept_and_damaged_ones_made_again(photos, tmp_path):
    out = tmp_path / "out"
    run(photos, out)
    whole = contents_of(out)
    (out / "shard-000001.tar").write_bytes(b"damaged")
    (out / ".shard-000002.tar.1.part").write_bytes(b"half")
    before = (out / "shard-000000.tar").stat().st_mtime_ns
    assert run(photos, out).kept == 2
    assert contents_of(out) == whole
    assert (out / "shard-000000.tar").stat().st_mtime_ns == before


def test_other_settings_or_words_replace_the_shards(photos, tmp_path):
    out = tmp_path / "out"
    run(photos, out)
    assert run(photos, out, PackingSettings(side=96, per_shard=20)).kept == 0
    assert sorted(path.name for path in out.glob("*.tar")) == ["shard-000000.tar"]
    (photos / "p9.txt").write_text("A bird.", "utf-8")
    assert run(photos, out, PackingSettings(side=96, per_shard=20)).kept == 0
    assert b"A bird." in (out / "shard-000000.tar").read_bytes()


def test_a_killed_run_continues_to_the_same_shards(photos, tmp_path):
    """It is killed as soon as its second shard exists."""
    settings = PackingSettings(side=96, per_shard=2)
    run(photos, tmp_path / "whole", settings)
    out = tmp_path / "out"
    code = (
        "import sys, os, signal\nfrom pathlib import Path\n"
        "from mctrain.data.packing.pack import pack\nfrom mctrain.data.packing.plan import PackingSettings\n"
        "from mctrain.research.parquet import read_tables\n"
        "out = Path(sys.argv[2])\n"
        "def bar(*_):\n"
        "    def advance(*_):\n"
        "        if (out / 'shard-000001.tar').exists(): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return advance\n"
        "pack(Path(sys.argv[1]), out, PackingSettings(side=96, per_shard=2), bar, read_tables)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(photos), str(out)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert len(list(out.glob("*.tar"))) == 2
    assert run(photos, out, settings).kept == 2
    assert contents_of(out) == contents_of(tmp_path / "whole")
