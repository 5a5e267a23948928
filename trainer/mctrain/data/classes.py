"""The names of the ImageNet classes: what the class-name terms teach, and what zero-shot evaluation asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mctrain.data.phrasing import fill
from mctrain.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

CLASS_NAMES = "classnames.json"


def class_names(data: Path, kind: str) -> list[str]:
    """The readable names of `imagenet` or `caltech101`, by class index.

    Raises:
        DataError: the file is missing or holds no such list.
    """
    path = data / CLASS_NAMES
    try:
        names = json.loads(path.read_text(encoding="utf-8"))[kind]
    except (OSError, ValueError, KeyError) as fault:
        raise DataError(f"The class names of {kind} cannot be read from {path}: {fault}.") from fault
    return [str(name) for name in names]


def class_prompts(names: list[str]) -> list[tuple[str, ...]]:
    """The prompts of each class: one is drawn at a time for training."""
    return [(fill("a photo of a {}.", [name]), name, fill("a picture of a {}.", [name])) for name in names]
