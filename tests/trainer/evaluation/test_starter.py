"""The starter that ships keeps its bars through the application's own engine, from the photos' files."""

from __future__ import annotations

import pytest

from mctrain.evaluation.measure import measure
from mctrain.evaluation.subject import Subject
from mctrain.evaluation.tasks import find_files, load_tasks
from mctrain.teachers.bundle import BundleTeacher
from mctrain.teachers.open import open_teacher
from picsight_engine.models.bundle import open_bundle


@pytest.fixture(scope="module")
def teacher(starter, tmp_path_factory):
    return open_teacher(str(starter), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def percent(teacher, real_data, tmp_path_factory):
    """A figure of a task of the list that ships."""
    subject = Subject(teacher, lambda *_: None)

    def figure(task, name):
        (own,) = (own for own in load_tasks() if own.name == task)
        (found,) = find_files([own], real_data, tmp_path_factory.mktemp("scratch"))
        told = {outcome.figure: outcome.percent() for outcome in measure(subject, found).outcomes}
        return told[name]

    return figure


def test_it_opens_with_every_hash_right_and_weighs_at_most_48_megabytes(starter):
    bundle = open_bundle(starter, hashes=True)
    assert sum(record.bytes for record in bundle.manifest.files.values()) <= 48_000_000
    assert (bundle.manifest.name, bundle.manifest.licence.id) == (
        "picsight-starter",
        "LicenseRef-Picsight-Starter",
    )
    assert not bundle.manifest.licence.accept


def test_it_is_measured_through_the_engine(teacher):
    assert isinstance(teacher, BundleTeacher)


def test_captions_find_their_photo_among_the_first_ten(percent):
    assert percent("flickr8k-dev", "text to image at 10") >= 65


@pytest.mark.soak
def test_pictures_that_show_nothing_seldom_come_up_where_something_is_asked_for(percent):
    assert percent("everyday-blanks", "a blank in the first 20") <= 10


@pytest.mark.soak
@pytest.mark.parametrize(("task", "bar"), [("caltech101", 33), ("imagenet-sample", 27)])
def test_class_names_find_photos_that_were_never_labelled(percent, task, bar):
    assert percent(task, "top-1") >= bar
