"""The page on a person's own photos: its commands make a model of a few photos that Picsight installs and reads photos with."""

from __future__ import annotations

import re
from itertools import islice

import numpy as np
import pytest
from click.testing import CliRunner
from tests.conftest import REPOSITORY
from tests.trainer.conftest import follow_page

from mctrain.cli.command import mctrain
from mctrain.data.shards import samples
from mctrain.teachers.teacher import BundleTeacher
from mctrain.weights.checkpoint import load_checkpoint
from mctrain.weights.unbundle import read_bundle
from picsight_engine.bundles.bundle import TEXT_GRAPH, open_bundle

# of the recipe, for a few photos
SMALL = ("run.batch=8", "run.passes=2", "apart.share=0.5")
COUNT = 24


@pytest.fixture(scope="module")
def home(real_data, tmp_path_factory):
    """A person's home: photos with a text beside each but two, and the repository's assets."""
    folder = tmp_path_factory.mktemp("home")
    pictures = folder / "Pictures"
    pictures.mkdir()
    for number, own in enumerate(islice(samples(real_data / "flickr8k-train-000004.tar"), COUNT)):
        (pictures / f"IMG_{number}.jpg").write_bytes(own.photo)
        if number > 1:
            (pictures / f"IMG_{number}.txt").write_text("\n".join(own.words["captions"][:2]), "utf-8")
    (folder / "assets").symlink_to(REPOSITORY / "assets")
    return folder


@pytest.fixture(scope="module")
def told(home):
    """What each command of the page says, typed in its order."""
    return follow_page("Your own photos", home, SMALL)


def test_each_command_does_what_the_page_says(told):
    packed, trained, *others = told.values()
    assert "24 photos in 1 shards" in packed
    assert "2 photos without a caption teach nothing, " in packed
    assert re.search(r"\nphotos kept apart +\d+ +[\d.]+ +[\d.]+ +[-+][\d.]+\n", trained)
    assert "Picsight reads all photos again before it answers with this model." in trained
    assert others[0].startswith("My photos is installed.")
    assert [key.partition(" /")[0] for key in told] == [
        "mctrain data pack", "mctrain train my-photos", "picsight models install", "picsight models use", "picsight index",
    ]  # fmt: skip


def test_the_bundle_says_what_it_was_made_of_and_nothing_of_the_person(told, home, starter):
    assert told
    manifest = open_bundle(home / "runs" / "my-photos", hashes=True).manifest
    origin = load_checkpoint(home / "runs" / "mine").origin
    asked_for, ordinary = origin.compared
    assert (asked_for.group, ordinary.group) == ("asked for", "ordinary searches")
    assert manifest.provenance["photos"] == origin.photos == COUNT - 2 - asked_for.photos
    assert manifest.provenance["began_with"] == open_bundle(starter).manifest.title
    assert manifest.provenance["compared"][0]["after"] == asked_for.after
    assert manifest.space_id != open_bundle(starter).manifest.space_id
    for path in (home / "runs" / "my-photos").iterdir():
        assert str(home).encode() not in path.read_bytes(), path


def test_texts_are_where_they_were_and_what_was_learnt_is_read_back(told, home, starter, real_data):
    """The tower of texts was frozen, and so it is the starter's own file."""
    assert told
    assert (home / "runs" / "my-photos" / TEXT_GRAPH).read_bytes() == (starter / TEXT_GRAPH).read_bytes()
    before, after = BundleTeacher(starter), BundleTeacher(home / "runs" / "my-photos")
    found = list(islice(samples(real_data / "flickr8k-dev-000000.tar"), 8))
    pictures, keys = [own.image() for own in found], [own.key for own in found]
    moved = (before.photos(pictures, keys) * after.photos(pictures, keys)).sum(1)
    assert 0.9 < moved.min() < 0.999998  # untouched ones are at 1 - 1e-7
    back = read_bundle(home / "runs" / "my-photos").clip.state_dict()
    made = load_checkpoint(home / "runs" / "mine").clip.state_dict()
    head = [name for name in made if name.startswith("image.head.")]
    assert all(np.allclose(back[name], made[name], rtol=1e-3, atol=1e-3) for name in head)
    shown = (
        CliRunner().invoke(mctrain, ["show", str(home / "runs" / "my-photos"), "--cache", str(home)]).output
    )
    assert "made of    " in shown
