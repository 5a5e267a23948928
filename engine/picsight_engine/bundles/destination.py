"""Whether a place can be written, asked before the minutes or days whose outcome shall lie there."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def refusals_explained(folder: Path, more: str = "") -> Iterator[None]:
    """Turns what the disk refuses to write in a folder into a StorageError, which says `more` behind it."""
    try:
        yield
    except OSError as fault:
        raise StorageError(
            f"{folder} cannot be written ({fault.strerror}): make room, or check its permissions.{more}"
        ) from fault


def demand_writable(folder: Path) -> None:
    """Makes something in the folder, or in the first above it that exists, and takes it away again: neither the bits of
    its mode nor those of its disk say the whole truth.

    Raises:
        StorageError: it is not allowed, the disk can only be read, or one of those above is a file.
    """
    absolute = Path(os.path.abspath(folder))  # noqa: PTH100 -- resolve() would follow a person's own links
    existing = next(each for each in (absolute, *absolute.parents) if os.path.lexists(each))
    try:
        with tempfile.TemporaryDirectory(prefix=".picsight-", dir=existing):
            pass
    except OSError as fault:
        where = "" if existing == absolute else f" in {existing}"
        raise StorageError(
            f"{folder} cannot be written ({fault.strerror}{where}); choose another place, or check its permissions."
        ) from fault
