"""The state of a run between two steps, one file each; a run that was stopped, or killed, goes on from the last."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mctrain.errors import TrainerError, WeightsError
from mctrain.training.facts import Facts
from mctrain.weights.checkpoint import CHECKPOINT
from mctrain.weights.files import read_saved, write_saved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mctrain.training.recipe import AnyRecipe
    from mctrain.training.student import Student

_NAME = re.compile(r"step-(\d{8})\.pt")
_SAID = frozenset({"about", "bundle", "evaluation"})  # tables of a recipe on which no weight depends
_WATCHED = frozenset({"log_every", "save_every", "keep", "most_lost"})  # and keys of the others
_LEFT = ".step-*.part"  # what a killed process leaves of a state that it was writing


@dataclass(slots=True)
class Position:
    """How far a run is: steps that are done, the scores of evaluations by step, and what was not told yet of the last steps."""

    step: int = 0
    scores: dict[int, float] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)


def states(folder: Path) -> list[Path]:
    """The files of states, the latest last."""
    return sorted(path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name))


def identity_of(recipe: AnyRecipe, begun: str, data: Mapping[str, str]) -> dict[str, Any]:
    """Everything that the weights of a run depend on but the machine: numbers of the recipe, its beginning and its data by digest."""
    numbers = {
        f"{name}.{key}": value
        for name, table in asdict(recipe).items()
        if isinstance(table, dict) and name not in _SAID
        for key, value in table.items()
        if key not in _WATCHED
    }
    return {**numbers, "--from": begun, "the content of its shards": dict(data)}


def save_state(
    folder: Path, identity: Mapping[str, Any], recipe: AnyRecipe, student: Student, at: Position
) -> None:
    """Writes a state whole, and removes the oldest beyond those that the recipe keeps.

    Raises:
        WeightsError: the disk refuses it.
    """
    content = {
        "identity": dict(identity),
        "figures": recipe.figures,
        "at": asdict(at),
        **student.state(),
    }
    write_saved(folder / f"step-{at.step:08}.pt", content)
    for old in states(folder)[: -recipe.kept]:
        old.unlink(missing_ok=True)


def load_state(folder: Path, identity: Mapping[str, Any], recipe: AnyRecipe, student: Student) -> Position:
    """Brings a student to the last state of a folder; where there is none, it stays at its beginning.

    Raises:
        TrainerError: the folder holds another run, or the file is damaged.
    """
    for left in folder.glob(_LEFT):
        left.unlink(missing_ok=True)
    if not (found := states(folder)):
        return Position()
    try:
        content = cast("dict[str, Any]", read_saved(found[-1]))
        _demand_same(folder, content["identity"], identity)
        student.restore(content, content["at"]["step"])
        at = content["at"]
        scores = (
            at["scores"] if content["figures"] == recipe.figures else {}
        )  # of others no mean can be compared
        return Position(at["step"], dict(scores), Facts(**at["facts"]))
    except (WeightsError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as fault:
        where = "goes on from the one before" if len(found) > 1 else "begins anew"
        raise TrainerError(f"{found[-1]} is damaged; remove it, and the run {where}.") from fault


def _demand_same(folder: Path, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    others = [key for key in {**wanted, **known} if known.get(key) != wanted.get(key)]
    if not others:
        return
    told = others[0]
    if "." in told:
        told = f"{told} ({known.get(told)}, now {wanted.get(told)})"
    # the states of a run that has not ended are nothing to begin with
    begin = (
        f", where --from {folder} would begin with the weights of this one"
        if (folder / CHECKPOINT).is_file()
        else ""
    )
    raise TrainerError(
        f"{folder} holds a run that differs in {told}; choose another folder with -o{begin}, or take the change back."
    )
