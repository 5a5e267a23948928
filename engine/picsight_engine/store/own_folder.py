"""A library wants a folder of its own: a new one is never made among a person's photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.errors import ForeignFolderError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

# What a library leaves where its database was moved away; and beside the usual one, where Windows and macOS keep a
# program's settings and log in the same folder; and what systems strew, which also hide what begins with a dot.
_NAMES = frozenset(
    {"model.json", "index.lock", "cache", "settings.toml", "Logs", "Thumbs.db", "desktop.ini", "lost+found"}
)
_BEGINNINGS = ("library.db", "library.v", "thumbnails.db", "model.json.", "settings-", ".")


def require_own_folder(folder: Path) -> None:
    """Whether a folder without a library can be the place of one: it is not there, empty, or holds only what we leave.

    Raises:
        ForeignFolderError: it holds photos or other files of a person.
        StorageError: it cannot be looked at.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if not _is_ours(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StorageError(f"The library folder {folder} cannot be read ({error.strerror}).") from error
    if names:
        raise ForeignFolderError(
            f"{folder} is no library but a folder with photos or other files, as {names[0]}. A library wants a folder "
            "of its own: name one that is empty or not there yet."
        )


def _is_ours(name: str) -> bool:
    return name in _NAMES or name.startswith(_BEGINNINGS)
