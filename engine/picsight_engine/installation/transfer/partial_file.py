"""A file that arrives bit by bit: what is there, what it hashes to, and what a later attempt must know to go on."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from picsight_engine.models.place import refusals_explained
from picsight_engine.private_files import make_private_folder, open_private, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

_CHUNK = 1024 * 1024


@dataclass(slots=True)
class Notes:
    """What is remembered beside an unfinished file, so that a later attempt asks for the rest of the same file."""

    url: str
    validator: str | None = None
    stated_sha256: str | None = None
    revision: str | None = None
    size: int | None = None


class PartialFile:
    """NAME.part and NAME.part.json beside a `target` that does not exist yet. Raises StorageError where the disk refuses.

    The notes stay until the finished file was taken note of: a kill in between must not cost it.
    """

    def __init__(self, target: Path, url: str) -> None:
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._notes_file = target.with_name(target.name + ".part.json")
        self._hash = hashlib.sha256()
        self.done = 0
        self.notes = Notes(url)

    @property
    def sha256(self) -> str:
        """The hash of what is there, in lower-case hex."""
        return self._hash.hexdigest()

    def take_up(self, *, known_hash: bool) -> None:
        """Goes on with what an earlier attempt left of the same file; without a hash or a tag to check by, afresh."""
        with explained(self._target):
            make_private_folder(self._target.parent)
            notes = _read_notes(self._notes_file)
            if notes.url != self.notes.url or not (notes.validator or notes.stated_sha256 or known_hash):
                self.discard()
                return
            self.notes = notes
            if not self._part.exists() and self._target.exists():  # finished, but nobody took note of it
                self._target.replace(self._part)
            with suppress(FileNotFoundError), self._part.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    self._hash.update(chunk)
                    self.done += len(chunk)

    def discard(self, *, keep_notes: bool = False) -> None:
        """Forgets what is there; `keep_notes` where the server has just told them anew."""
        with explained(self._target):
            self._part.unlink(missing_ok=True)
            self._notes_file.unlink(missing_ok=True)
        self._hash, self.done = hashlib.sha256(), 0
        if not keep_notes:
            self.notes = Notes(self.notes.url)

    @contextmanager
    def appending(self) -> Iterator[BinaryIO]:
        """Writes the notes down and opens the file for `append`."""
        with explained(self._target):
            write_private(self._notes_file, json.dumps(asdict(self.notes)))
            file = open_private(self._part, "ab")
        try:
            yield file
        finally:
            with suppress(OSError):  # every chunk was flushed, and a full disk was told then
                file.close()

    def append(self, file: BinaryIO, chunk: bytes) -> None:
        """Adds what has arrived; a kill right afterwards loses nothing of it."""
        with explained(self._target):
            file.write(chunk)
            file.flush()
        self._hash.update(chunk)
        self.done += len(chunk)

    def finish(self) -> None:
        """Lets the file be seen under its name."""
        with explained(self._target):
            self._part.replace(self._target)

    def forget_notes(self) -> None:
        """Leaves nothing but the finished file."""
        with explained(self._target):
            self._notes_file.unlink(missing_ok=True)


def _read_notes(path: Path) -> Notes:
    """Notes of no file where there are none, or others than we write."""
    try:
        notes = Notes(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return Notes("")
    texts = (notes.url, notes.validator, notes.stated_sha256, notes.revision)
    fits = all(isinstance(text, str | None) for text in texts) and isinstance(notes.size, int | None)
    return notes if fits else Notes("")


def explained(target: Path) -> AbstractContextManager[None]:
    """Turns what the disk refuses into a sentence."""
    return refusals_explained(target.parent, " What has arrived is kept.")
