"""A text tower learns what another one says, goes on where it was killed, and stands beside an image tower that stays as it is."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tests.trainer.conftest import members_of, write_shard

from mctrain.cli.command import mctrain
from mctrain.data.refusal import shipped
from mctrain.data.shards import samples
from mctrain.errors import ExportError, RefusalError, TrainerError
from mctrain.export.keeping import Kept
from mctrain.tokens.templates import TEMPLATES
from mctrain.training.distillation.corpus import Words
from mctrain.training.distillation.lessons import lessons_of
from mctrain.training.distillation.recipe import load_distillation
from mctrain.training.distillation.run import find_lessons
from mctrain.training.metrics import METRICS
from mctrain.training.precision import Precision
from mctrain.weights.checkpoint import CHECKPOINT, load_checkpoint, states
from picsight_engine.models.bundle import IMAGE_GRAPH, open_bundle
from picsight_engine.models.text import TextEmbedder

FLOATS = Precision("fp32", torch.device("cpu"))


@pytest.fixture(scope="module")
def whole(distil_in, tmp_path_factory):
    """The folder of an undisturbed run."""
    folder = tmp_path_factory.mktemp("whole")
    distil_in(folder)
    return folder


def said(*words):
    result = CliRunner().invoke(mctrain, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def run_folder(taught_recipe_file, starter, tiny_data, cache, tmp_path_factory):
    """Of a run of several passes over few texts, as a person starts it."""
    folder = tmp_path_factory.mktemp("learnt")
    places = ("--from", starter, "--data", tiny_data, "--cache", cache, "-o", folder)
    told = said("distil", taught_recipe_file, *places, "--set", "distillation.passes=5")
    assert f"{folder / 'checkpoint.pt'}: 115 steps" in told
    return folder


@pytest.fixture(scope="module")
def learnt(run_folder):
    """Its result."""
    return load_checkpoint(run_folder)


def test_each_text_comes_nearer_to_what_the_teacher_says_of_it_than_one_answer_to_all(
    learnt, teacher, taught_recipe_file, tiny_data
):
    lessons = find_lessons(load_distillation(str(taught_recipe_file)), tiny_data).lessons[::5]
    student, asked = Words(learnt, FLOATS), Words(teacher.checkpoint, FLOATS)
    found = student([lesson.text for lesson in lessons])
    wanted = np.stack([asked(lesson.said).mean(0) for lesson in lessons])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    answer = wanted.mean(0) / np.linalg.norm(wanted.mean(0))
    assert (found * wanted).sum(1).mean() > (wanted @ answer).mean() + 0.1


def test_the_teacher_says_of_a_short_search_what_the_engine_makes_of_its_templates(teacher, starter):
    engine = TextEmbedder(open_bundle(starter))
    texts = ["dog", "red car", "a child in the snow", "two men are playing chess outdoors"]
    lessons = [own for own in lessons_of(texts, shipped()) if own.text in texts]
    assert [len(own.said) for own in lessons] == [len(TEMPLATES), len(TEMPLATES), 1, 1]
    asked = Words(teacher.checkpoint, FLOATS)
    for own in lessons:
        mean = asked(own.said).mean(0)
        assert mean @ engine.embed_term(own.text) / np.linalg.norm(mean) > 0.97  # the rest is int8


def test_a_killed_run_ends_bit_equal(distil_in, whole, tmp_path):
    with pytest.raises(MemoryError):
        distil_in(tmp_path, dies_after=5)
    assert [path.name for path in states(tmp_path)] == ["step-00000003.pt"]
    wanted, found = load_checkpoint(whole), load_checkpoint(distil_in(tmp_path).path)
    weights = found.clip.state_dict()
    assert all(torch.equal(own, weights[name]) for name, own in wanted.clip.state_dict().items())
    assert found.origin.steps == wanted.origin.steps
    assert told_steps(tmp_path) == told_steps(whole)


def told_steps(folder):
    lines = map(json.loads, (folder / METRICS).read_text().splitlines())
    return [line["step"] for line in lines if "cosine" in line]


def test_a_folder_takes_no_second_run(distil_in, whole):
    with pytest.raises(TrainerError, match=r"differs in loss.weight \(0.1, now 0.2\)"):
        distil_in(whole, "loss.weight=0.2")


def test_a_checkpoint_of_something_else_is_not_written_over(distil_in, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"hours of work")
    with pytest.raises(TrainerError, match=r"checkpoint\.pt is there already, .* with -o"):
        distil_in(tmp_path)
    assert (tmp_path / CHECKPOINT).read_bytes() == b"hours of work"


def test_the_image_tower_stays_as_it_is(learnt, teacher):
    before = teacher.checkpoint.clip.image.state_dict()
    assert all(torch.equal(own, before[name]) for name, own in learnt.clip.image.state_dict().items())
    assert learnt.clip.scale() == teacher.checkpoint.clip.scale()


def test_the_bundle_has_the_starters_photos_and_space_and_asks_once(learnt, run_folder, starter, tmp_path):
    told = said("export", run_folder, "-o", tmp_path / "words", "--int8-text", "--image-of", starter)
    assert "photos that were read need not be read again" in told
    assert f"made of {learnt.origin.texts} texts on top of" in told
    bundle, begun = open_bundle(tmp_path / "words", hashes=True), open_bundle(starter).manifest
    assert (bundle.folder / IMAGE_GRAPH).read_bytes() == (starter / IMAGE_GRAPH).read_bytes()
    assert bundle.manifest.space_id == begun.space_id
    assert bundle.manifest.calibration is None is not begun.calibration
    assert bundle.manifest.text.templates == ()
    embedder = TextEmbedder(bundle)
    texts = ["dog", "a man rides a red bicycle along the beach"]
    own = Words(learnt, FLOATS)(texts)
    assert (np.stack([embedder.embed_term(text) for text in texts]) * own).sum(1).min() > 0.97


def test_another_bundles_photos_are_refused(learnt, teacher, starter):
    other = {name: own.clone() for name, own in learnt.clip.image.state_dict().items()}
    next(iter(other.values())).add_(1)
    learnt.clip.image.load_state_dict(other)
    with pytest.raises(ExportError, match="is not that of the checkpoint"):
        Kept(open_bundle(starter), learnt).demand_image()
    learnt.clip.image.load_state_dict(teacher.checkpoint.clip.image.state_dict())


def test_evaluation_photos_and_what_was_said_about_them_teach_nothing(
    taught_recipe_file, tiny_data, real_data, tmp_path
):
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data)
    sample = next(samples(real_data / "flickr8k-dev-000000.tar"))
    said = sample.words["captions"]
    (data / "mine.txt").write_text("\n".join([*said, "a sentence of my own"]), encoding="utf-8")
    mine = load_distillation(str(taught_recipe_file), ['data.sources=["mine.txt", "shards"]'])
    texts = {lesson.text for lesson in find_lessons(mine, data).lessons}
    assert "a sentence of my own" in texts
    assert not texts & set(said)
    words = json.dumps(sample.words).encode()
    write_shard(data / "flickr8k-train-000001.tar", members_of(sample, words, "renamed"))
    with pytest.raises(RefusalError, match="evaluation photos"):
        find_lessons(mine, data)
