"""The calibration that ships keeps its word on photos and things that it was not chosen by."""

from __future__ import annotations

import json
import shutil
from dataclasses import astuple
from itertools import islice

import numpy as np
import pytest
from click.testing import CliRunner
from tests.trainer.conftest import members_of, write_shard

from mctrain.cli.command import mctrain
from mctrain.data.apart import is_drawn
from mctrain.data.shards import samples
from mctrain.evaluation.report import reporting
from mctrain.evaluation.subject import Subject
from mctrain.evaluation.things import ABSENT, SHOWN, load_things, presence
from mctrain.export.calibration import fit_blankness, fit_likeness
from mctrain.export.cuts import ThingScores, draw_trials, measure
from mctrain.teachers.teacher import BundleTeacher
from picsight_engine.bundles.bundle import MANIFEST, open_bundle
from picsight_engine.bundles.commonness import commonness
from picsight_engine.errors import PicsightError

PARTS = (
    "flickr8k-dev-000000.tar",
    "caltech101-eval-000000.tar",
    "imagenet-sample-000000.tar",
    "photos-described-000000.tar.gz",
)
OF_EACH, THINGS, SIZE = 60, 160, 200


@pytest.fixture(scope="module")
def measured(starter, real_data, tmp_path_factory):
    """What the starter's calibration is worth in small libraries of the halves that are reported on."""
    members = []
    for part in PARTS:
        own = [
            each
            for each in samples(real_data / part)
            if "described" not in part or is_drawn(each.key, each.words)
        ]
        kept = reporting([each.key for each in own])
        for each in islice((each for each, is_kept in zip(own, kept, strict=True) if is_kept), OF_EACH):
            members += members_of(each, json.dumps(each.words).encode())
    shard = write_shard(tmp_path_factory.mktemp("sample") / "sample-000000.tar", members)
    teacher = BundleTeacher(starter)
    gallery = Subject(teacher, lambda *_: None).gallery([shard])
    things = load_things()
    kept = np.flatnonzero(reporting([own.query for own in things]))
    things = [things[row] for row in np.random.default_rng(0).permutation(kept)[:THINGS]]
    bundle = open_bundle(starter)
    words = bundle.manifest.calibration.centred(teacher.terms([own.query for own in things]))
    scores = words @ gallery.vectors.T
    common = np.array([commonness(own.query) for own in things])
    trials = draw_trials(ThingScores(scores, presence(things, gallery.words), common), [SIZE])
    (own,) = measure(trials, bundle.manifest.calibration)
    return own


def test_things_are_called_strong_as_often_as_it_promises(measured, starter):
    """The promise is that of whole halves, in libraries of 300 photos."""
    promised = next(
        own
        for own in open_bundle(starter).manifest.provenance["calibration"]["measured"]
        if own["photos"] == 300
    )
    assert (measured.absent > 300, measured.present > 60) == (True, True)
    assert measured.absent_strong <= 0.12
    assert measured.present_strong >= promised["present_strong"] - 0.15
    assert measured.present_lost <= 0.15
    assert measured.auc >= promised["auc"] - 0.08


def test_a_folder_without_the_evaluation_sets_is_told(starter, tmp_path):
    with pytest.raises(PicsightError, match=r"There is no file|The parts in"):
        CliRunner().invoke(
            mctrain, ["calibrate", str(starter), "--data", str(tmp_path)], catch_exceptions=False
        )


@pytest.mark.soak
def test_the_command_finds_the_calibration_that_ships_and_changes_the_manifest_alone(
    starter, real_data, tmp_path
):
    copy = shutil.copytree(starter, tmp_path / "copy")
    result = CliRunner().invoke(mctrain, ["calibrate", str(copy), "--data", str(real_data)])
    assert result.exit_code == 0, result.output
    assert result.output.count("AUC") == 6
    found, shipped = (open_bundle(folder, hashes=True).manifest for folder in (copy, starter))
    (*cuts, centre), (*cuts_too, centre_too) = astuple(found.calibration), astuple(shipped.calibration)
    assert (cuts, centre) == (pytest.approx(cuts_too, abs=0.01), centre_too)
    assert found.text.ranked_by == "words"
    known, known_too = found.blankness, shipped.blankness
    assert (known.cut, known.weight, known.asked) == pytest.approx(
        (known_too.cut, known_too.weight, known_too.asked), abs=0.01
    )
    assert np.corrcoef(known.axis(), known_too.axis())[0, 1] > 0.99
    words = BundleTeacher(starter).terms(["grainy orange", "black picture", "dog", "lamp"])
    assert known.asking(words).tolist() == known_too.asking(words).tolist() == [True, True, False, False]
    for file in starter.iterdir():
        assert file.name == MANIFEST or file.read_bytes() == (copy / file.name).read_bytes()


def test_photos_are_alike_from_where_pairs_have_a_thing_in_common():
    draw = np.random.default_rng(3)
    things = draw.normal(size=(40, 64))
    of = draw.integers(0, 40, 800)
    photos = things[of] + draw.normal(size=(800, 64))
    photos = (photos / np.linalg.norm(photos, axis=1, keepdims=True)).astype(np.float32)
    shown = np.where(of == np.arange(40)[:, None], SHOWN, ABSENT).astype(np.int8)
    likeness, (strong, weaker) = fit_likeness(photos, shown)
    assert likeness.strong > likeness.weaker > 0.1
    assert (strong, weaker) == (pytest.approx(0.6, abs=0.06), pytest.approx(0.25, abs=0.04))
    everywhere = np.vstack([shown, np.full((1, 800), SHOWN, np.int8)])  # as people are
    assert fit_likeness(photos, everywhere)[0] == likeness


DIM = 24


def cloud(seed, count, *, towards, apart=2.0):
    """Unit vectors around one of the coordinates, spread along some directions more than along others."""
    draw = np.random.default_rng(seed)
    own = draw.normal(size=(count, DIM)) * np.linspace(0.2, 1.0, DIM)
    own[:, towards] += apart * 3
    return (own / np.linalg.norm(own, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def known():
    return fit_blankness(
        cloud(0, 400, towards=0), cloud(1, 300, towards=1), cloud(2, 60, towards=2), cloud(3, 90, towards=3)
    )


def test_unseen_blanks_lose_and_unseen_photos_do_not(known):
    photos, blanks = (known.losses(cloud(seed, 400, towards=seed - 4) @ known.axis()) for seed in (4, 5))
    assert np.mean(photos > 0) <= 0.01
    assert np.mean(blanks > 0.05) >= 0.99
    assert not known.losses(cloud(0, 400, towards=0) @ known.axis()).max() > 1e-3  # those of the fit


def test_unseen_words_for_blanks_ask_and_unseen_words_for_things_do_not(known):
    assert known.asking(cloud(6, 400, towards=3)).mean() >= 0.99
    assert known.asking(cloud(7, 400, towards=2)).mean() <= 0.01
