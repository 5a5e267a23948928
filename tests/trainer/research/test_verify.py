"""`mctrain data verify` finds what moved in a reinforced set, and names it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.trainer.conftest import run_mctrain
from tests.trainer.reinforce.conftest import read_shard, rewrite, turned

from mctrain.data.reinforced.manifest import MANIFEST, Storage, load_manifest, save_manifest
from mctrain.errors import DataError


@pytest.fixture
def verify(cache):
    def run(folder, *words, code):
        return run_mctrain("data", "verify", folder, "--cache", cache, *words, code=code).output

    return run


def change_manifest(folder, **changes):
    save_manifest(folder / MANIFEST, replace(load_manifest(folder / MANIFEST), **changes))


def test_an_unchanged_set_has_not_moved(reinforced_set, starter, verify):
    report = verify(reinforced_set, "--teacher", starter, code=0)
    assert (
        "least and mean: 1.0000 and 1.0000 of 21 views, 1.0000 and 1.0000 of 21 texts, of 7 photos" in report
    )
    assert report.endswith("2 shards, 7 samples, 7 of them read, 2 views replayed; nothing moved\n")


def test_without_a_teacher_embeddings_are_not_compared(reinforced_set, set_copy, verify):
    report = verify(reinforced_set, "--count", 2, code=0)
    assert "not compared; that needs the teachers: --teacher FOLDER_OF_picsight-starter\n" in report
    assert "7 samples, 2 of them read" in report
    assert "7 samples, 7 of them read" in verify(reinforced_set, "--count", 2, "--all", code=0)
    change_manifest(
        set_copy, teachers=(replace(load_manifest(set_copy / MANIFEST).teachers[0], name="open_clip:A@b"),)
    )
    assert "the teachers: --teacher open_clip:A@b\n" in verify(set_copy, "--count", 1, code=0)


def test_missing_changed_and_damaged_shards_are_distinguished(set_copy, verify):
    (set_copy / "000000.tar").unlink()
    cut = set_copy / "000001.tar"
    cut.write_bytes(cut.read_bytes()[:-20_000])
    report = verify(set_copy, code=1)
    missing, changed, damaged, _ = report.splitlines()[:4]
    assert f"There is no file {set_copy}/000000.tar" in missing
    assert f"{cut} is not the file that was written: its SHA-256 begins with" in changed
    assert str(cut) in damaged
    assert all(
        line.endswith("copy it again, or let the job write it anew.") for line in (missing, changed, damaged)
    )
    assert report.endswith("2 shards, 0 samples, 0 of them read, 0 views replayed; findings: 3\n")


def test_one_changed_byte_of_a_photo_is_found_and_the_photo_named(set_copy, cache, verify):
    sample = read_shard(set_copy / "000001.tar", cache)[1]
    content = (set_copy / "000001.tar").read_bytes()
    middle = sample.photo[len(sample.photo) // 2 :]
    changed = bytes([middle[0] ^ 1]) + middle[1:]
    (set_copy / "000001.tar").write_bytes(content.replace(middle, changed))
    report = verify(set_copy, code=1)
    assert "000001.tar is not the file that was written" in report
    assert (
        f"000001.tar: 1 of 3 samples that were read are broken, first: The photo of {sample.key} does not match"
        in report
    )
    assert "findings: 2" in report


def test_a_shard_with_fewer_samples_than_the_manifest_says_is_found(set_copy, cache, verify):
    rewrite(set_copy / "000000.tar", lambda samples: samples[:-1], cache)
    assert "000000.tar holds 3 whole samples where the manifest has 4; copy it" in verify(set_copy, code=1)
    rewrite(set_copy / "000001.tar", lambda samples: samples[1:], cache)
    report = verify(set_copy, code=1)
    assert "000001.tar: 1 of 1 replayed views moved, first: view 2 of" in report
    assert "is not in it any more" in report


def test_a_changed_view_is_found_and_compared_with_the_library_versions(set_copy, cache, verify):
    def change(samples):
        last = samples[0].views[-1]
        crop = last.crop._replace(height=last.crop.height - 1)
        views = (*samples[0].views[:-1], replace(last, crop=crop))
        return [replace(samples[0], views=views), *samples[1:]]

    rewrite(set_copy / "000000.tar", change, cache)
    key = read_shard(set_copy / "000000.tar", cache)[0].key
    report = verify(set_copy, code=1)
    assert f"000000.tar: 1 of 1 replayed views moved, first: view 2 of {key} has the digest" in report
    assert "the same as here: so photos or records were changed" in report
    assert "findings: 1" in report
    change_manifest(set_copy, versions={"Pillow": "9.5.0"})
    report = verify(set_copy, code=1)
    assert "The views were recorded with Pillow 9.5.0, and replayed with Pillow" in report


@pytest.mark.parametrize(
    ("storage", "cosine", "moved"),
    [(Storage.NPZ, 0.998, True), (Storage.PTH_BF16, 0.998, False), (Storage.PTH_BF16, 0.98, True)],
)
def test_embeddings_may_move_as_far_as_storage_allows(
    set_copy, starter, cache, verify, storage, cosine, moved
):
    def change(samples):
        moved_sample = replace(samples[1], image_embeddings=turned(samples[1].image_embeddings, 2, cosine))
        return [samples[0], moved_sample, *samples[2:]]

    for name in ("000000.tar", "000001.tar"):
        rewrite(set_copy / name, change if name == "000001.tar" else list, cache, storage=storage)
    key = read_shard(set_copy / "000001.tar", cache)[1].key
    report = verify(set_copy, "--teacher", starter, code=int(moved))
    least = re.search(r"least and mean: ([\d.]+)", report)[1]
    assert float(least) == pytest.approx(cosine, abs=3e-4)  # bfloat16 rounds the stored one
    assert (f"gives for photos moved: the least cosine is {least} (view 2 of {key})" in report) is moved
    assert "for texts moved" not in report


def test_a_changed_text_is_found_and_quoted(set_copy, starter, cache, verify):
    def change(samples):
        first, second = samples[2].captions
        words = replace(samples[2].texts, human=(first, f"no {second}"))
        return [*samples[:2], replace(samples[2], texts=words), *samples[3:]]

    rewrite(set_copy / "000000.tar", change, cache)
    report = verify(set_copy, "--teacher", starter, code=1)
    assert "gives for texts moved: the least cosine is" in report
    assert "(“no " in report
    assert "for photos moved" not in report


def test_a_teacher_with_other_weights_is_reported_and_other_widths_are_refused(set_copy, starter, verify):
    (teacher,) = load_manifest(set_copy / MANIFEST).teachers
    change_manifest(set_copy, teachers=(replace(teacher, digest="0123456789abcdef"),))
    report = verify(set_copy, "--teacher", starter, code=1)
    assert "has other weights than the set was made with: its digest is" in report
    assert "instead of 0123456789abcdef; find the original weights" in report
    assert report.index("has other weights") < report.index("cosine with fresh embeddings")
    with pytest.raises(
        DataError, match=r"^The teachers that were given have embeddings of \[512, 512\] numbers"
    ):
        verify(set_copy, "--teacher", starter, "--teacher", starter, code=1)
