"""Which model a person chose for a library: one small file beside the database, absent while nobody chose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from picsight_engine.errors import LibraryError, StorageError
from picsight_engine.private_files import write_private

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "model.json"


def chosen_model(folder: Path) -> str | None:
    """The chosen model's name, None where nobody chose one for the library in `folder`.

    Raises:
        LibraryError: the file says nothing of use.
        StorageError: it may not be read, or the disk refused.
    """
    path = folder / FILE_NAME
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["model"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise StorageError(
            f"The library folder {folder} cannot be read ({FILE_NAME}: {fault.strerror}); check its disk, its "
            "permissions and those of the files in it."
        ) from fault
    except (ValueError, KeyError, TypeError) as fault:
        raise LibraryError(
            f"{path} cannot be read ({fault}); choose a model again: picsight models use NAME"
        ) from fault
    if not isinstance(name, str):
        raise LibraryError(f"{path} names no model; choose one again: picsight models use NAME")
    return name


def choose_model(folder: Path, name: str) -> None:
    """Writes the choice down in one step; StorageError where the disk refuses."""
    try:
        write_private(folder / FILE_NAME, json.dumps({"model": name}) + "\n")
    except OSError as fault:
        raise StorageError(
            f"{folder} cannot be written ({fault.strerror}); make room, or check its permissions."
        ) from fault
