"""The shipped starter keeps its figures, measured from photo files through the engine, within one point."""

from __future__ import annotations

from itertools import islice

import pytest
from tests.trainer.conftest import write_photos

from mctrain.data.shards import samples
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.measure import measure
from mctrain.evaluation.tasks import FoundTask, Retrieval, ZeroShot, find_files
from mctrain.research.benchmarks.tasks import load_all_tasks
from mctrain.teachers.teacher import BundleTeacher, open_teacher
from picsight_engine.bundles.bundle import open_bundle

EVERY = 10  # take every tenth photo of a set
ONE = ("a photo of a {}.",)  # one of seven templates is enough
SAMPLED = {
    ("flickr8k-dev", "text to image at 1"): 62.4,
    ("flickr8k-dev", "text to image at 10"): 97.6,
    ("caltech101", "top-1"): 56.0,
}
SHIPPED = {
    ("flickr8k-dev", "text to image at 1"): 30.2,
    ("flickr8k-dev", "text to image at 10"): 72.4,
    ("flickr8k-dev", "image to text at 10"): 78.6,
    ("caltech101", "top-1"): 57.1,
    ("imagenet-sample", "top-1"): 75.7,
    ("everyday-dev", "text to image at 10"): 71.9,
    ("everyday-dev", "nDCG at 10"): 63.1,
    ("hard-negatives", "all"): 75.4,
}
MOST_BLANKS = 0.5  # percent of searches with one among the first 20


@pytest.fixture(scope="module")
def model(starter, tmp_path_factory):
    return EvaluatedModel(open_teacher(str(starter), tmp_path_factory.mktemp("cache")), lambda *_: None)


def figures(model, found):
    return {
        (found.task.name, outcome.figure): outcome.percent() for outcome in measure(model, found).outcomes
    }


@pytest.fixture(scope="module")
def sampled(model, real_data, tmp_path_factory):
    """The figures of every tenth photo of two sets."""
    folder = tmp_path_factory.mktemp("sample")
    percents = {}
    for task, source in (
        (Retrieval("flickr8k-dev", ()), "flickr8k-dev-000000.tar"),
        (ZeroShot("caltech101", (), "caltech101", ONE), "caltech101-eval-000000.tar"),
    ):
        kept = islice(samples(real_data / source), 0, None, EVERY)
        percents |= figures(model, FoundTask(task, (write_photos(folder / source, kept),), real_data))
    return percents


def test_it_opens_with_every_hash_right_and_weighs_at_most_48_megabytes(starter):
    bundle = open_bundle(starter, hashes=True)
    assert sum(record.bytes for record in bundle.manifest.files.values()) <= 48_000_000
    assert (bundle.manifest.name, bundle.manifest.licence.id) == (
        "picsight-starter",
        "LicenseRef-Picsight-Starter",
    )
    assert not bundle.manifest.licence.accept
    assert isinstance(open_teacher(str(starter), starter), BundleTeacher)  # measured through the engine


@pytest.mark.parametrize(("task", "figure"), SAMPLED)
def test_a_sample_of_photos_is_found_as_well_as_when_it_shipped(sampled, task, figure):
    assert sampled[task, figure] >= SAMPLED[task, figure] - 1


@pytest.mark.soak
def test_all_figures_are_as_good_as_when_it_shipped(model, real_data, tmp_path_factory):
    percents = {}
    for found in find_files(load_all_tasks(None), real_data, tmp_path_factory.mktemp("scratch")):
        percents |= figures(model, found)
    worse = {name: percents[name] for name, figure in SHIPPED.items() if percents[name] < figure - 1}
    assert not worse
    assert percents["everyday-blanks", "a blank in the first 20"] <= MOST_BLANKS
