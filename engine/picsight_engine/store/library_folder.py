"""The folder of a library: never among the user's photos, and closed to other users.

A small file in it holds the model that the user chose; there is no file until a model is chosen.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from picsight_engine.bundles.writable_folder import storage_errors
from picsight_engine.foundation.errors import ForeignFolderError, LibraryError, StorageError
from picsight_engine.foundation.private_files import close_tree, make_private, write_private

if TYPE_CHECKING:
    from pathlib import Path

CACHE = "cache"
DECISIONS = "decisions.jsonl"
MODEL = "model.json"
# Files that remain if a library's database is moved away, and the settings and log that Windows and macOS keep in the
# folder of the default library.
_OURS = frozenset({MODEL, "index.lock", CACHE, "settings.toml", "Logs"})
_OUR_BEGINNINGS = ("library.db", "library.v", "thumbnails.db", f"{MODEL}.", "settings.toml.", "decisions.")
# Files that operating systems scatter; hidden files are ignored as well.
_STREWN = frozenset({"Thumbs.db", "desktop.ini", "lost+found"})


def require_library_folder(folder: Path) -> None:
    """Checks that a folder can become a library: it does not exist, is empty, or holds only files of Picsight.

    Raises:
        ForeignFolderError: it holds photos or other files of the user.
        StorageError: it cannot be read.
    """
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError) as error:
        if folder.exists():
            raise StorageError(
                "The library folder {folder} cannot be made or written: it is a file. Choose another one.",
                folder=folder,
            ) from error
        return
    except OSError as error:
        raise StorageError(
            "The library folder {folder} cannot be read ({reason}).", folder=folder, reason=error.strerror
        ) from error
    foreign = min((name for name in names if _is_foreign(name)), default=None)
    if foreign is not None:
        raise ForeignFolderError(
            "{folder} is not a library but a folder with photos or other files, such as {foreign}. A library needs a folder "
            "of its own: name one that is empty or not there yet.",
            folder=folder,
            foreign=foreign,
        )


def close_to_others(folder: Path) -> None:
    """Removes other users' permissions from a library of an earlier version; the folder itself stays as it is if it holds
    other files of the user.
    """
    try:
        paths = list(folder.iterdir())
    except OSError:  # there is nothing to close
        return
    close_tree(folder / CACHE)
    for path in paths:
        if _is_ours(path.name):
            make_private(path)
    if not any(_is_foreign(path.name) for path in paths):
        make_private(folder)


def chosen_model(folder: Path) -> str | None:
    """The name of the model chosen for the library in `folder`, None if none was chosen.

    Raises:
        LibraryError: the file names no model or is not valid.
        StorageError: the file or its disk cannot be read.
    """
    path = folder / MODEL
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["model"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise StorageError(
            "The library folder {folder} cannot be read ({model}: {reason}); check its disk, its "
            "permissions and those of the files in it.",
            folder=folder,
            model=MODEL,
            reason=fault.strerror,
        ) from fault
    except (ValueError, KeyError, TypeError) as fault:
        raise LibraryError(
            "{path} cannot be read ({fault}); choose a model again: picsight models use NAME",
            path=path,
            fault=fault,
        ) from fault
    if not isinstance(name, str):
        raise LibraryError("{path} names no model; choose one again: picsight models use NAME", path=path)
    return name


def choose_model(folder: Path, name: str) -> None:
    """Stores the choice atomically; raises StorageError if the file cannot be written."""
    with storage_errors(folder):
        write_private(folder / MODEL, json.dumps({"model": name}) + "\n")


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith(_OUR_BEGINNINGS)


def _is_foreign(name: str) -> bool:
    return not (_is_ours(name) or name in _STREWN or name.startswith("."))
