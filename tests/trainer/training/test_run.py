"""Mistakes around a run are one sentence, and any towers can be combined."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.trainer.conftest import changed_tensors, run_mctrain
from tests.trainer.training.conftest import RECIPE, RecordedReporter

from mctrain.cli.commands.runs import start_of
from mctrain.data.shards import file_digest
from mctrain.errors import RecipeError, TrainerError, WeightsError
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.measure import measure
from mctrain.evaluation.tasks import find_files
from mctrain.export.documents import LICENCE, write_documents
from mctrain.models.lite import load_lite, weights_package
from mctrain.models.minilm import PACKAGE as MINILM
from mctrain.models.minilm import load_minilm
from mctrain.recipes.parser import load
from mctrain.recipes.training import TrainingRecipe
from mctrain.research.benchmarks.tasks import load_all_tasks
from mctrain.teachers.towers import ModelTeacher
from mctrain.training.environment import RunEnvironment, Signals, hold_lock
from mctrain.training.metrics import METRICS
from mctrain.training.run import run_training
from mctrain.training.step.student import build_student
from mctrain.weights.checkpoint import CHECKPOINT, load_checkpoint, states

SHORT = ("run.steps=1", "run.batch=2")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("towers.image=lite3", "no tower lite3; known are lite0, lite1, lite2, mobileclip_s0"),
        ("towers.text=lite0", "no tower lite0; known are minilm, mobileclip_s0"),
        ("towers.text=minilm", "has a fixed context"),
    ],
)
def test_towers_that_do_not_fit_together_are_refused(opened, change, sentence):
    with pytest.raises(RecipeError, match=sentence):
        opened(change)


@pytest.mark.parametrize(
    ("image", "text"), [("lite0", "laptop_xxs"), pytest.param("laptop_xxs", "minilm", marks=pytest.mark.soak)]
)
def test_any_image_tower_learns_with_any_text_tower(places, asked, tmp_path, image, text):
    """Pretrained weights are loaded at the beginning, and the resulting model can be measured."""
    changes = (f"towers.image={image}", f"towers.text={text}", "towers.size=64", "optimizer.rules=[]")
    recipe = tmp_path / "mixed.toml"
    recipe.write_text(RECIPE.replace("context = 16\n", ""), encoding="utf-8")
    around = RunEnvironment(tmp_path / "run", Signals(), RecordedReporter(), workers=0)
    around.folder.mkdir()
    read = load(TrainingRecipe, str(recipe), (*changes, *SHORT))
    before = build_student(read, None, torch.device("cpu")).clip
    after = load_checkpoint(run_training(read, None, places, around).path)
    trunk = before.image.trunk.networks[0] if image == "lite0" else before.text.trunk
    known = load_lite() if image == "lite0" else load_minilm()
    wanted = known.state_dict()
    assert all(torch.equal(tensor, wanted[key]) for key, tensor in trunk.state_dict().items())
    teacher = ModelTeacher(after.clip, after.preset, "mixed", "")
    figures = measure(
        EvaluatedModel(teacher, lambda *_: None), find_files(places.tasks, asked.data, tmp_path)[0]
    )
    assert len(figures.keys) == 6
    assert changed_tensors(before.image.state_dict(), after.clip.image.state_dict())
    write_documents(after, tmp_path)
    package = weights_package("lite0") if image == "lite0" else MINILM
    assert f"weights of the package {package}, under the Apache" in (tmp_path / LICENCE).read_text()


def test_a_second_run_in_a_folder_is_refused_until_the_first_has_ended(command, tmp_path):
    second = command(tmp_path, "run.steps=1")
    with (
        hold_lock(tmp_path),
        pytest.raises(TrainerError, match=f"Another process trains in {tmp_path} right now"),
    ):
        run_mctrain(*second)
    assert not (tmp_path / CHECKPOINT).exists()
    with hold_lock(tmp_path):
        pass


def test_a_saved_state_is_a_checkpoint_before_the_run_ends(run_in, tmp_path):
    """It has the averaged weights, as the final checkpoint does, so a diverged run is not lost."""
    ended = load_checkpoint(run_in(tmp_path, *SHORT, "run.steps=2").path)
    with pytest.raises(TrainerError, match=f"with -o, where --from {tmp_path / CHECKPOINT} would begin"):
        run_in(tmp_path, *SHORT, "run.steps=3")
    (tmp_path / CHECKPOINT).unlink()
    state = states(tmp_path)[-1]
    with pytest.raises(TrainerError, match=f"with -o, where --from {state} would begin"):
        run_in(tmp_path, *SHORT, "run.steps=3")
    assert load_checkpoint(tmp_path).origin == ended.origin
    with pytest.raises(
        WeightsError, match=f"has not ended; say which of its states to begin with, such as {state}"
    ):
        start_of(tmp_path)
    begun = start_of(state)
    assert begun.digest == file_digest(state)
    assert begun.checkpoint.origin == ended.origin
    assert begun.checkpoint.origin.steps == 2
    assert not changed_tensors(ended.clip.state_dict(), begun.checkpoint.clip.state_dict())
    assert run_in(tmp_path / "next", *SHORT, start=begun).why == "1 steps"


@pytest.mark.parametrize("line", [b"\xff\xfe\n", b'{"step": "x"}\n'])
def test_damaged_metrics_are_cut_off_at_the_damage(run_in, tmp_path, line):
    run_in(tmp_path, "run.steps=2")
    path = tmp_path / METRICS
    whole = path.read_bytes()
    path.write_bytes(whole + line)
    run_in(tmp_path, "run.steps=2")
    assert path.read_bytes().startswith(whole)
    assert line not in path.read_bytes()


def test_a_figure_where_lower_is_better_cannot_judge_a_run(run_in, places, tmp_path):
    tasks = tmp_path / "tasks.toml"
    tasks.write_text('[[blanks]]\nname = "blanks"\n')
    with pytest.raises(RecipeError, match="Lower is better for blanks"):
        run_in(
            tmp_path / "run",
            "run.steps=2",
            "evaluation.every=1",
            'evaluation.figures=["blanks: x"]',
            places=replace(places, tasks=load_all_tasks(tasks)),
        )
