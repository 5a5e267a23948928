"""Folds of the training photos, so that no teacher judges a photo that it was trained on."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from mctrain.errors import WeightsError
from mctrain.weights.checkpoint import HeadFit
from mctrain.weights.tensor_files import read_saved, write_saved

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from mctrain.weights.checkpoint import Checkpoint

FOLDS = "folds.pt"
_FLICKR = re.compile(r"(\d{6,})_[0-9a-f]+$")  # Flickr8k: the photo's number, then a secret that may differ


def fold_of(key: str, folds: int) -> int:
    """The fold of a photo, by its key; photos with the same Flickr number stay together. 0 if there are no folds."""
    flickr = _FLICKR.match(key)
    name = flickr[1] if flickr else key
    return int(hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest(), 16) % max(1, folds)


def save_folds(folder: Path, heads: list[dict[str, Tensor]]) -> None:
    """Writes the image heads beside the checkpoint: the state without fold 0, without fold 1, and so on."""
    write_saved(folder / FOLDS, {"heads": heads})


def load_folds(folder: Path, checkpoint: Checkpoint) -> list[dict[str, Tensor]]:
    """The states of the image heads beside a checkpoint; empty if it was not fitted in folds.

    Raises:
        WeightsError: the file is missing or damaged, or its heads do not match the checkpoint's recipe.
    """
    origin, path = checkpoint.origin, folder / FOLDS
    wanted = origin.recipe.training.folds if isinstance(origin, HeadFit) else 0
    if not wanted:
        return []
    if not path.exists():
        raise WeightsError(
            f"There is no {path}: without it photos would be judged by heads that were trained on them; keep it beside the checkpoint."
        )
    content = read_saved(path)
    heads = content.get("heads") if isinstance(content, dict) else None
    if not isinstance(heads, list) or len(heads) != wanted:
        raise WeightsError(f"{path} is damaged or belongs to another fit; `mctrain teach` writes it again.")
    return heads
