"""Atomic file writes, safe even if a run is killed."""

from __future__ import annotations

import os
import re
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from typing import BinaryIO

# A writer into a draft may create a draft too.
_DRAFT = re.compile(r"\.+(?P<name>.+?)(\.[0-9a-f]{32}\.part)+")


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """A path to write to: becomes the file if the block succeeds, and is deleted if it fails.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # unique: two processes may write the same file
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield draft
        with draft.open("r+b") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with suppress(OSError):  # the first error is already raised
            draft.unlink(missing_ok=True)


@contextmanager
def open_atomic(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; it gets its name if the block succeeds, and is deleted if it fails.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    with draft_of(path) as draft, draft.open("wb") as file:
        yield file


def sweep_drafts(folder: Path, names: Collection[str]) -> None:
    """Deletes drafts of these files that killed runs left in a folder."""
    for draft in folder.glob(".*.part"):
        if (found := _DRAFT.fullmatch(draft.name)) and found["name"] in names:
            draft.unlink(missing_ok=True)
