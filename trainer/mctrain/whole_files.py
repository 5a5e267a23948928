"""Files that are there whole or not at all, whenever a run is killed."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


@contextmanager
def write_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; it gets its name when the block ends well, and is gone when it does not.

    Raises:
        OSError: the disk is full or refuses it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")  # two processes may write the same file
    try:
        with staging.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        staging.replace(path)
    finally:
        with suppress(OSError):  # a disk that refuses this too has told its reason already
            staging.unlink(missing_ok=True)
