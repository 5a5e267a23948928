"""A published set without photos is joined with downloads, each sample with the photo and caption it was made for."""

from __future__ import annotations

import io
import json
import random
from collections import Counter

import numpy as np
import PIL.Image
import pytest
from tests.trainer.conftest import contents_of, write_shard
from tests.trainer.research.joining.conftest import (
    as_files,
    as_table,
    as_tar,
    fetched,
    joined_samples,
    published,
    write_members,
)
from torchvision.transforms.v2.functional import resized_crop

from mctrain.data.reading.reader import TrainingData, open_data
from mctrain.data.reading.sampling import EpochPart, ReaderSettings, StoredViews, TextChoice
from mctrain.data.reinforced.manifest import load_manifest
from mctrain.data.shard_names import shards_below
from mctrain.data.shards import samples
from mctrain.errors import DataError, TrainerError
from mctrain.paths import parse_path, write
from mctrain.research.joining.join import JoinJob, join
from mctrain.research.joining.join_sample import DATACOMPDR
from mctrain.research.stream import open_stream


def counts(records):
    return dict(sum((Counter(record.shard.faults) for record in records), Counter()))


@pytest.fixture
def download(web):
    """All photos, in another order than the set's."""
    made = [fetched(photo, number) for number, photo in enumerate(web)]
    random.Random(3).shuffle(made)
    return made


@pytest.mark.parametrize("write", [as_tar, as_files, as_table])
def test_every_layout_of_downloads_gives_equal_shards(write, web, reinforced, download, join_with, tmp_path):
    folder = tmp_path / "photos"
    write(folder, download)
    records = join_with(reinforced, folder)
    assert [record.shard.samples for record in records] == [7, 5]
    assert [record.scaled for record in records] == [7, 5]
    assert counts(records) == {}
    found = joined_samples(tmp_path / "joined")
    photos = {facts["uid"]: photo for photo, facts in download}
    for photo in web:
        members = found[photo.uid]
        assert list(members) == ["jpg", "txt", "json", "syn.json", "paug.json", "npz"]
        assert members["jpg"] == photos[photo.uid]
        assert members["txt"].decode() == photo.caption
        assert members["npz"] == published(photo)[f"{photo.uid}.npz"]
    assert load_manifest(tmp_path / "joined" / "manifest.json").teachers == DATACOMPDR


def test_a_first_sample_without_texts_does_not_hide_the_teachers(web, join_with, tmp_path):
    bare = {name: content for name, content in published(web[0]).items() if not name.endswith(".syn.json")}
    write_members(tmp_path / "set" / "0.tar", bare, *map(published, web[1:3]))
    as_tar(tmp_path / "photos", [fetched(photo, number) for number, photo in enumerate(web[:3])])
    (record,) = join_with(tmp_path / "set", tmp_path / "photos")
    assert record.teachers == DATACOMPDR
    assert counts([record]) == {"no syn.json": 1}


def test_training_reads_joined_samples_as_the_teachers_saw_them(web, join_with, tmp_path):
    write_members(tmp_path / "set" / "0.tar", *(published(photo, bf16=True) for photo in web))
    as_tar(tmp_path / "photos", [fetched(photo, number, side=150) for number, photo in enumerate(web)])
    join_with(tmp_path / "set", tmp_path / "photos")
    settings = ReaderSettings("bicubic", TextChoice("any", "^syn_text"), StoredViews((768, 768)))
    data = TrainingData([tmp_path / "joined" / "0.tar"], tmp_path, settings)
    (batch,) = data.batches(EpochPart(0, 0, len(web), 64), 0)
    assert data.skipped == {}
    known = {photo.uid: photo for photo in web}
    for place, key in enumerate(batch.keys):
        photo = known[key]
        image = batch.image_embeddings[place].numpy()
        view = int(np.abs(photo.images - image).sum(axis=1).argmin())
        assert np.allclose(photo.images[view], image, atol=1e-2)
        assert np.allclose(photo.texts[0], batch.caption_embeddings[place], atol=1e-2)
        assert batch.captions[place] == photo.caption
        assert np.allclose(
            photo.texts[1 + int(batch.synthetic[place][-1])], batch.synthetic_embeddings[place], atol=1e-2
        )
        crop, operations = photo.views[view]
        if operations[1][0] in {0, 12} and view == 1:
            top, left, height, width = crop
            original = PIL.Image.open(io.BytesIO(photo.original)).convert("RGB")
            wanted = np.asarray(resized_crop(original, top, left, height, width, [64, 64], 3), np.float32)
            seen = batch.pixels[place].permute(1, 2, 0).numpy().astype(np.float32)
            plain = np.corrcoef(wanted.ravel(), seen.ravel())[0, 1]
            assert plain > 0.95  # the photo is smaller and was encoded twice; four pixels beside it is less


def test_an_original_file_needs_no_scaling_whatever_its_record_says(web, join_with, tmp_path):
    as_is = {"width": None, "height": None, "original_width": None, "original_height": None}
    png = io.BytesIO()
    PIL.Image.open(io.BytesIO(web[1].original)).save(png, "PNG")
    other = web[1].__class__(
        web[1].uid,
        png.getvalue(),
        *(getattr(web[1], name) for name in ("caption", "views", "images", "texts")),
    )
    downloads = [(photo.original, fetched(photo, n, **as_is)[1]) for n, photo in enumerate((web[0], other))]
    as_tar(tmp_path / "photos", downloads)
    write_members(tmp_path / "set" / "0.tar", published(web[0]), published(other))
    (record,) = join_with(tmp_path / "set", tmp_path / "photos")
    assert (record.shard.samples, record.scaled) == (2, 0)
    found = joined_samples(tmp_path / "joined")
    assert found[web[0].uid]["jpg"] == web[0].original
    assert found[other.uid]["png"] == png.getvalue()
    assert found[other.uid]["paug.json"] == published(other)[f"{other.uid}.paug.json"]


def test_samples_that_do_not_fit_are_left_out_and_counted(web, real_data, join_with, tmp_path):
    evaluation = next(samples(real_data / "flickr8k-dev-000000.tar"))
    unknown = {"original_width": None, "original_height": None}
    downloads = [
        fetched(web[0], 0),
        fetched(web[1], 1, sha256="0" * 64),  # the page shows another photo today
        fetched(web[2], 2, **unknown),  # crops of a larger photo
        fetched(web[3], 3, original_width=2 * web[3].size[0]),  # stretched
        fetched(web[4], 4, sha256=None),  # nothing vouches for it
        (b"no photo", fetched(web[5], 5)[1]),
        (evaluation.photo, fetched(web[6], 6)[1]),
        fetched(web[7], 7, caption=" "),
        fetched(web[8], 8),
        fetched(web[9], 9),
        fetched(web[11], 11, sha256=None),  # as would be taken if nothing were known of the sample
    ]
    as_tar(tmp_path / "photos", downloads)
    broken = {**published(web[9]), f"{web[9].uid}.npz": b"no arrays"}
    bare = {name: content for name, content in published(web[8]).items() if not name.endswith(".npz")}
    strange = {name.replace(web[11].uid, "x"): b"{}" for name in published(web[11])}
    cut = {**published(web[11]), f"{web[11].uid}.json": b'{"uid": "'}
    members = [broken, *map(published, web[:8]), bare, cut, published(web[10]), strange, published(web[0])]
    write_members(tmp_path / "set" / "0.tar", *members)
    (record,) = join_with(tmp_path / "set", tmp_path / "photos")
    assert list(joined_samples(tmp_path / "joined")) == [web[0].uid]
    assert record.refused == (web[6].uid,)
    assert counts([record]) == {
        "another photo": 2,
        "view beyond the photo": 2,
        "broken photo": 1,
        "no caption": 1,
        "no embeddings": 1,
        "broken embeddings": 1,
        "broken json": 1,
        "no photo": 1,
        "no uid": 1,
        "key twice": 1,
    }
    left_out = json.loads((tmp_path / "joined" / "0.joined.json").read_text())["left_out"]
    assert {reason: len(keys) for reason, keys in left_out.items()} == counts([record])
    assert left_out["broken embeddings"] == [web[9].uid]
    number = io.BytesIO()
    np.savez(number, image_emb=np.float32(1))
    for faulty in (broken, {**broken, f"{web[9].uid}.npz": number.getvalue()}):
        write_members(tmp_path / "set" / "0.tar", faulty)
        with pytest.raises(DataError, match=rf"belongs to no known reinforced set: .* {web[9].uid}\.npz"):
            join_with(tmp_path / "set", tmp_path / "photos")


def test_uids_are_compared_as_numbers_and_the_right_one_of_two_photos_is_taken(web, join_with, tmp_path):
    # keys are the same in both shards, as after two downloads
    as_tar(
        tmp_path / "photos", [fetched(web[0], 0, sha256="1" * 64), fetched(web[1], 1, uid=web[1].uid.upper())]
    )
    as_tar(tmp_path / "photos", [fetched(web[2], 0), fetched(web[0], 1)], shard=1)
    shouted = published(web[2], key=web[2].uid.upper())
    write_members(tmp_path / "set" / "0.tar", published(web[0]), published(web[1]), shouted)
    (record,) = join_with(tmp_path / "set", tmp_path / "photos")
    assert counts([record]) == {}
    assert list(joined_samples(tmp_path / "joined")) == [photo.uid for photo in web[:3]]


def test_captions_may_come_from_separate_shards(web, downloaded, reinforced, join_with, tmp_path):
    write_members(
        tmp_path / "texts" / "00000000.tar", *({f"{photo.uid}.txt": b"from elsewhere"} for photo in web[:3])
    )
    join_with(reinforced, tmp_path / "texts", downloaded)
    found = joined_samples(tmp_path / "joined")
    assert {found[photo.uid]["txt"] for photo in web[:3]} == {b"from elsewhere"}
    assert [found[photo.uid]["txt"].decode() for photo in web[3:]] == [photo.caption for photo in web[3:]]


def test_without_a_published_hash_the_uid_decides(web, join_with, tmp_path):
    as_tar(tmp_path / "photos", [fetched(web[0], 0, sha256=None)])
    write_members(tmp_path / "set" / "0.tar", published(web[0], hashed=False))
    (record,) = join_with(tmp_path / "set", tmp_path / "photos")
    assert (record.shard.samples, record.unchecked) == (1, 1)


def test_damaged_archives_give_their_readable_samples(web, join_with, tmp_path):
    photos = as_tar(tmp_path / "photos", [fetched(photo, number) for number, photo in enumerate(web)])
    photos.write_bytes(photos.read_bytes()[:-25_000])  # into the last photo
    shard = write_members(tmp_path / "set" / "0.tar", *map(published, web))
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    (record,) = join_with(tmp_path / "set", tmp_path / "photos")
    assert counts([record])["damaged shard"] == 1
    assert 4 <= record.shard.samples <= 6
    whole = write_members(tmp_path / "set" / "0.tar", *map(published, web))
    assert whole == shard
    (record,) = join_with(tmp_path / "set", tmp_path / "photos")  # fetched again, so joined again
    assert record.shard.samples == len(web) - counts([record])["no photo"] >= len(web) - 2


def test_finished_shards_are_kept_and_others_not_overwritten(downloaded, reinforced, join_with, tmp_path):
    first = join_with(reinforced, downloaded)
    shards = sorted((tmp_path / "joined").glob("*.tar"))
    content, made = [shard.read_bytes() for shard in shards], [shard.stat().st_ino for shard in shards]
    shards[1].with_suffix(".joined.json").unlink()  # as a kill leaves it
    assert join_with(reinforced, downloaded) == first
    assert [shard.read_bytes() for shard in shards] == content
    assert shards[0].stat().st_ino == made[0]
    assert shards[1].stat().st_ino != made[1]
    manifest = load_manifest(tmp_path / "joined" / "manifest.json")
    assert [shard.samples for shard in manifest.shards] == [7, 5]
    (tmp_path / "other").mkdir()
    write_shard(tmp_path / "other" / "mine.tar", [("a.txt", b"mine")])
    with pytest.raises(TrainerError, match=r"holds other shards, such as mine\.tar"):
        join_with(reinforced, downloaded, output=tmp_path / "other")
    for taken in (reinforced, downloaded):
        with pytest.raises(TrainerError, match=r"holds other shards, such as 0000\d+\.tar"):
            join_with(reinforced, downloaded, output=taken)


def test_a_killed_run_resumes_without_partial_shards(downloaded, reinforced, index_of, join_with, tmp_path):
    shards, index = shards_below(str(reinforced)), index_of(downloaded)
    joining = JoinJob(shards, index, DATACOMPDR, parse_path(str(tmp_path / "joined")))
    seen = []

    def killed(_count, name):
        seen.append(name)
        if len(seen) == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        join(joining, killed)
    draft = tmp_path / "joined" / f".00000001.tar.{32 * 'a'}.part"
    draft.write_bytes(b"by a run that had no time to clear up")
    assert {path.name for path in draft.parent.iterdir()} == {
        "joining.json",
        "00000000.joined.json",
        "00000000.tar",
        draft.name,
    }
    seen.clear()
    join(joining, lambda _count, name: seen.append(name))
    assert set(seen) == {"00000001.tar"}
    assert not draft.exists()
    join_with(reinforced, downloaded, output=tmp_path / "other")
    assert contents_of(tmp_path / "joined") == contents_of(tmp_path / "other")


def test_sources_and_output_may_lie_in_stores(web, downloaded, reinforced, bucket, join_with, tmp_path):
    join_with(reinforced, downloaded)
    within, memory = f"{bucket}/{tmp_path.name}", f"memory://{tmp_path.name}"
    for store, path in (
        (memory, downloaded / "00000.tar"),
        *((within, path) for path in reinforced.iterdir()),
    ):
        write(parse_path(store) / path.parent.name / path.name, path.read_bytes())
    records = join_with(f"{within}/{reinforced.name}", f"{memory}/photos", output=f"{within}/joined")
    assert [record.shard.samples for record in records] == [7, 5]
    for name in ("00000000.tar", "00000001.tar"):
        assert (parse_path(within) / "joined" / name).read_bytes() == (
            tmp_path / "joined" / name
        ).read_bytes()
    settings = ReaderSettings("bicubic", TextChoice("any", "^syn_text"), StoredViews((768, 768)))
    data = open_data(parse_path(f"{within}/joined"), ["*.tar"], tmp_path, settings, open_stream)
    keys = [key for batch in data.batches(EpochPart(0, 0, 4, 8), 0) for key in batch.keys]
    assert sorted(keys) == sorted(photo.uid for photo in web)
