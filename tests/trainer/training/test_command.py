"""`mctrain train` on the command line: changes, a dry run, starting models, and other commands on its result."""

from __future__ import annotations

import json
import re
import resource

import pytest
from tests.trainer.conftest import changed_tensors, run_mctrain
from tests.trainer.training.conftest import RECIPE, RecordedReporter

from mctrain.errors import RecipeError, TrainerError
from mctrain.models.clip import build_clip
from mctrain.models.presets import PRESETS
from mctrain.training.dry_run import dry_run
from mctrain.training.metrics import METRICS
from mctrain.weights.checkpoint import Checkpoint, WeightsFile, load_checkpoint, save_checkpoint
from mctrain.weights.from_bundle import read_bundle
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.errors import PicsightError

SHORT = ("run.steps=1", "run.batch=2")
# what a run from a checkpoint leaves out
BEGUN = re.sub(r"\[towers\].*?\n\n|rules = .*?\n", "", RECIPE, flags=re.DOTALL)
STILL = ("optimizer.rate=0", "optimizer.floor=0", 'optimizer.held=["image"]')


@pytest.fixture(scope="module")
def command_from(command, tmp_path_factory):
    """The command of a run that begins with a model."""
    recipe = tmp_path_factory.mktemp("begun") / "begun.toml"
    recipe.write_text(BEGUN, encoding="utf-8")

    def words(folder, model, *changes):
        plain = command(folder, *changes)
        return [plain[0], str(recipe), *plain[2:], "--from", str(model)]

    return words


@pytest.fixture(scope="module")
def result(command, tmp_path_factory):
    """The folder of a run with changes."""
    folder = tmp_path_factory.mktemp("result")
    run_mctrain(
        *command(folder, *SHORT, 'evaluation.figures=["dev: text to image at 1"]', "evaluation.every=1")
    )
    return folder


def test_changes_are_recorded_and_shown(result, tmp_path):
    recipe = load_checkpoint(result).origin.recipe
    assert recipe["run"]["batch"] == 2
    assert recipe["changes"][:2] == SHORT
    output = run_mctrain("show", result, "--cache", tmp_path).output
    assert "changed    run.steps=1, run.batch=2, evaluation.figures=[" in output
    assert re.search(
        r"made by    recipe tiny: 1 steps from scratch, \d+\.\d % on the halves that choose settings", output
    )
    assert "recipe     machine: any" in output
    assert "learnt     24 photos" in output
    assert re.search(r"ran        0 min on cpu \(\S+, \d+ processors.*\), processes: 1\n", output)
    (loss,) = [
        line["loss"]
        for line in map(json.loads, (result / METRICS).read_text().splitlines())
        if "loss" in line
    ]
    assert f"loss       {loss:.3f} ▁ {loss:.3f}\n" in output
    assert "teachers   a, b\n" in output
    assert "\ncommand    mctrain" in output  # what stands behind it is of the process that tests


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("run.speed=3", r"--set run\.speed=3: .*, run has an unknown key: speed; known are batch, seed"),
        ("run.precision=fp8", r"--set run\.precision=fp8: .* 'fp8'; it should be 'fp32', 'bf16' or 'fp16'"),
        ("data.teachers=[{ width = 8 }]", r"data, teachers lacks the key scale"),
        ("run", r"--set run is not a change of a recipe; write TABLE\.KEY=VALUE"),
        ("run.steps.more=3", r"--set run\.steps\.more=3: steps is not a table"),
        ("run.passes=3", r"either steps or passes"),
        ("changes.foo=1", r"unknown key: changes; only the option --set"),
    ],
)
def test_an_invalid_change_is_refused(command, tmp_path, change, sentence):
    with pytest.raises(RecipeError, match=sentence):
        run_mctrain(*command(tmp_path / "run", change))
    assert not (tmp_path / "run").exists()


def test_a_dry_run_estimates_the_cost_and_writes_nothing(command, tmp_path):
    words = command(tmp_path / "run", "run.batch=4", "run.steps=8")
    place = words.index("-o")
    output = run_mctrain(*words[:place], *words[place + 2 :], "--dry-run").output
    assert re.findall(r"(?m)^(\w+) ", output)[-6:] == ["model", "data", "speed", "time", "disk", "loss"]
    assert re.search(r"image tower 0\.\d M numbers, text tower 7\.0 M; 1\.0 M of them learn", output)
    assert "24 photos; 8 steps are 1.3 passes" in output
    assert re.search(r"[\d.]+ photos a second on cpu, \d+% of the time waiting", output)
    with pytest.raises(RecipeError, match="compares the new model"):  # as the run itself
        run_mctrain(
            *words[:place], *words[place + 2 :], "--dry-run",
            "--set", "apart.share=0.4", "--set", "apart.most_lost=2",
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_ends_after_a_minute_and_gives_a_range(recipe_of, places):
    """On this clock steps take 5, 5, 10, 10, 10, 15 seconds: one more would exceed the minute. The first two warm up."""
    times, reporter = iter([0, 5, 5, 10, 10, 20, 20, 30, 30, 40, 40, 55]), RecordedReporter()
    lines = dry_run(
        recipe_of("run.steps=3600"), None, places, reporter, workers=0, clock=lambda: float(next(times))
    )
    assert lines[-1].endswith("after 6 steps")
    assert lines[3] == (
        "time       11 h 15 min, 10 h 00 min to 13 h 30 min by the fastest and the slowest of 4 steps; "
        "without evaluations"
    )
    assert reporter.lines[0] == "Taking steps for up to 60 seconds."
    assert reporter.lines[-1] == "6/50 15.0 seconds a step"


def test_options_without_effect_are_refused(command, tmp_path):
    words = command(tmp_path / "run", *SHORT)
    place, data = words.index("-o"), words.index("--data")
    for wrong, sentence in (
        (
            (*words[:place], *words[place + 2 :], "--dry-run", "--bundle", tmp_path / "b"),
            "leave --bundle out",
        ),
        ((*words, "--dry-run"), "leave -o out"),
        ((*words[:place], *words[place + 2 :]), "or try the run with --dry-run"),
        ((*words[:data], *words[data + 2 :]), "give it with --data"),
    ):
        assert sentence in run_mctrain(*wrong, code=2).output
    assert list(tmp_path.iterdir()) == []


def test_no_run_begins_where_nothing_can_be_written(command, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PicsightError, match=r"file/run cannot be written \(Not a directory"):
        run_mctrain(*command(tmp_path / "file" / "run"))


def test_a_full_disk_is_one_sentence(command, tmp_path):
    """A limit on file sizes simulates it: first the frozen weights do not fit, then the metrics do not."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    messages = []
    for most in (1 << 23, 1000, 10):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
        try:
            with pytest.raises(PicsightError) as refused:
                run_mctrain(*command(tmp_path, *SHORT))
            messages.append(str(refused.value))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert re.search(r"frozen\.pt cannot be written: ", messages[0])
    assert messages[1].startswith(
        f"{tmp_path / METRICS} cannot be written (File too large): make room, or check its permissions. The same "
        "command resumes"
    )
    assert messages[2].startswith(f"{tmp_path / METRICS} cannot be written (")
    assert [path.name for path in tmp_path.iterdir() if "step" in path.name] == []


def test_a_bundle_is_trained_on(command_from, starter, tmp_path):
    """Lite0 and MiniLM do not change at a rate of 0."""
    run_mctrain(*command_from(tmp_path / "still", starter, *SHORT, *STILL))
    still, before = load_checkpoint(tmp_path / "still"), read_bundle(starter)
    assert not changed_tensors(still.clip.state_dict(), before.clip.state_dict())
    assert still.preset == before.preset


def test_an_imported_checkpoint_is_trained_on(command_from, tmp_path):
    clip = build_clip(PRESETS["laptop_xxs"]).eval().requires_grad_(requires_grad=False)
    model = save_checkpoint(
        tmp_path / "model.pt",
        Checkpoint(PRESETS["laptop_xxs"], clip, WeightsFile("w.pt", "ab" * 32, "apple")),
    )
    run_mctrain(*command_from(tmp_path / "run", model, *SHORT))
    after = load_checkpoint(tmp_path / "run")
    assert changed_tensors(clip.state_dict(), after.clip.state_dict())
    assert len(after.origin.begun) == 64


def test_a_run_is_continued_from_its_checkpoint_in_another_folder(result, command, command_from, tmp_path):
    run_mctrain(*command(tmp_path / "more", *SHORT), "--from", result)
    assert load_checkpoint(tmp_path / "more").origin.begun
    with pytest.raises(TrainerError, match="describes another model than that of --from"):
        run_mctrain(*command(tmp_path / "other", *SHORT, "towers.dim=32"), "--from", result)
    with pytest.raises(RecipeError, match="describes no model; give a checkpoint or a bundle with --from"):
        run_mctrain(*command_from(tmp_path / "none", result, *SHORT)[:-2])


@pytest.mark.soak
def test_a_trained_model_is_exported(result, tmp_path):
    run_mctrain("export", result, "-o", tmp_path / "bundle")
    manifest = open_bundle(tmp_path / "bundle", hashes=True).manifest
    assert (manifest.title, manifest.dim, manifest.image.size, manifest.text.context) == ("Tiny", 16, 32, 16)
    assert manifest.provenance["steps"] == 1
    output = run_mctrain("show", tmp_path / "bundle", "--cache", tmp_path).output
    assert "changed    run.steps=1, run.batch=2" in output
