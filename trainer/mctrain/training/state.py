"""The state of a run between two steps, one file each; a run that was stopped, or killed, goes on from the last."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mctrain.errors import TrainerError, WeightsError
from mctrain.weights.checkpoint import (
    CHECKPOINT,
    Checkpoint,
    Trained,
    checkpoint_file,
    content_of,
    load_checkpoint,
    save_checkpoint,
    states,
    taken,
)
from mctrain.weights.tensor_files import read_saved, write_saved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mctrain.recipes.training import TrainingRecipe
    from mctrain.training.feed import Feed
    from mctrain.training.losses import LossSettings
    from mctrain.training.ranks import Rank
    from mctrain.training.student import Student


_DESCRIPTIVE = frozenset({"about", "bundle", "evaluation"})  # tables of a recipe on which no weight depends
_WATCHED = frozenset({"log_every", "save_every", "keep", "most_lost"})  # and keys of the others
_BEGUN, _CONTENT = "--from", "the content of its shards"  # of a run's identity
_LONGEST = 120.0  # seconds of work that a kill may cost
_LEFT = ".step-*.part"  # what a killed process leaves of a state that it was writing


@dataclass(slots=True)
class Facts:
    """Sums over the steps since the last line; part of a run's state, so that a line covers the same steps in a run that was killed. Times are in seconds."""

    steps: int = 0
    photos: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, photos: int, seconds: float, waited: float, values: Mapping[str, float]) -> None:
        """One more step."""
        self.steps += 1
        self.photos += photos
        self.seconds += seconds
        self.waited += waited
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def line(self, rank: Rank) -> dict[str, float]:
        """Means over the steps and the processes; photos a second, and the share of the time that data were waited for.

        What is no number, as a gradient that overflowed, has no mean.
        """
        means = rank.means([value / self.steps for value in self.sums.values()])
        finite = {name: mean for name, mean in zip(self.sums, means, strict=True) if math.isfinite(mean)}
        seconds = max(self.seconds, 1e-9)
        return finite | {"photos_a_second": self.photos / seconds, "waiting": self.waited / seconds}


@dataclass(slots=True)
class Position:
    """How far a run is: steps that are done, the scores of evaluations by step, and what was not logged yet of the last steps.

    `asked` is the digest of the exam that gave the scores.
    """

    step: int = 0
    scores: dict[int, float] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    asked: str = ""

    def take_exam(self, digest: str) -> bool:
        """From here on scores are those of this exam; whether there were scores of another one, which no mean can be compared with."""
        others = bool(self.scores) and self.asked not in {"", digest}
        if others:
            self.scores.clear()
        self.asked = digest
        return others


def identity_of(recipe: TrainingRecipe, begun: str, data: Mapping[str, str]) -> dict[str, Any]:
    """Everything that the weights of a run depend on but the machine: numbers of the recipe, its beginning and its data by digest."""
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
    """What steps are made of: what learns, from what, towards which loss; `at` moves on with them.

    `identity` is what a state must have been made with to be this run's.
    """

    recipe: TrainingRecipe
    student: Student
    feed: Feed
    loss: LossSettings
    steps: int
    identity: Mapping[str, Any]
    at: Position

    @property
    def origin(self) -> Trained:
        """The record of the weights that it has made so far."""
        return Trained(
            recipe=asdict(self.recipe),
            steps=self.at.step,
            begun=self.identity[_BEGUN],
            data=self.identity[_CONTENT],
            score=self.at.scores.get(self.at.step),
            photos=len(self.feed.data),
        )


def demand_no_other(folder: Path) -> None:
    """Checks before the work that a run's result does not replace another one, which may be the model that it begins with.

    Raises:
        TrainerError: there is a checkpoint, and no state of the run that made it.
    """
    if (folder / CHECKPOINT).exists() and not states(folder):
        raise taken(folder / CHECKPOINT)


def is_save_due(step: int, save_every: int, *, steps_of_pass: int, seconds: float) -> bool:
    """Whether a state is written after this step, where the last one was written so many `seconds` ago."""
    return step % save_every == 0 or step % steps_of_pass == 0 or seconds >= _LONGEST


def save_state(folder: Path, run: Training, spared: int = 0) -> None:
    """Writes a state whole, as a checkpoint of its own, and removes the oldest beyond those that the recipe keeps.

    That of the step `spared` stays too.

    Raises:
        WeightsError: the disk refuses it.
    """
    state = {
        "identity": dict(run.identity),
        "figures": run.recipe.figures,
        "at": asdict(run.at),
        **run.student.state(),
    }
    made = Checkpoint(run.student.preset, run.student.best, run.origin)
    # what both hold of the weights is in the file once
    write_saved(_state_file(folder, run.at.step), {**content_of(made), "state": state})
    for old in states(folder)[: -run.recipe.run.keep]:
        if old != _state_file(folder, spared):
            old.unlink(missing_ok=True)


def best_step(folder: Path, at: Position) -> int:
    """Of the steps whose state is there the one with the best score, of equal ones the first, as patience has it; 0 for none."""
    there = [step for step in at.scores if _state_file(folder, step).exists()]
    return max(there, key=at.scores.__getitem__, default=0)


def save_result(folder: Path, run: Training, best: int = 0) -> Path:
    """Writes what a run has made, frozen: the weights that it has now, or those after its step `best`.

    Raises:
        WeightsError: the disk refuses it, or the state of that step is damaged.
    """
    if best:
        return save_checkpoint(folder, load_checkpoint(_state_file(folder, best)))
    clip = run.student.best.to("cpu").eval().requires_grad_(requires_grad=False)
    return save_checkpoint(folder, Checkpoint(run.student.preset, clip, run.origin))


def load_state(folder: Path, run: Training) -> Position:
    """Brings a student to the last state of a folder; where there is none, it stays at its beginning.

    Raises:
        TrainerError: the folder holds another run, or the file is damaged.
    """
    for left in folder.glob(_LEFT):
        left.unlink(missing_ok=True)
    if not (found := states(folder)):
        return Position()
    try:
        content = cast("dict[str, Any]", read_saved(found[-1]))["state"]
        _demand_same(folder, content["identity"], run.identity)
        run.student.restore(content, content["at"]["step"])
        at = content["at"]
        # of others no mean can be compared
        scores = at["scores"] if content["figures"] == run.recipe.figures else {}
        return Position(at["step"], dict(scores), Facts(**at["facts"]), at["asked"])
    except (WeightsError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as fault:
        raise TrainerError(f"{found[-1]} is damaged; {_way_on(folder, len(found))}.") from fault


def _state_file(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08}.pt"


def _way_on(folder: Path, states_there: int) -> str:
    if states_there > 1:
        return "remove it, and the run goes on from the one before"
    also = f" and {CHECKPOINT}" if (folder / CHECKPOINT).exists() else ""  # as `demand_no_other` has it
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
