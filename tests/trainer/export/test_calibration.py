"""The calibration that ships does what it promises on photos and things that it was not fitted to."""

from __future__ import annotations

import shutil
from dataclasses import astuple
from itertools import compress

import numpy as np
import pytest
from tests.trainer.conftest import run_mctrain, write_photos

from mctrain.data.held_out import is_everyday
from mctrain.data.shards import samples
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.report import reported_half
from mctrain.evaluation.search_terms import ABSENT, SHOWN, load_search_terms, presence
from mctrain.export.calibration import fit_blankness, fit_likeness
from mctrain.export.thresholds import TermScores, draw_trials, measure
from mctrain.teachers.teacher import BundleTeacher
from picsight_engine.bundles.bundle import MANIFEST, open_bundle
from picsight_engine.bundles.commonness import commonness
from picsight_engine.foundation.errors import PicsightError

PARTS = (
    "flickr8k-dev-000000.tar",
    "caltech101-eval-000000.tar",
    "imagenet-sample-000000.tar",
    "photos-described-000000.tar.gz",
)
OF_EACH, THINGS, SIZE = 60, 160, 200


@pytest.fixture(scope="module")
def measured(starter, real_data, tmp_path_factory):
    """Figures of the starter's calibration in small libraries of the reporting halves."""
    photos = []
    for part in PARTS:
        candidates = [
            photo
            for photo in samples(real_data / part)
            if "described" not in part or is_everyday(photo.key, photo.record)
        ]
        kept = reported_half([photo.key for photo in candidates])
        photos += list(compress(candidates, kept))[:OF_EACH]
    shard = write_photos(tmp_path_factory.mktemp("sample") / "sample-000000.tar", photos)
    teacher = BundleTeacher(starter)
    gallery = EvaluatedModel(teacher, lambda *_: None).gallery([shard])
    things = load_search_terms()
    kept = np.flatnonzero(reported_half([thing.query for thing in things]))
    things = [things[row] for row in np.random.default_rng(0).permutation(kept)[:THINGS]]
    bundle = open_bundle(starter)
    words = bundle.manifest.calibration.centred(teacher.terms([thing.query for thing in things]))
    scores = words @ gallery.vectors.T
    common = np.array([commonness(thing.query) for thing in things])
    trials = draw_trials(TermScores(scores, presence(things, gallery.texts), common), [SIZE])
    (figures,) = measure(trials, bundle.manifest.calibration)
    return figures


def test_things_are_strong_matches_as_often_as_promised(measured, starter):
    """The promise was measured on whole halves, in libraries of 300 photos."""
    promised = next(
        record
        for record in open_bundle(starter).manifest.provenance["calibration"]["measured"]
        if record["photos"] == 300
    )
    assert (measured.absent > 300, measured.present > 60) == (True, True)
    assert measured.absent_strong <= 0.12
    assert measured.present_strong >= promised["present_strong"] - 0.15
    assert measured.present_lost <= 0.15
    assert measured.auc >= promised["auc"] - 0.08


def test_a_folder_without_the_evaluation_sets_is_an_error(starter, tmp_path):
    with pytest.raises(PicsightError, match=r"There is no file|The parts in"):
        run_mctrain("calibrate", starter, "--data", tmp_path)


@pytest.mark.soak
def test_calibrate_finds_the_shipped_calibration_and_changes_only_the_manifest(starter, real_data, tmp_path):
    copy = shutil.copytree(starter, tmp_path / "copy")
    assert run_mctrain("calibrate", copy, "--data", real_data).output.count("AUC") == 7
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


def test_photos_are_alike_where_pairs_share_a_thing():
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
    rows = draw.normal(size=(count, DIM)) * np.linspace(0.2, 1.0, DIM)
    rows[:, towards] += apart * 3
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


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


def test_unseen_words_for_blanks_ask_for_them_and_words_for_things_do_not(known):
    assert known.asking(cloud(6, 400, towards=3)).mean() >= 0.99
    assert known.asking(cloud(7, 400, towards=2)).mean() <= 0.01
