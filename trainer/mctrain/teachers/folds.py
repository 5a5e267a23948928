"""Folds: which photos a head has not seen, so that no teacher judges a photo that it was trained on."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from mctrain.errors import WeightsError
from mctrain.weights.files import read_saved, write_saved

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

FOLDS = "folds.pt"
_FLICKR = re.compile(r"(\d{6,})_[0-9a-f]+$")  # Flickr8k: the photo's number, then a secret that may differ


def fold_of(key: str, folds: int) -> int:
    """The fold of a photo, by its key alone; photos with one Flickr number stay together. 0 where there are no folds."""
    flickr = _FLICKR.match(key)
    name = flickr[1] if flickr else key
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % max(1, folds)


def save_folds(folder: Path, heads: list[dict[str, Tensor]]) -> None:
    """Writes the image heads beside the checkpoint: the state of that without fold 0, without fold 1, and so on."""
    write_saved(folder / FOLDS, {"heads": heads})


def load_folds(folder: Path) -> list[dict[str, Tensor]]:
    """The states of the image heads; none where the checkpoint has none beside it.

    Raises:
        WeightsError: the file is damaged.
    """
    path = folder / FOLDS
    if not path.exists():
        return []
    content = read_saved(path)
    if not isinstance(content, dict) or not isinstance(content.get("heads"), list):
        raise WeightsError(f"{path} is damaged; `mctrain teach` writes it again.")
    return list(content["heads"])
