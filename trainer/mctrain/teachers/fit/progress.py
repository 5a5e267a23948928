"""Progress: what a fit needs to continue, written whole or not at all after each epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from mctrain.errors import RecipeError, TrainerError
from mctrain.recipes.fit import Recipe, parse_recipe
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
    write_saved(path, {"recipe": asdict(recipe), **content})


def load_progress(path: Path, recipe: Recipe) -> Progress | None:
    """The fit's progress, or None at its beginning.

    Raises:
        TrainerError: the file is of another recipe or version, or damaged.
    """
    if not path.exists():
        return None
    content = cast("Any", read_saved(path))
    try:
        begun = parse_recipe(content.pop("recipe"), str(path))
        progress = Progress(**content)
    except (AttributeError, KeyError, TypeError, RecipeError) as fault:
        raise TrainerError(
            f"{path} is damaged or of another version of mctrain; choose another folder with -o."
        ) from fault
    if begun.numbers() != recipe.numbers():
        raise TrainerError(f"{path.parent} holds a run of another recipe; choose another folder with -o.")
    return progress
