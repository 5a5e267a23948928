"""`mctrain show` describes checkpoints and bundles, their origin and their scores."""

from __future__ import annotations

import re
import shutil

import pytest
from tests.trainer.conftest import run_mctrain

from mctrain.weights.checkpoint import load_checkpoint


def test_a_fitted_checkpoint_shows_its_recipe_and_scores(finished, graphs, tiny_data, tmp_path):
    output = run_mctrain("show", finished.path, "--cache", graphs).output
    run = load_checkpoint(finished.path).origin
    assert f"checkpoint, {run.recipe.about.title}" in output
    assert (
        f"made by    recipe tiny: {len(run.history)} passes, loss {run.history[-1]:.4f} at the end" in output
    )
    assert all(name in output for name in run.data)
    assert "scored     nothing yet" in output
    task = '[[retrieval]]\nname = "{}"\nshards = ["flickr8k-train-*.tar"]\n'
    for name in ("first", "second", "first"):
        (tmp_path / "tasks.toml").write_text(task.format(name))
        places = ("--data", tiny_data, "--cache", graphs, "--tasks", tmp_path / "tasks.toml")
        line = run_mctrain("eval", finished.path, *places).output
    shutil.copytree(finished.path.parent, tmp_path / "moved")
    output = run_mctrain("show", tmp_path / "moved", "--cache", graphs).output
    assert re.findall(r"scored     (\w+):", output) == ["first", "second"]
    assert f"scored     {line}" in output


def test_an_imported_checkpoint_shows_its_file_without_terminal_controls(untrained, tmp_path):
    output = run_mctrain("show", untrained, "--cache", tmp_path).output
    assert f"made of    w\N{REPLACEMENT CHARACTER}[2J.pt (apple, licence none), SHA-256 {'ab' * 32}" in output
    shown = re.search(r"image tower ([\d.]+) M numbers, text tower ([\d.]+) M, in training form", output)
    clip = load_checkpoint(untrained).clip
    for millions, tower in zip(shown.groups(), (clip.image, clip.text), strict=True):
        count = sum(weight.numel() for weight in tower.parameters())
        assert float(millions) == pytest.approx(count / 1e6, abs=0.05)


def test_the_starter_shows_its_recipe_and_drift(starter, tmp_path):
    output = run_mctrain("show", starter, "--cache", tmp_path).output
    assert re.search(r"matches +strong from 0\.\d+, an answer from 0\.\d+", output)
    assert (
        "bundle, Starter (everyday things) (picsight-starter), licence LicenseRef-Picsight-Starter" in output
    )
    assert "drift      text: stored int8, count 32, mean 0.99282" in output
    assert "made by    recipe starter: 27 passes, loss 4.3914 at the end" in output
    assert "scored     nothing yet" in output
