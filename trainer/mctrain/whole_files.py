"""Files that are there whole or not at all, even if a run is killed."""

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

# What writes into a draft may have a draft of its own.
_DRAFT = re.compile(r"\.+(?P<name>.+?)(\.[0-9a-f]{32}\.part)+")


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """A path to write at: what lies there when the block ends well becomes the file, and else is gone.

    Raises:
        OSError: the disk is full or refuses it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")  # two processes may write the same file
    try:
        yield draft
        with draft.open("r+b") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with suppress(OSError):  # a disk that refuses this too has told its reason already
            draft.unlink(missing_ok=True)


@contextmanager
def write_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; it gets its name when the block ends well, and is gone when it does not.

    Raises:
        OSError: the disk is full or refuses it.
    """
    with draft_of(path) as draft, draft.open("wb") as file:
        yield file


def sweep_drafts(folder: Path, names: Collection[str]) -> None:
    """Deletes what killed runs left half-written of some files of a folder."""
    for draft in folder.glob(".*.part"):
        if (found := _DRAFT.fullmatch(draft.name)) and found["name"] in names:
            draft.unlink(missing_ok=True)
