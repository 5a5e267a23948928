"""The guide's page "Your own decisions": tags of a library train a model that Picsight installs."""

from __future__ import annotations

import json
import re
import shlex

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from tests.conftest import REPOSITORY
from tests.trainer.conftest import follow_page, no_progress

from mctrain.cli.command import mctrain
from mctrain.data.held_out import is_held_out
from mctrain.data.shards import grouped, samples
from mctrain.errors import DataError, ExportError, TrainerError
from mctrain.recipes.parser import load
from mctrain.recipes.training import DecisionsRecipe
from mctrain.research.stream import open_stream
from mctrain.training.decisions.learn import learn
from mctrain.training.environment import RunFolders
from mctrain.weights.checkpoint import load_checkpoint
from mctrain.weights.from_bundle import read_bundle
from picsight_engine.bundles.bundle import IMAGE_GRAPH, TEXT_GRAPH, open_bundle
from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.library import Library
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.text_embedder import TextEmbedder

# of the recipe, for a few photos
SMALL = ("decisions.steps=40", "apart.share=0.5")
COUNT = 20  # of photos with a cat, and of others


@pytest.fixture(scope="module")
def home(photo_sets, starter, tmp_path_factory):
    """A home folder with a library: the tag Luna is on photos of a cat, another tag has only two decisions."""
    folder = tmp_path_factory.mktemp("home")
    pictures = folder / "Pictures"
    pictures.mkdir()
    paths = {True: [], False: []}
    for number, photo in enumerate(samples(photo_sets / "flickr8k-train-000004.tar")):
        shows = ["cat" in text.lower() for text in photo.record["captions"]]
        kind = paths[any(shows)]
        if all(shows) == any(shows) and len(kind) < COUNT:
            kind.append(pictures / f"IMG_{number}.jpg")
            kind[-1].write_bytes(photo.photo)
    with Library.open(folder / "library", open_bundle(starter)) as library:
        library.folders.add(pictures)
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
def outputs(home):
    """The output of each command of the page, run in order."""
    return follow_page("Your own decisions", home, SMALL)


def test_each_command_does_what_the_page_says(outputs):
    exported, packed, trained, installed = outputs.values()
    assert f"{2 * COUNT + 2} decisions" in exported
    assert f"{2 * COUNT} photos in 1 shard" in packed
    ((before, after),) = re.findall(r"\nLuna +\d+ +([\d.]+) +([\d.]+) +\+[\d.]+\n", trained)
    assert float(after) > 90 > float(before)
    assert re.search(rf"\ndecisions kept apart +\d+ +{before} +{after} ", trained)
    assert re.search(
        r"too few photos kept apart to judge by: 1\n +garden \(\d accepted, \d rejected\)", trained
    )
    assert installed.startswith("My decisions is installed.")


def test_the_application_ranks_the_photos_kept_apart_as_reported(outputs, home, starter):
    """Counts, for both bundles, the pairs in which the accepted photo ranks first."""
    assert outputs
    kept = {True: [], False: []}
    for group in grouped(home / "runs" / "decided-shards" / "shard-000000.tar"):
        decisions = json.loads(group.members["json"])["decisions"]
        accepted = next(decision["accepted"] for decision in decisions if decision["tag"] == "Luna")
        if is_held_out(group.key, 0.5):
            kept[accepted].append(group.image())
    asked_for, ordinary = load_checkpoint(home / "runs" / "decided").origin.compared
    assert (asked_for.group, ordinary.group) == ("asked for", "ordinary searches")
    assert asked_for.photos == len(kept[True]) + len(kept[False])
    for folder, figure in ((starter, asked_for.before), (home / "runs" / "my-decisions", asked_for.after)):
        bundle = open_bundle(folder, hashes=True)
        encoder, word = load_image_encoder(bundle), TextEmbedder(bundle).embed_term("Luna")
        accepted, rejected = (
            [encoder.encode(preprocess(photo, bundle.image_spec())[None])[0] @ word for photo in kept[kind]]
            for kind in (True, False)
        )
        assert 100 * np.greater.outer(accepted, rejected).mean() == pytest.approx(figure, abs=1)


def test_the_bundle_has_the_starters_words_and_trunk_and_nothing_of_the_person(outputs, home, starter):
    assert outputs
    made = home / "runs" / "my-decisions"
    assert (made / TEXT_GRAPH).read_bytes() == (starter / TEXT_GRAPH).read_bytes()
    before, after = (
        {tensor.name: tensor.raw_data for tensor in onnx.load(folder / IMAGE_GRAPH).graph.initializer}
        for folder in (starter, made)
    )
    changed = [name for name in before if before[name] != after[name]]
    assert changed
    assert all(name.startswith("head.") for name in changed)
    back, head = (
        model.clip.image.head.state_dict()
        for model in (read_bundle(made), load_checkpoint(home / "runs" / "decided"))
    )
    assert all(np.allclose(back[name], head[name], rtol=1e-3, atol=1e-3) for name in head)
    manifest = open_bundle(made).manifest
    asked_for, _ = manifest.provenance["compared"]
    assert manifest.provenance["photos"] == 2 * COUNT - asked_for["photos"]
    assert manifest.space_id != open_bundle(starter).manifest.space_id
    for path in (*made.iterdir(), home / "runs" / "decided" / "checkpoint.pt"):
        content = path.read_bytes()
        assert not any(secret in content for secret in (b"Luna", str(home).encode())), path


def test_a_new_run_overwrites_only_an_earlier_one_of_its_recipe(outputs, home, starter, tmp_path):
    """The folder is checked first; where it may be written, the missing decisions are reported."""
    assert outputs
    (tmp_path / "checkpoint.pt").write_bytes(b"hours of work")
    nowhere = RunFolders(tmp_path, None, (), tmp_path, open_stream)
    for folder, kind, sentence in (
        (tmp_path, TrainerError, r"checkpoint\.pt is there already, .* with -o"),
        (home / "runs" / "decided", DataError, "There is no file"),
    ):
        with pytest.raises(kind, match=sentence):
            learn(load(DecisionsRecipe, "my-decisions"), starter, nowhere, folder, no_progress)


@pytest.mark.soak
def test_a_model_that_spoils_everyday_searches_is_refused(outputs, home, tmp_path):
    """It gets better at the tags and worse at the words without decisions."""
    assert outputs
    words = f"train my-decisions --from {home}/assets/starter --photos {home}/runs/decided-shards -o {tmp_path}/run"
    for change in (*SMALL, "optimizer.rate=1e-3", "decisions.staying=0"):
        words += f" --set {change}"
    done = CliRunner().invoke(mctrain, shlex.split(f"{words} --bundle {tmp_path}/bundle"))
    asked, ordinary = load_checkpoint(tmp_path / "run").origin.compared
    assert asked.after > asked.before
    assert isinstance(done.exception, ExportError)
    assert f"everyday words ({ordinary.before:.1f} to {ordinary.after:.1f} %)" in str(done.exception)
    assert re.search(r"\nordinary searches:\neveryday words +\d+ .*\neveryday words lost most, ", done.output)
    assert not (tmp_path / "bundle").exists()
