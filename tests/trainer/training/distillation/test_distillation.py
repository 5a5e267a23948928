"""A text tower learns what another one says, goes on where it was killed, and stands beside an image tower that stays as it is."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from tests.trainer.conftest import members_of, write_shard

from mctrain.data.refusal import shipped
from mctrain.data.shards import samples
from mctrain.errors import ExportError, RefusalError, TrainerError
from mctrain.export.bundle import export_bundle
from mctrain.export.probe import packaged
from mctrain.tokens.templates import TEMPLATES
from mctrain.training.distillation.corpus import Words
from mctrain.training.distillation.lessons import lessons_of
from mctrain.training.distillation.recipe import load_distillation
from mctrain.training.distillation.run import find_lessons
from mctrain.training.metrics import METRICS
from mctrain.training.precision import Precision
from mctrain.training.state import states
from mctrain.weights.checkpoint import load_checkpoint
from picsight_engine.models.bundle import IMAGE_GRAPH, open_bundle
from picsight_engine.models.text import TextEmbedder


def run_steps(folder):
    return load_checkpoint(folder).origin.steps


FLOATS = Precision("fp32", torch.device("cpu"))


@pytest.fixture(scope="module")
def learnt(distil_in, tmp_path_factory):
    """After many passes over few texts."""
    return load_checkpoint(distil_in(tmp_path_factory.mktemp("learnt"), "distillation.passes=10").path)


def test_few_texts_are_learnt_by_heart(learnt, teacher, taught_recipe_file, tiny_data):
    found = find_lessons(load_distillation(str(taught_recipe_file)), tiny_data)
    assert found.texts > 150
    student, asked = Words(learnt, FLOATS), Words(teacher.checkpoint, FLOATS)
    own = student([lesson.text for lesson in found.lessons])
    wanted = np.stack([asked(lesson.said).mean(0) for lesson in found.lessons])
    cosines = (own * wanted).sum(1) / np.linalg.norm(wanted, axis=1)
    assert cosines.mean() > 0.99


def test_the_teacher_says_of_a_short_search_what_the_engine_makes_of_its_templates(teacher, starter):
    engine = TextEmbedder(open_bundle(starter))
    texts = ["dog", "red car", "a child in the snow", "two men are playing chess outdoors"]
    lessons = [own for own in lessons_of(texts, shipped()) if own.text in texts]
    assert [len(own.said) for own in lessons] == [len(TEMPLATES), len(TEMPLATES), 1, 1]
    asked = Words(teacher.checkpoint, FLOATS)
    for own in lessons:
        mean = asked(own.said).mean(0)
        assert mean @ engine.embed_term(own.text) / np.linalg.norm(mean) > 0.97  # the rest is int8


def test_a_killed_run_ends_bit_equal(distil_in, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    wanted = load_checkpoint(distil_in(whole).path).clip.state_dict()
    with pytest.raises(MemoryError):
        distil_in(killed, dies_after=5)
    assert [path.name for path in states(killed)] == ["step-00000003.pt"]
    found = load_checkpoint(distil_in(killed).path).clip.state_dict()
    assert all(torch.equal(own, found[name]) for name, own in wanted.items())
    told = [json.loads(line) for line in (killed / METRICS).read_text().splitlines()]
    assert [line["step"] for line in told if "step" in line] == list(range(4, run_steps(whole) + 1, 4))


def test_a_folder_takes_no_second_run(distil_in, tmp_path):
    distil_in(tmp_path)
    with pytest.raises(TrainerError, match=r"differs in loss.weight \(0.1, now 0.2\)"):
        distil_in(tmp_path, "loss.weight=0.2")


def test_the_image_tower_stays_as_it_is(learnt, teacher):
    before = teacher.checkpoint.clip.image.state_dict()
    assert all(torch.equal(own, before[name]) for name, own in learnt.clip.image.state_dict().items())
    assert learnt.clip.scale() == teacher.checkpoint.clip.scale()


def test_the_bundle_has_the_starters_photos_and_space_and_asks_once(learnt, starter, tmp_path):
    bundle = export_bundle(
        learnt, tmp_path / "words", packaged(), int8_text=True, image_of=open_bundle(starter)
    )
    begun = open_bundle(starter).manifest
    assert (bundle.folder / IMAGE_GRAPH).read_bytes() == (starter / IMAGE_GRAPH).read_bytes()
    assert bundle.manifest.space_id == begun.space_id
    assert bundle.manifest.calibration is None is not begun.calibration
    assert bundle.manifest.text.templates == ()
    embedder = TextEmbedder(bundle)
    texts = ["dog", "a man rides a red bicycle along the beach"]
    own = Words(learnt, FLOATS)(texts)
    assert (np.stack([embedder.embed_term(text) for text in texts]) * own).sum(1).min() > 0.97


def test_another_bundles_photos_are_refused(learnt, teacher, starter, tmp_path):
    other = {name: own.clone() for name, own in learnt.clip.image.state_dict().items()}
    next(iter(other.values())).add_(1)
    learnt.clip.image.load_state_dict(other)
    with pytest.raises(ExportError, match="is not that of the checkpoint"):
        export_bundle(learnt, tmp_path / "words", packaged(), int8_text=True, image_of=open_bundle(starter))
    assert not (tmp_path / "words").exists()
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
