"""Which libraries use the models of this computer: all libraries share them, so one must not take another's away.

One small file in the models' folder names the libraries that chose an installed model. Which one each uses now is asked
of the library itself; what is noted beside it counts only while that cannot be reached, as on a disk in a drawer.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from picsight_engine.errors import BusyError
from picsight_engine.private_files import FILE_MODE, write_private

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_FILE, _LOCK = ".libraries.json", ".libraries.lock"  # no model's name begins with a dot
_LOCK_SECONDS = 10.0  # others hold it for as long as a small file takes, or the renaming of a folder

Presence = Literal["here", "away", "gone"]


@dataclass(frozen=True, slots=True)
class User:
    """A library by its folder, and the names of the installed models that it was seen to use."""

    folder: Path
    models: frozenset[str]

    def is_at(self, folder: Path) -> bool:
        """Whether it is the library in `folder`, however that is spelled."""
        if self.folder == Path(os.path.abspath(folder)):  # noqa: PTH100 -- resolve() needs what may not be there
            return True
        try:
            return self.folder.samefile(folder)
        except OSError:
            return False

    def presence(self) -> Presence:
        """Gone is what certainly is: where the folder above shows nothing at all, a disk may be missing."""
        if os.path.lexists(self.folder):
            return "here"
        try:
            with os.scandir(self.folder.parent) as entries:
                return "away" if next(entries, None) is None else "gone"
        except OSError:
            return "away"


@dataclass(frozen=True, slots=True)
class Users:
    """The libraries that are noted in the folder of the models."""

    folder: Path

    def all(self) -> list[User]:
        """Each once; none where the note is damaged, as every library enters itself again when it is indexed."""
        try:
            data = json.loads((self.folder / _FILE).read_text(encoding="utf-8"))["libraries"]
            return [User(Path(folder), frozenset(map(str, models))) for folder, models in data.items()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else chooses or removes a model meanwhile; where the folder cannot be written, nobody can remove one.

        Raises:
            BusyError: another process does so, for longer than that takes.
        """
        if not self.folder.is_dir():  # nothing is installed
            yield
            return
        from filelock import FileLock, Timeout  # 35 ms, which a search does not pay

        lock = FileLock(self.folder / _LOCK, mode=FILE_MODE)
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            raise BusyError(
                "Another Picsight is choosing or removing a model right now; try again in a moment."
            ) from None
        except OSError:
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def note(self, folder: Path, models: Collection[str]) -> None:
        """Notes what the library in `folder` uses, or that it uses none of these; called while this is `held`."""
        others = [user for user in self.all() if not user.is_at(folder)]
        own = User(Path(os.path.abspath(folder)), frozenset(models))  # noqa: PTH100 -- as above
        self.keep([*others, own] if models else others)

    def keep(self, users: Collection[User]) -> None:
        """Writes the note anew in one step, where it changes; a folder that cannot be written stays as it is."""
        if set(users) == set(self.all()):
            return
        content = {"libraries": {str(user.folder): sorted(user.models) for user in users}}
        with suppress(OSError):
            write_private(self.folder / _FILE, json.dumps(content, indent=2) + "\n")
