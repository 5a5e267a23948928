"""The page on a person's own decisions: a library's tags make a model, which Picsight installs, of words that meant nothing before."""

from __future__ import annotations

import json
import re
import shlex

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from tests.conftest import REPOSITORY
from tests.trainer.conftest import follow_page

from mctrain.cli.command import mctrain
from mctrain.data.apart import is_apart
from mctrain.data.shards import grouped, samples
from mctrain.errors import DataError, ExportError, TrainerError
from mctrain.recipes.training import load_decisions
from mctrain.training.decisions.learn import learn
from mctrain.training.surroundings import Places
from mctrain.weights.checkpoint import load_checkpoint
from mctrain.weights.unbundle import read_bundle
from picsight_engine.bundles.bundle import IMAGE_GRAPH, TEXT_GRAPH, open_bundle
from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.library import Library
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.text_embedder import TextEmbedder

# of the recipe, for a few photos
SMALL = ("decisions.steps=40", "apart.share=0.5")
COUNT = 20  # of photos with a dog, and of others


@pytest.fixture(scope="module")
def home(real_data, starter, tmp_path_factory):
    """A person's home: a library in which the tag Luna has a dog's name, and one tag has but two decisions."""
    folder = tmp_path_factory.mktemp("home")
    pictures = folder / "Pictures"
    pictures.mkdir()
    paths = {True: [], False: []}
    for number, own in enumerate(samples(real_data / "flickr8k-train-000004.tar")):
        shows = ["dog" in text.lower() for text in own.words["captions"]]
        kind = paths[any(shows)]
        if all(shows) == any(shows) and len(kind) < COUNT:
            kind.append(pictures / f"IMG_{number}.jpg")
            kind[-1].write_bytes(own.photo)
    with Library.open(folder / "library", open_bundle(starter)) as library:
        library.add_folder(pictures)
        for _ in library.index():
            pass
        library.tags.new("Luna", prompts=["Luna"])
        library.tags.decide("Luna", paths[True], "accepted")
        library.tags.decide("Luna", paths[False], "rejected")
        library.tags.new("garden")
        library.tags.decide("garden", paths[True][:1], "accepted")
        library.tags.decide("garden", paths[False][:1], "rejected")
    (folder / "assets").symlink_to(REPOSITORY / "assets")
    return folder


@pytest.fixture(scope="module")
def told(home):
    """What each command of the page says, typed in its order."""
    return follow_page("Your own decisions", home, SMALL)


def test_each_command_does_what_the_page_says(told):
    exported, packed, trained, installed = told.values()
    assert f"{2 * COUNT + 2} decisions" in exported
    assert f"{2 * COUNT} photos in 1 shards" in packed
    ((before, after),) = re.findall(r"\nLuna +\d+ +([\d.]+) +([\d.]+) +\+[\d.]+\n", trained)
    assert float(after) > 75 > float(before)
    assert re.search(rf"\ndecisions kept apart +\d+ +{before} +{after} ", trained)
    assert re.search(
        r"too few photos kept apart to judge by: 1\n +garden \(\d accepted, \d rejected\)", trained
    )
    assert installed.startswith("My decisions is installed.")


def test_what_the_photos_kept_apart_said_is_what_the_application_says(told, home, starter):
    """Both bundles are asked anew, photo by photo, in how many pairs the accepted photo stands first."""
    assert told
    kept = {True: [], False: []}
    for group in grouped(home / "runs" / "decided-shards" / "shard-000000.tar"):
        decisions = json.loads(group.members["json"])["decisions"]
        accepted = next(own["accepted"] for own in decisions if own["tag"] == "Luna")
        if is_apart(group.key, 0.5):
            kept[accepted].append(group.image())
    own, ordinary = load_checkpoint(home / "runs" / "decided").origin.compared
    assert (own.group, ordinary.group) == ("asked for", "ordinary searches")
    assert own.photos == len(kept[True]) + len(kept[False])
    for folder, figure in ((starter, own.before), (home / "runs" / "my-decisions", own.after)):
        bundle = open_bundle(folder, hashes=True)
        encoder, word = load_image_encoder(bundle), TextEmbedder(bundle).embed_term("Luna")
        accepted, rejected = (
            [encoder.encode(preprocess(photo, bundle.image_spec())[None])[0] @ word for photo in kept[kind]]
            for kind in (True, False)
        )
        assert 100 * np.greater.outer(accepted, rejected).mean() == pytest.approx(figure, abs=1)


def test_the_bundle_has_the_starters_words_and_trunk_and_nothing_of_the_person(told, home, starter):
    assert told
    made = home / "runs" / "my-decisions"
    assert (made / TEXT_GRAPH).read_bytes() == (starter / TEXT_GRAPH).read_bytes()
    before, after = (
        {own.name: own.raw_data for own in onnx.load(folder / IMAGE_GRAPH).graph.initializer}
        for folder in (starter, made)
    )
    changed = [name for name in before if before[name] != after[name]]
    assert changed
    assert all(name.startswith("head.") for name in changed)
    back, head = (
        own.clip.image.head.state_dict()
        for own in (read_bundle(made), load_checkpoint(home / "runs" / "decided"))
    )
    assert all(np.allclose(back[name], head[name], rtol=1e-3, atol=1e-3) for name in head)
    manifest = open_bundle(made).manifest
    own, _ = manifest.provenance["compared"]
    assert manifest.provenance["photos"] == 2 * COUNT - own["photos"]
    assert manifest.space_id != open_bundle(starter).manifest.space_id
    for path in (*made.iterdir(), home / "runs" / "decided" / "checkpoint.pt"):
        content = path.read_bytes()
        assert not any(own in content for own in (b"Luna", str(home).encode())), path


def test_decisions_take_the_place_of_earlier_ones_and_of_nothing_else(told, home, starter, tmp_path):
    """Asked before anything is looked at: here are no decisions, which is told where the folder may be written."""
    assert told
    (tmp_path / "checkpoint.pt").write_bytes(b"hours of work")
    nowhere = Places(tmp_path, None, None, tmp_path)
    for folder, kind, sentence in (
        (tmp_path, TrainerError, r"checkpoint\.pt is there already, .* with -o"),
        (home / "runs" / "decided", DataError, "There is no file"),
    ):
        with pytest.raises(kind, match=sentence):
            learn(load_decisions("my-decisions"), starter, nowhere, folder, lambda *_: lambda *_: None)


@pytest.mark.soak
def test_a_model_that_spoils_everyday_searches_is_refused_without_other_peoples_photos(told, home, tmp_path):
    """It answers what was asked for better than before; the loss is in the words that nobody decided about."""
    assert told
    words = f"train my-decisions --from {home}/assets/starter --photos {home}/runs/decided-shards -o {tmp_path}/run"
    for own in (*SMALL, "optimizer.rate=1e-3", "decisions.staying=0"):
        words += f" --set {own}"
    done = CliRunner().invoke(mctrain, shlex.split(f"{words} --bundle {tmp_path}/bundle"))
    asked, ordinary = load_checkpoint(tmp_path / "run").origin.compared
    assert asked.after > asked.before
    assert isinstance(done.exception, ExportError)
    assert f"everyday words ({ordinary.before:.1f} to {ordinary.after:.1f} %)" in str(done.exception)
    assert re.search(r"\nordinary searches:\neveryday words +\d+ .*\neveryday words lost most, ", done.output)
    assert not (tmp_path / "bundle").exists()
