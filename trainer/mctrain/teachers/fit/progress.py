"""Progress: what a fit needs to continue, written whole or not at all after each epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mctrain.errors import TrainerError
from mctrain.recipe import Recipe, parse_recipe
from mctrain.weights.files import read_saved, write_saved

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Progress:
    """A fit between two epochs: the weights, their average, the optimizer, the loss of each epoch that is done."""

    heads: dict[str, Tensor]
    averaged: dict[str, Tensor]
    optimizer: dict[str, Any]
    history: tuple[float, ...]


def save_progress(path: Path, recipe: Recipe, progress: Progress) -> None:
    """Replaces the fit's progress."""
    content = {field: getattr(progress, field) for field in Progress.__slots__}
    write_saved(path, {"recipe": recipe.as_dict(), **content})


def load_progress(path: Path, recipe: Recipe) -> Progress | None:
    """The fit's progress, or None at its beginning.

    Raises:
        TrainerError: the file is of another recipe, or damaged.
    """
    if not path.exists():
        return None
    content = read_saved(path)
    if not isinstance(content, dict):
        raise TrainerError(f"{path} is not the progress of a fit; remove it.")
    if parse_recipe(content.pop("recipe"), str(path)).numbers() != recipe.numbers():
        raise TrainerError(f"{path.parent} holds a run of another recipe; choose another folder with -o.")
    return Progress(**content)
