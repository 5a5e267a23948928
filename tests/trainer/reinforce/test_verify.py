"""`mctrain data verify` finds what moved in a reinforced set, and names it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner
from tests.trainer.reinforce.conftest import read_shard, rewrite, turned

from mctrain.cli.command import mctrain
from mctrain.data.reinforced.manifest import MANIFEST, Storage, load_manifest, save_manifest


@pytest.fixture
def verify(cache):
    def run(folder, *words, code):
        words = ["data", "verify", str(folder), "--cache", str(cache), *map(str, words)]
        result = CliRunner().invoke(mctrain, words)
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    return run


def change_manifest(folder, **changes):
    save_manifest(folder / MANIFEST, replace(load_manifest(folder / MANIFEST), **changes))


def test_a_set_that_nobody_touched_has_not_moved(made, starter, verify):
    told = verify(made, "--teacher", starter, code=0)
    assert "least and mean: 1.0000 and 1.0000 of 21 views, 1.0000 and 1.0000 of 21 texts, of 7 photos" in told
    assert told.endswith("2 shards, 7 samples, 7 of them read, 2 views replayed; nothing moved\n")


def test_without_a_teacher_it_says_what_it_left_out(made, own, verify):
    told = verify(made, "--count", 2, code=0)
    assert "not compared; that needs the teachers: --teacher FOLDER_OF_picsight-starter\n" in told
    assert "7 samples, 2 of them read" in told
    assert "7 samples, 7 of them read" in verify(made, "--count", 2, "--all", code=0)
    change_manifest(own, teachers=(replace(load_manifest(own / MANIFEST).teachers[0], name="open_clip:A@b"),))
    assert "the teachers: --teacher open_clip:A@b\n" in verify(own, "--count", 1, code=0)


def test_a_missing_a_cut_and_a_damaged_shard_are_told_apart(own, verify):
    (own / "000000.tar").unlink()
    cut = own / "000001.tar"
    cut.write_bytes(cut.read_bytes()[:-20_000])
    told = verify(own, code=1)
    missing, changed, damaged, _ = told.splitlines()[:4]
    assert f"There is no file {own}/000000.tar" in missing
    assert f"{cut} is not the file that was written: its SHA-256 begins with" in changed
    assert str(cut) in damaged
    assert all(
        own.endswith("copy it again, or let the job write it anew.") for own in (missing, changed, damaged)
    )
    assert told.endswith("2 shards, 0 samples, 0 of them read, 0 views replayed; findings: 3\n")


def test_one_changed_byte_of_a_photo_is_found_and_the_photo_named(own, cache, verify):
    sample = read_shard(own / "000001.tar", cache)[1]
    content = (own / "000001.tar").read_bytes()
    middle = sample.photo[len(sample.photo) // 2 :]
    changed = bytes([middle[0] ^ 1]) + middle[1:]
    (own / "000001.tar").write_bytes(content.replace(middle, changed))
    told = verify(own, code=1)
    assert "000001.tar is not the file that was written" in told
    assert (
        f"000001.tar: 1 of 3 samples that were read are broken, first: The photo of {sample.key} does not match"
        in told
    )
    assert "findings: 2" in told


def test_a_shard_with_fewer_samples_than_the_manifest_says_is_found(own, cache, verify):
    rewrite(own / "000000.tar", lambda samples: samples[:-1], cache)
    assert "000000.tar holds 3 whole samples where the manifest has 4; copy it" in verify(own, code=1)
    rewrite(own / "000001.tar", lambda samples: samples[1:], cache)
    told = verify(own, code=1)
    assert "000001.tar: 1 of 1 replayed views moved, first: view 2 of" in told
    assert "is not in it any more" in told


def test_a_changed_view_is_found_with_the_versions_as_what_cannot_have_moved_it(own, cache, verify):
    def change(samples):
        last = samples[0].views[-1]
        crop = last.crop._replace(height=last.crop.height - 1)
        views = (*samples[0].views[:-1], replace(last, crop=crop))
        return [replace(samples[0], views=views), *samples[1:]]

    rewrite(own / "000000.tar", change, cache)
    key = read_shard(own / "000000.tar", cache)[0].key
    told = verify(own, code=1)
    assert f"000000.tar: 1 of 1 replayed views moved, first: view 2 of {key} has the digest" in told
    assert "the same as here: so photos or records were changed" in told
    assert "findings: 1" in told
    change_manifest(own, versions={"Pillow": "9.5.0"})
    told = verify(own, code=1)
    assert (
        "The views were recorded with Pillow 9.5.0 and torchvision (unknown), and replayed with Pillow"
        in told
    )


@pytest.mark.parametrize(
    ("storage", "cosine", "moved"),
    [
        (Storage.NPZ, 0.998, True),
        (Storage.PTH_BF16, 0.998, False),
        (Storage.PTH_BF16, 0.98, True),
    ],
)
def test_an_embedding_may_be_as_far_off_as_its_storage_allows(
    own, starter, cache, verify, storage, cosine, moved
):
    def change(samples):
        own = replace(samples[1], image_embeddings=turned(samples[1].image_embeddings, 2, cosine))
        return [samples[0], own, *samples[2:]]

    for name in ("000000.tar", "000001.tar"):
        rewrite(own / name, change if name == "000001.tar" else list, cache, storage=storage)
    key = read_shard(own / "000001.tar", cache)[1].key
    told = verify(own, "--teacher", starter, code=int(moved))
    assert f"least and mean: {cosine:.4f}" in told
    assert (f"gives for photos moved: the least cosine is {cosine:.4f} (view 2 of {key})" in told) is moved
    assert "for texts moved" not in told


def test_a_changed_text_is_found_and_quoted(own, starter, cache, verify):
    def change(samples):
        first, second = samples[2].captions
        words = replace(samples[2].words, human=(first, f"no {second}"))
        return [*samples[:2], replace(samples[2], words=words), *samples[3:]]

    rewrite(own / "000000.tar", change, cache)
    told = verify(own, "--teacher", starter, code=1)
    assert "gives for texts moved: the least cosine is" in told
    assert "(“no " in told
    assert "for photos moved" not in told


def test_another_teacher_is_told_and_one_that_cannot_be_it_is_refused(own, starter, verify):
    (teacher,) = load_manifest(own / MANIFEST).teachers
    change_manifest(own, teachers=(replace(teacher, digest="0123456789abcdef"),))
    told = verify(own, "--teacher", starter, code=1)
    assert "has other weights than the set was made with: its digest is" in told
    assert "instead of 0123456789abcdef; find the original weights" in told
    assert told.index("has other weights") < told.index("cosine with fresh embeddings")
    result = CliRunner().invoke(
        mctrain, ["data", "verify", str(own), "--teacher", str(starter), "--teacher", str(starter)]
    )
    assert str(result.exception).startswith(
        "The teachers that were given have embeddings of [512, 512] numbers"
    )
