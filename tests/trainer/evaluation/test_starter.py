"""The starter that ships keeps its bars through the application's own engine, from the photos' files."""

from __future__ import annotations

import pytest

from mctrain.evaluation.report import measure
from mctrain.evaluation.subject import Subject
from mctrain.teachers.bundle import BundleTeacher
from mctrain.teachers.open import open_teacher
from picsight_engine.models.bundle import open_bundle


@pytest.fixture(scope="module")
def teacher(starter, tmp_path_factory):
    return open_teacher(str(starter), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def subject(teacher):
    return Subject(teacher, lambda *_: None)


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


def test_captions_find_their_photo_among_the_first_ten(subject, real_data):
    figures = measure(subject, real_data / "flickr8k-dev-000000.tar", real_data)
    assert figures.photos == 1000
    assert figures.text_to_image.at_10 >= 65


@pytest.mark.soak
@pytest.mark.parametrize(
    ("shard", "bar"), [("caltech101-eval-000000.tar", 33), ("imagenet-sample-000000.tar", 27)]
)
def test_class_names_find_photos_that_were_never_labelled(subject, real_data, shard, bar):
    assert measure(subject, real_data / shard, real_data).top_1 >= bar
