"""One run at a time in a folder: two would remove each other's states and cut each other's lines."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from mctrain.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK = "run.lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Held while a run goes; that of a killed process is free.

    Raises:
        TrainerError: another process trains in this folder.
    """
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TrainerError(
            f"Another process trains in {folder} right now; wait for it, or choose another folder with -o."
        ) from None
    try:
        yield
    finally:
        lock.release()
