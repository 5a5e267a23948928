"""The folder of a library: never made among a person's photos, closed to others, and still the one that was opened.

Which model a person chose for the library stands in a small file there, which is absent while nobody chose.
"""

from __future__ import annotations

import json
from pathlib import Path

from picsight_engine.errors import ForeignFolderError, LibraryError, StorageError
from picsight_engine.private_files import close_tree, make_private, write_private

CACHE = "cache"
DECISIONS = "decisions.jsonl"
MODEL = "model.json"
# What a library leaves where its database was moved away; and beside the usual one, where Windows and macOS keep a
# program's settings and log in the same folder.
_OURS = frozenset({MODEL, "index.lock", CACHE, "settings.toml", "Logs"})
_OUR_BEGINNINGS = ("library.db", "library.v", "thumbnails.db", f"{MODEL}.", "settings.toml.", "decisions.")
# What systems strew, which also hide what begins with a dot.
_STREWN = frozenset({"Thumbs.db", "desktop.ini", "lost+found"})


def require_library_folder(folder: Path) -> None:
    """Whether a folder without a library can be the place of one: it is not there, empty, or holds only what we leave.

    Raises:
        ForeignFolderError: it holds photos or other files of a person.
        StorageError: it cannot be looked at.
    """
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError) as error:
        if folder.exists():
            raise StorageError(
                f"The library folder {folder} cannot be made or written: it is a file. Choose another one."
            ) from error
        return
    except OSError as error:
        raise StorageError(f"The library folder {folder} cannot be read ({error.strerror}).") from error
    foreign = min((name for name in names if _is_foreign(name)), default=None)
    if foreign is not None:
        raise ForeignFolderError(
            f"{folder} is no library but a folder with photos or other files, as {foreign}. A library wants a folder "
            "of its own: name one that is empty or not there yet."
        )


def close_to_others(folder: Path) -> None:
    """Takes from other users what they may do with a library of an earlier version; the folder itself stays as it is
    where a person keeps other things in it.
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
    """The chosen model's name, None where nobody chose one for the library in `folder`.

    Raises:
        LibraryError: the file says nothing of use.
        StorageError: it may not be read, or the disk refused.
    """
    path = folder / MODEL
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["model"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise StorageError(
            f"The library folder {folder} cannot be read ({MODEL}: {fault.strerror}); check its disk, its "
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
        write_private(folder / MODEL, json.dumps({"model": name}) + "\n")
    except OSError as fault:
        raise StorageError(
            f"{folder} cannot be written ({fault.strerror}); make room, or check its permissions."
        ) from fault


class OpenedFolder:
    """Paths as they were when a library was opened: others may come to bear their names, while this writes on."""

    def __init__(self, folder: Path, *files: Path) -> None:
        """Remembers the library's folder, and the files in it that must stay.

        Raises:
            StorageError: they are not there any more.
        """
        self._folder = folder
        self._paths = (folder, *files)
        self._known = self._identities()

    def require(self) -> None:
        """What is written into a deleted file would be lost, and look as if it were safe.

        Raises:
            StorageError: the paths are gone, or lead to something else.
        """
        if self._identities() != self._known:
            raise StorageError(
                f"Another library has taken the place of {self._folder} meanwhile, so nothing more was stored. "
                "Start Picsight again."
            )

    def _identities(self) -> list[tuple[int, int]]:
        try:
            return [(info.st_dev, info.st_ino) for info in map(Path.stat, self._paths)]
        except OSError as error:
            raise StorageError(
                f"The library folder {self._folder} is not there any more, so nothing more was stored. "
                "Connect its disk, or index the folders again."
            ) from error


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith(_OUR_BEGINNINGS)


def _is_foreign(name: str) -> bool:
    return not (_is_ours(name) or name in _STREWN or name.startswith("."))
