"""What stands in other people's shards is reinforced or told, never mixed up, and stops no job."""

from __future__ import annotations

import os
import signal
from itertools import islice

import pytest
from tests.trainer.conftest import write_shard

from mctrain.data.phrasing import Phrasing
from mctrain.data.shards import samples
from mctrain.data.workers import open_pool
from mctrain.errors import TrainerError
from mctrain.recipe import Augmentation
from mctrain.reinforce.shard import Drawing, Outcome, reinforce
from mctrain.teachers.teacher import Ensemble


@pytest.fixture(scope="module")
def judge(shipped_teacher):
    """The samples of a shard in the teacher's eyes, and what became of the others."""
    ensemble = Ensemble([shipped_teacher])
    drawing = Drawing(Augmentation("none", 1, 1.0, mirror=False), 0, ensemble.sizes, Phrasing(), jpeg=False)
    with open_pool(1) as pool:

        def judged(shard, pool=pool):
            outcome = Outcome()
            return list(reinforce(shard, drawing, ensemble, pool, outcome)), outcome

        yield judged


@pytest.fixture(scope="module")
def photos(real_data):
    return [own.photo for own in islice(samples(real_data / "flickr8k-train-000000.tar"), 2)]


@pytest.fixture(scope="module")
def measuring(real_data):
    """A photo that only measures."""
    return next(samples(real_data / "flickr8k-dev-000000.tar")).photo


def test_of_a_key_that_comes_again_photo_and_words_are_of_one_sample(judge, photos, measuring, tmp_path):
    parts = [
        ("a.jpg", measuring), ("a.txt", b"a photo that measures"), ("a.jpg", photos[0]), ("a.txt", b"one dog"),
        ("b.jpg", photos[0]), ("b.jpg", photos[1]), ("b.txt", b"two dogs"),
    ]  # fmt: skip
    found, outcome = judge(write_shard(tmp_path / "twice.tar", parts))
    assert [(own.key, own.photo, own.captions) for own in found] == [
        ("a", photos[0], ("one dog",)),
        ("b", photos[1], ("two dogs",)),
    ]
    assert outcome.refused == ["a"]
    assert outcome.faulty == [("b", "no text")]


def test_words_that_are_none_cost_their_sample_alone(judge, photos, tmp_path):
    odd = {
        "number": ("json", b'{"set": "x", "label": 5}'),
        "objects": ("json", b'{"objects": [{"box": [1, 2]}], "caption": "two dogs"}'),
        "view": ("syn.json", b'{"image": ["one dog", "two dogs"]}'),
        "caption": ("syn.json", b'{"text": ["one dog"]}'),
        "blank": ("syn.json", b'{"syn_text": ["", " "]}'),
    }
    whole = {
        "sets": ("json", b'{"set": ["x"], "label": "dog", "labels": null}'),
        "letters": ("json", b'{"set": "x", "labels": "dog"}'),
        "nothing": ("json", b'{"objects": ["dog"], "phrases": null}'),
        "said": ("syn.json", b'{"syn_text": ["", "dog"]}'),
    }
    parts = []
    for key, (suffix, words) in {**odd, **whole}.items():
        parts += [(f"{key}.jpg", photos[0]), (f"{key}.{suffix}", words)]
    found, outcome = judge(write_shard(tmp_path / "odd.tar", parts))
    assert {own.key: own.captions for own in found} == dict.fromkeys(whole, ("dog",))
    assert [key for key, _ in outcome.faulty] == list(odd)
    assert outcome.faults == {"broken words": 4, "no text": 1}


def test_a_worker_that_is_ended_from_outside_is_told_in_a_sentence(judge, photos, tmp_path):
    shard = write_shard(tmp_path / "one.tar", [("a.jpg", photos[0]), ("a.txt", b"one dog")])
    with open_pool(1) as pool:
        os.kill(pool.submit(os.getpid).result(), signal.SIGINT)  # as a terminal's Ctrl-C does
        worker = pool.submit(os.getpid).result()
        pool.submit(os.kill, worker, signal.SIGKILL)
        with pytest.raises(TrainerError, match="memory is full"):
            judge(shard, pool)
