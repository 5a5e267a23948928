"""Folders that are written: their locks, what the system refuses, and a check before a long job."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import BusyError, StorageError, faults_as
from picsight_engine.foundation.private_files import FILE_MODE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsight_engine.foundation.errors import Message


@contextmanager
def storage_errors(folder: Path, more: str = "") -> Iterator[None]:
    """Turns an OSError of writing to a folder into StorageError; the message ends with `more`."""
    words = "{folder} cannot be written ({reason}): make room, or check its permissions.{more}"
    with faults_as(OSError, StorageError, words, folder=folder, more=more):
        yield


@contextmanager
def locked(file: Path, busy: Message) -> Iterator[None]:
    """Holds the lock of a file; BusyError with the sentence `busy` if another process holds it, StorageError if it cannot be
    written.
    """
    from filelock import FileLock, Timeout  # lazy: a search need not pay 35 ms

    lock = FileLock(file, mode=FILE_MODE)
    with storage_errors(file.parent):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(busy) from None
    try:
        yield
    finally:
        lock.release()


def require_writable(folder: Path) -> None:
    """Creates and deletes an entry in the folder, or in its nearest existing parent: permission bits and mount flags are
    not reliable.

    Raises:
        StorageError: writing is not permitted, the disk is read-only, or a parent is a file.
    """
    absolute = Path(os.path.abspath(folder))  # noqa: PTH100 -- resolve() would follow the user's links
    existing = next(each for each in (absolute, *absolute.parents) if os.path.lexists(each))
    try:
        with tempfile.TemporaryDirectory(prefix=".picsight-", dir=existing):
            pass
    except OSError as fault:
        where = "" if existing == absolute else f" in {existing}"
        raise StorageError(
            "{folder} cannot be written ({reason}{where}); choose another place, or check its permissions.",
            folder=folder,
            reason=fault.strerror,
            where=where,
        ) from fault
