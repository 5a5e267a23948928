"""The guide's page "Your own photos": a few photos train a model that Picsight installs and indexes with."""

from __future__ import annotations

import re
from itertools import islice

import numpy as np
import pytest
from tests.conftest import REPOSITORY
from tests.trainer.conftest import follow_page, run_mctrain

from mctrain.data.shards import samples
from mctrain.teachers.teacher import BundleTeacher
from mctrain.weights.checkpoint import load_checkpoint
from mctrain.weights.from_bundle import read_bundle
from picsight_engine.bundles.bundle import TEXT_GRAPH, open_bundle

# of the recipe, for a few photos
SMALL = ("run.batch=8", "run.passes=2", "apart.share=0.5")
COUNT = 24


@pytest.fixture(scope="module")
def home(photo_sets, tmp_path_factory):
    """A home folder: photos, all but two with a text file, and the repository's assets."""
    folder = tmp_path_factory.mktemp("home")
    pictures = folder / "Pictures"
    pictures.mkdir()
    for number, photo in enumerate(islice(samples(photo_sets / "flickr8k-train-000004.tar"), COUNT)):
        (pictures / f"IMG_{number}.jpg").write_bytes(photo.photo)
        if number > 1:
            (pictures / f"IMG_{number}.txt").write_text("\n".join(photo.record["captions"][:2]), "utf-8")
    (folder / "assets").symlink_to(REPOSITORY / "assets")
    return folder


@pytest.fixture(scope="module")
def outputs(home):
    """The output of each command of the page, run in order."""
    return follow_page("Your own photos", home, SMALL)


def test_each_command_does_what_the_page_says(outputs):
    packed, trained, *others = outputs.values()
    assert "24 photos in 1 shard" in packed
    assert "2 photos without a caption teach nothing, " in packed
    assert re.search(
        r"\nphotos kept apart +\d+ +[\d.]+ +[\d.]+ +[-+][\d.]+  \([-+][\d.]+ to [-+][\d.]+\)\n", trained
    )
    assert "Picsight reads all photos again before it answers with this model." in trained
    assert others[0].startswith("My photos is installed.")
    assert [key.partition(" /")[0] for key in outputs] == [
        "mctrain data pack", "mctrain train my-photos", "picsight models install", "picsight models use", "picsight index",
    ]  # fmt: skip


def test_the_bundle_records_provenance_and_nothing_about_the_person(outputs, home, starter):
    assert outputs
    manifest = open_bundle(home / "runs" / "my-photos", hashes=True).manifest
    origin = load_checkpoint(home / "runs" / "mine").origin
    asked_for, ordinary = origin.compared
    assert (asked_for.group, ordinary.group) == ("asked for", "ordinary searches")
    assert manifest.provenance["photos"] == origin.photos
    assert 0 < origin.photos < COUNT - 2 - asked_for.photos  # of those kept apart, a half is reported
    assert manifest.provenance["share"] == origin.share
    assert manifest.provenance["began_with"] == open_bundle(starter).manifest.title
    assert manifest.provenance["compared"][0]["after"] == asked_for.after
    assert manifest.space_id != open_bundle(starter).manifest.space_id
    for path in (home / "runs" / "my-photos").iterdir():
        assert str(home).encode() not in path.read_bytes(), path


def test_text_vectors_stay_and_the_trained_head_is_read_back(outputs, home, starter, photo_sets):
    """The text tower was frozen, so its file is that of the starter."""
    assert outputs
    assert (home / "runs" / "my-photos" / TEXT_GRAPH).read_bytes() == (starter / TEXT_GRAPH).read_bytes()
    before, after = BundleTeacher(starter), BundleTeacher(home / "runs" / "my-photos")
    found = list(islice(samples(photo_sets / "flickr8k-dev-000000.tar"), 8))
    pictures, keys = [photo.image() for photo in found], [photo.key for photo in found]
    moved = (before.photos(pictures, keys) * after.photos(pictures, keys)).sum(1)
    assert 0.9 < moved.min() < 0.999998  # untouched ones are at 1 - 1e-7
    back = read_bundle(home / "runs" / "my-photos").clip.state_dict()
    made = load_checkpoint(home / "runs" / "mine").clip.state_dict()
    head = [name for name in made if name.startswith("image.head.")]
    assert all(np.allclose(back[name], made[name], rtol=1e-3, atol=1e-3) for name in head)
    assert "made of    " in run_mctrain("show", home / "runs" / "my-photos", "--cache", home).output
