"""A checkpoint and a bundle say what they are, what made them, and what they scored."""

from __future__ import annotations

import re
import shutil

import pytest
from click.testing import CliRunner
from tests.trainer.conftest import published

from mctrain.cli.command import mctrain
from mctrain.models.presets import PRESETS
from mctrain.weights.checkpoint import Checkpoint, WeightsFile, load_checkpoint, save_checkpoint


def told(*words):
    result = CliRunner().invoke(mctrain, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_fitted_checkpoint_tells_its_recipe_and_what_it_scored_wherever_it_lies(
    finished, graphs, tiny_data, tmp_path
):
    said = told("show", finished.path, "--cache", graphs)
    run = load_checkpoint(finished.path).origin
    assert f"checkpoint, {run.recipe.about.title}" in said
    assert f"made by    recipe tiny: {len(run.history)} passes, loss {run.history[-1]:.4f} at the end" in said
    assert all(name in said for name in run.data)
    assert "scored     nothing yet" in said
    task = '[[retrieval]]\nname = "{}"\nshards = ["flickr8k-train-*.tar"]\n'
    for name in ("first", "second", "first"):
        (tmp_path / "tasks.toml").write_text(task.format(name))
        places = ("--data", tiny_data, "--cache", graphs, "--tasks", tmp_path / "tasks.toml")
        line = told("eval", finished.path, *places)
    shutil.copytree(finished.path.parent, tmp_path / "moved")
    said = told("show", tmp_path / "moved", "--cache", graphs)
    assert re.findall(r"scored     (\w+):", said) == ["first", "second"]
    assert f"scored     {line}" in said


@pytest.fixture
def imported(tmp_path, randomised):
    preset = PRESETS["laptop_xxs"]
    model, _ = published(preset, "apple", randomised)
    source = WeightsFile("w\x1b[2J.pt", "ab" * 32, "apple")
    return save_checkpoint(tmp_path / "own.pt", Checkpoint(preset.as_run_by("apple"), model, source))


def test_an_imported_one_tells_its_file_in_a_line_that_commands_no_terminal(imported, tmp_path):
    said = told("show", imported, "--cache", tmp_path)
    assert f"made of    w\N{REPLACEMENT CHARACTER}[2J.pt (apple, licence none), SHA-256 {'ab' * 32}" in said
    image, text = re.search(
        r"image tower ([\d.]+) M numbers, text tower ([\d.]+) M, in training form", said
    ).groups()
    clip = load_checkpoint(imported).clip
    assert float(image) == pytest.approx(sum(own.numel() for own in clip.image.parameters()) / 1e6, abs=0.05)
    assert float(text) == pytest.approx(sum(own.numel() for own in clip.text.parameters()) / 1e6, abs=0.05)


def test_the_starter_tells_its_recipe_and_drift(starter, tmp_path):
    said = told("show", starter, "--cache", tmp_path)
    assert re.search(r"matches +strong from 0\.\d+, an answer from 0\.\d+", said)
    assert "bundle, Starter (everyday things) (picsight-starter), licence LicenseRef-Picsight-Starter" in said
    assert "drift      text: stored int8, count 32, mean 0.99282" in said
    assert "made by    recipe starter: 27 passes, loss 4.3914 at the end" in said
    assert "scored     nothing yet" in said
