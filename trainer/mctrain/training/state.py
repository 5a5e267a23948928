"""The state of a run between two steps, one file each; a stopped or killed run resumes from the last."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mctrain.errors import TrainerError, WeightsError
from mctrain.optimisation.statistics import unchanging
from mctrain.training.step.student import without
from mctrain.weights.checkpoint import (
    CHECKPOINT,
    FROZEN,
    Checkpoint,
    Trained,
    checkpoint_file,
    content_of,
    load_checkpoint,
    overwrite_error,
    save_checkpoint,
    states,
)
from mctrain.weights.tensor_files import read_saved, write_saved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mctrain.recipes.training import TrainingRecipe
    from mctrain.training.feed import Feed
    from mctrain.training.step.losses import LossSettings
    from mctrain.training.step.ranks import Rank
    from mctrain.training.step.student import Student


# tables of a recipe that do not affect the weights
_DESCRIPTIVE = frozenset({"about", "bundle", "evaluation"})
_WATCHED = frozenset({"log_every", "save_every", "keep", "most_lost"})  # and such keys of other tables
_BEGUN, _CONTENT = "--from", "the content of its shards"  # keys of a run's identity
_LONGEST = 120.0  # seconds of work that a kill may cost
_LEFT = ".step-*.part"  # partial states that killed processes leave


@dataclass(slots=True)
class MetricSums:
    """Sums over the steps since the last log line; part of the state, so that lines of a resumed run are the same. Times in seconds."""

    steps: int = 0
    photos: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, photos: int, seconds: float, waited: float, values: Mapping[str, float]) -> None:
        """Adds a step."""
        self.steps += 1
        self.photos += photos
        self.seconds += seconds
        self.waited += waited
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def line(self, rank: Rank) -> dict[str, float]:
        """Means over the steps and the processes; photos per second, and the share of time spent waiting for data.

        A value that is not finite, such as an overflowed gradient, is left out.
        """
        means = rank.means([value / self.steps for value in self.sums.values()])
        finite = {name: mean for name, mean in zip(self.sums, means, strict=True) if math.isfinite(mean)}
        seconds = max(self.seconds, 1e-9)
        return finite | {"photos_a_second": self.photos / seconds, "waiting": self.waited / seconds}


@dataclass(slots=True)
class RunProgress:
    """The progress of a run: steps done, evaluation scores by step, and metrics not logged yet.

    `asked` is the digest of the validation that gave the scores.
    """

    step: int = 0
    scores: dict[int, float] = field(default_factory=dict)
    facts: MetricSums = field(default_factory=MetricSums)
    asked: str = ""

    def use_validation(self, digest: str) -> bool:
        """Switches to this validation; returns whether scores of another one were dropped, as they do not compare."""
        others = bool(self.scores) and self.asked not in {"", digest}
        if others:
            self.scores.clear()
        self.asked = digest
        return others


def identity_of(recipe: TrainingRecipe, begun: str, data: Mapping[str, str]) -> dict[str, Any]:
    """Everything but the machine that the weights depend on: the recipe's numbers, and digests of its start and data."""
    numbers = {
        f"{name}.{key}": value
        for name, table in asdict(recipe).items()
        if isinstance(table, dict) and name not in _DESCRIPTIVE
        for key, value in table.items()
        if key not in _WATCHED
    }
    return {**numbers, _BEGUN: begun, _CONTENT: dict(data)}


@dataclass(frozen=True, slots=True)
class Training:
    """The parts of a run: student, data, loss; `at` is its progress.

    A state belongs to this run if it has the same `identity`.
    """

    recipe: TrainingRecipe
    student: Student
    feed: Feed
    loss: LossSettings
    steps: int
    identity: Mapping[str, Any]
    at: RunProgress

    @property
    def origin(self) -> Trained:
        """The provenance record of the current weights."""
        return Trained(
            recipe=asdict(self.recipe),
            steps=self.at.step,
            begun=self.identity[_BEGUN],
            data=self.identity[_CONTENT],
            score=self.at.scores.get(self.at.step),
            photos=len(self.feed.data),
        )


def demand_free(folder: Path) -> None:
    """Checks before the run that its result does not overwrite another one, which may be its own start.

    Raises:
        TrainerError: the folder holds a checkpoint but no state of the run that made it.
    """
    if (folder / CHECKPOINT).exists() and not states(folder):
        raise overwrite_error(folder / CHECKPOINT)


def is_save_due(step: int, save_every: int, *, steps_of_pass: int, seconds: float) -> bool:
    """Whether to write a state after this step; the last one was written `seconds` ago."""
    return step % save_every == 0 or step % steps_of_pass == 0 or seconds >= _LONGEST


def save_state(folder: Path, run: Training, spared: int = 0) -> None:
    """Writes a state atomically, as a checkpoint, and removes the oldest ones beyond the recipe's limit.

    What never changes is written once, with the first state. The state of step `spared` is kept too.

    Raises:
        WeightsError: the file cannot be written.
    """
    state = {
        "identity": dict(run.identity),
        "figures": run.recipe.figures,
        "at": asdict(run.at),
        **run.student.state(),
    }
    made = Checkpoint(run.student.preset, run.student.best, run.origin)
    content, still = content_of(made), unchanging(run.student.clip)
    if still and not states(folder):
        write_saved(folder / FROZEN, {name: content["weights"][name] for name in still})
    # weights that both share are stored once
    content["weights"] = without(content["weights"], still)
    write_saved(_state_file(folder, run.at.step), {**content, "state": state})
    for old in states(folder)[: -run.recipe.run.keep]:
        if old != _state_file(folder, spared):
            old.unlink(missing_ok=True)


def best_step(folder: Path, at: RunProgress) -> int:
    """The step with the best score among the existing states, the first one of equals (as for patience); 0 for none."""
    there = [step for step in at.scores if _state_file(folder, step).exists()]
    return max(there, key=at.scores.__getitem__, default=0)


def save_result(folder: Path, run: Training, best: int = 0) -> Path:
    """Writes the final checkpoint, frozen: the current weights, or those after step `best`.

    Raises:
        WeightsError: the file cannot be written, or the state of that step is damaged.
    """
    if best:
        return save_checkpoint(folder, load_checkpoint(_state_file(folder, best)))
    clip = run.student.best.to("cpu").eval().requires_grad_(requires_grad=False)
    return save_checkpoint(folder, Checkpoint(run.student.preset, clip, run.origin))


def load_state(folder: Path, run: Training) -> RunProgress:
    """Restores the last state of a folder; without one, the student stays at its start.

    Raises:
        TrainerError: the folder holds another run, or the file is damaged.
    """
    for left in folder.glob(_LEFT):
        left.unlink(missing_ok=True)
    if not (found := states(folder)):
        return RunProgress()
    try:
        content = cast("dict[str, Any]", read_saved(found[-1]))["state"]
        _demand_same(folder, content["identity"], run.identity)
        run.student.restore(content, content["at"]["step"])
        at = content["at"]
        # scores of other exams do not compare
        scores = at["scores"] if content["figures"] == run.recipe.figures else {}
        return RunProgress(at["step"], dict(scores), MetricSums(**at["facts"]), at["asked"])
    except (WeightsError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as fault:
        raise TrainerError(f"{found[-1]} is damaged; {_way_on(folder, len(found))}.") from fault


def _state_file(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08}.pt"


def _way_on(folder: Path, states_there: int) -> str:
    if states_there > 1:
        return "remove it, and the run goes on from the one before"
    # `demand_free` would refuse the folder with it.
    also = f" and {CHECKPOINT}" if (folder / CHECKPOINT).exists() else ""
    return f"remove it{also}, and the run begins anew"


def _demand_same(folder: Path, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    others = [key for key in {**wanted, **known} if known.get(key) != wanted.get(key)]
    if not others:
        return
    key = others[0]
    difference = f"{key} ({known.get(key)}, now {wanted.get(key)})" if "." in key else key
    raise TrainerError(
        f"{folder} holds a run that differs in {difference}; choose another folder with -o, where --from {checkpoint_file(folder)} would "
        "begin with the weights of this one, or take the change back."
    )
