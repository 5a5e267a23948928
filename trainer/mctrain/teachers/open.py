"""Opens a teacher by what a person writes: `open_clip:NAME@WEIGHTS`, a bundle's folder, or a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from picsight_engine.models.bundle import MANIFEST

if TYPE_CHECKING:
    from mctrain.teachers.teacher import Teacher

    Kind = Literal["open_clip", "bundle", "checkpoint"]

OPEN_CLIP = "open_clip:"


def kind_of(title: str) -> Kind:
    """What a person names."""
    if title.startswith(OPEN_CLIP):
        return "open_clip"
    return "bundle" if (Path(title) / MANIFEST).is_file() else "checkpoint"


def open_teacher(title: str, cache: Path) -> Teacher:
    """The teacher of this name or at this place; `cache` keeps what pretrained trunks see.

    Raises:
        BundleError: the bundle is damaged.
        WeightsError: there is no such model or checkpoint, or it is damaged.
    """
    match kind_of(title):
        case "open_clip":
            from mctrain.teachers.open_clip import OpenClipTeacher, load_model  # imports open_clip: 2 s

            return OpenClipTeacher(load_model(title.removeprefix(OPEN_CLIP)))
        case "bundle":
            from mctrain.teachers.bundle import BundleTeacher

            return BundleTeacher(Path(title))
        case "checkpoint":
            from mctrain.teachers.checkpoint import CheckpointTeacher  # imports torch: 2 s

            return CheckpointTeacher(Path(title), cache)
