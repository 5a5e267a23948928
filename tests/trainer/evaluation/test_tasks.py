"""Tasks are read from a list, and nothing in it is guessed."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mctrain.errors import DataError, RecipeError
from mctrain.evaluation.outcome import Outcome
from mctrain.evaluation.report import reported_half
from mctrain.evaluation.tasks import FoundTask, Retrieval, find_files
from mctrain.research.benchmarks.tasks import load_all_tasks


def listed(tmp_path, content):
    path = tmp_path / "tasks.toml"
    path.write_text(content, encoding="utf-8")
    return load_all_tasks(path)


def test_the_list_that_ships_finds_its_files(real_data, tmp_path):
    tasks = [task for task in load_all_tasks(None) if not task.name.startswith("everyday")]
    found = find_files(tasks, real_data, tmp_path)
    assert found[0] == FoundTask(
        Retrieval("flickr8k-dev", ("flickr8k-dev-*.tar",)),
        (real_data / "flickr8k-dev-000000.tar",),
        real_data,
    )
    assert all(path.is_file() for task in found for path in task.photos)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[[guess]]\nname='x'", "unknown key: guess; known are retrieval, zero_shot"),
        ("[[retrieval]]\nname='x'", "retrieval lacks the key shards"),
        ("[[everyday]]\nname='x'\n[[everyday]]\nname='x'", "2 tasks named x"),
        ("[[zero_shot]]\nname='x'\nshards=[]\nclasses='y'\ntemplates=['photo']", "templates, each with {}"),
        ("[[order]]\nname='x'\nshards=[]\ncaptions=0", "order, captions is 0; it should be"),
        ("", "has no task"),
        ("[[", "cannot be read"),
    ],
)
def test_a_mistake_in_a_list_is_one_sentence(tmp_path, content, sentence):
    with pytest.raises(RecipeError, match=sentence):
        listed(tmp_path, content)


def test_a_missing_file_of_a_task_is_named(tmp_path):
    (tmp_path / "there.tar").touch()
    for content, missing in (
        ("[[retrieval]]\nname='x'\nshards=['a.tar']", "There is no file a.tar"),
        ("[[pairs]]\nname='x'\nshards=['there.tar']\npairs='b.jsonl'", "There is no file b.jsonl"),
        ("[[folders]]\nname='x'\nfolder='sketches'\nids='i'\nclasses='c'", "no folder .*sketches"),
        ("[[zero_shot]]\nname='x'\nshards=['there.tar']\nclasses='c'", "There is no file classnames.json"),
    ):
        with pytest.raises(DataError, match=missing):
            find_files(listed(tmp_path, content), tmp_path, tmp_path)


def test_halves_follow_the_parity_of_a_keys_sha256():
    keys = [f"photo-{number}" for number in range(400)]
    odd = reported_half(keys)
    assert [int(hashlib.sha256(key.encode()).hexdigest(), 16) % 2 == 1 for key in keys] == list(odd)
    assert 160 < odd.sum() < 240


def test_a_set_drawn_by_every_twentieth_number_has_two_halves_too():
    keys = [f"photo-{number}" for number in range(8000)]
    numbers = {key: int(hashlib.sha256(key.encode()).hexdigest(), 16) for key in keys}
    drawn = [key for key, number in numbers.items() if number % 20 == 0]
    odd = reported_half(drawn)
    assert [numbers[key] // 20 % 2 == 1 for key in drawn] == list(odd)
    assert 0.35 < odd.mean() < 0.65


def test_a_figure_of_some_photos_counts_only_their_answers():
    right = np.array([True, False, True, True])
    outcome = Outcome("x", right, np.array([0, 0, 1, 2]), np.array([0, 0, 0, 1]))
    assert outcome.percent() == pytest.approx(100 * (2 / 3 + 1) / 2)
    assert outcome.percent(np.array([True, False, True])) == pytest.approx(100 * (1 / 2 + 1) / 2)
    assert outcome.percent(np.array([True, True, False])) is None
    assert outcome.percent(np.zeros(3, np.bool_)) is None
