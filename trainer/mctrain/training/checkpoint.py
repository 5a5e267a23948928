"""Checkpoints: what a run needs to continue, and the heads that it ends with; each written whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mctrain.errors import TrainerError
from mctrain.models.clip import Heads
from mctrain.models.scale import limit_scale
from mctrain.recipe import Recipe, parse_recipe
from mctrain.weights.files import read_saved, write_saved

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

PROGRESS = "progress.pt"
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Progress:
    """A run between two epochs: the weights, their average, the optimizer, the loss of each epoch that is done."""

    heads: dict[str, Tensor]
    averaged: dict[str, Tensor]
    optimizer: dict[str, Any]
    history: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """A few photos (bytes of their files) and texts of the training set, on which an export's drift is measured."""

    photos: tuple[bytes, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A finished run: its recipe, the averaged heads, the losses, digests of the shards it saw, and a probe."""

    recipe: Recipe
    heads: Heads
    history: tuple[float, ...]
    shards: dict[str, str]
    probe: Probe


def save_progress(folder: Path, recipe: Recipe, progress: Progress) -> None:
    """Replaces the run's progress."""
    content = {field: getattr(progress, field) for field in Progress.__slots__}
    write_saved(folder / PROGRESS, {"recipe": recipe.as_dict(), **content})


def load_progress(folder: Path, recipe: Recipe) -> Progress | None:
    """The run's progress, or None at its beginning.

    Raises:
        TrainerError: the folder holds a run of another recipe, or a damaged file.
    """
    path = folder / PROGRESS
    if not path.exists():
        return None
    content = _load(path)
    if parse_recipe(content.pop("recipe"), str(path)).numbers() != recipe.numbers():
        raise TrainerError(f"{folder} holds a run of another recipe; choose another folder with -o.")
    return Progress(**content)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Writes the finished run and returns the file."""
    content = {
        "recipe": checkpoint.recipe.as_dict(),
        "heads": checkpoint.heads.state_dict(),
        "history": checkpoint.history,
        "shards": checkpoint.shards,
        "photos": [
            torch.frombuffer(bytearray(photo), dtype=torch.uint8) for photo in checkpoint.probe.photos
        ],
        "texts": checkpoint.probe.texts,
    }
    write_saved(folder / CHECKPOINT, content)
    return folder / CHECKPOINT


def load_checkpoint(path: Path) -> Checkpoint:
    """A finished run from its file or its folder.

    Raises:
        TrainerError: there is none, or it is damaged.
    """
    path = path / CHECKPOINT if path.is_dir() else path
    if not path.is_file():
        raise TrainerError(
            f"There is no checkpoint {path}; `mctrain train` writes it when the run is finished, `mctrain import` of weights."
        )
    content = _load(path)
    if "recipe" not in content:
        raise TrainerError(
            f"{path} is no run of `mctrain train`; `mctrain import` makes a checkpoint of published weights, and `mctrain export` "
            "of that a bundle, which can be measured."
        )
    try:
        return _checkpoint_of(content, str(path))
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as fault:
        raise TrainerError(f"The checkpoint {path} is damaged; `mctrain train` writes it again.") from fault


def _checkpoint_of(content: dict[str, Any], where: str) -> Checkpoint:
    recipe = parse_recipe(content["recipe"], where)
    heads = Heads(recipe.heads)
    heads.load_state_dict(content["heads"])
    limit_scale(heads.log_scale)  # older runs bounded the factor, not its logarithm
    heads.eval().requires_grad_(requires_grad=False)
    photos = tuple(photo.numpy().tobytes() for photo in content["photos"])
    probe = Probe(photos, tuple(content["texts"]))
    return Checkpoint(recipe, heads, tuple(content["history"]), dict(content["shards"]), probe)


def _load(path: Path) -> dict[str, Any]:
    content = read_saved(path)
    if not isinstance(content, dict):
        raise TrainerError(f"{path} is not a checkpoint of mctrain.")
    return content
