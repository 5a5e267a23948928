"""Opens a teacher by what a person writes: `open_clip:NAME@WEIGHTS`, a bundle's folder, or a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.models.bundle import MANIFEST

if TYPE_CHECKING:
    from mctrain.teachers.teacher import Teacher

_OPEN_CLIP = "open_clip:"


def open_teacher(title: str, cache: Path) -> Teacher:
    """The teacher of this name or at this place; `cache` keeps what pretrained trunks see.

    Raises:
        BundleError: the bundle is damaged.
        WeightsError: there is no such model or checkpoint, or it is damaged.
    """
    if title.startswith(_OPEN_CLIP):
        from mctrain.teachers.open_clip import OpenClipTeacher  # imports open_clip: 2 s

        return OpenClipTeacher(title.removeprefix(_OPEN_CLIP))
    path = Path(title)
    if (path / MANIFEST).is_file():
        from mctrain.teachers.bundle import BundleTeacher

        return BundleTeacher(path)
    from mctrain.teachers.checkpoint import CheckpointTeacher  # imports torch: 2 s

    return CheckpointTeacher(path, cache)
