"""Where shards lie: a path of this machine, or a URL of a store that fsspec knows, such as `s3://bucket/folder`.

A file is there whole or not at all. On a disk it is written under another name and renamed; to a store it goes as one
object, which stores show when its last byte has come. fsspec is loaded for URLs alone.
"""

from __future__ import annotations

import glob
import io
import re
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mctrain.errors import DataError, TrainerError
from mctrain.extras import extra
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

_BUFFER = 1 << 20
_MAGIC = frozenset("*?[")
_DRAFT = ".making"  # in the hidden name of a file that is being written on a disk
# What writes into a draft may have a draft of its own.
_DRAFTED = re.compile(rf"\.+(?P<name>.+)\.\w+{re.escape(_DRAFT)}")


class Place(Protocol):
    """A file or a folder; as a text it is what a person would type. A store has no folders, only names with slashes."""

    @property
    def name(self) -> str:
        """The last part of the path or URL."""

    @property
    def folder(self) -> Place:
        """The folder that it lies in."""

    def __truediv__(self, name: str) -> Place:
        """What lies in this folder under a name."""

    def __hash__(self) -> int:
        """Of equal places the same."""

    def exists(self) -> bool:
        """Whether there is a file here.

        Raises:
            DataError: the store does not answer, or refuses it.
        """

    def size(self) -> int:
        """Of the file, in bytes.

        Raises:
            DataError: it is missing or may not be read.
        """

    def version(self) -> str:
        """A text that is another one as soon as the file is another one; nothing of it is read.

        Raises:
            DataError: it is missing or may not be read.
        """

    def open(self) -> AbstractContextManager[BinaryIO]:
        """The file to read, from its beginning or from anywhere.

        Raises:
            DataError: it is missing or cannot be read, now or later on.
        """

    def read(self) -> bytes:
        """The whole file.

        Raises:
            DataError: it is missing or cannot be read.
        """

    def part(self, start: int, size: int) -> bytes:
        """So many bytes from somewhere in the file; fewer where it ends before.

        Raises:
            DataError: it is missing or cannot be read.
        """

    def write(self) -> AbstractContextManager[BinaryIO]:
        """A file to write into; it gets its name when the block ends well, and is gone when it does not.

        Raises:
            OSError: the disk is full or refuses it.
            TrainerError: the store refuses it.
        """

    def near(self) -> AbstractContextManager[Path]:
        """The whole file at a path of this machine, while the block lasts.

        Raises:
            DataError: it is missing or cannot be read.
        """

    def draft(self) -> AbstractContextManager[Path]:
        """A path of this machine to write at: what lies there when the block ends well becomes the file, and else is gone.

        Raises:
            OSError: the disk is full or refuses it.
            TrainerError: the store refuses it.
        """

    def files(self, pattern: str) -> list[Place]:
        """The files in this folder that a pattern fits (`*.tar`, `**/*.tar`), sorted; the one of that very name before all others.

        Raises:
            DataError: the store does not answer, or refuses it.
        """


def place_of(text: str) -> Place:
    """The place that a person typed."""
    return StoredPlace(text.rstrip("/")) if "://" in text else LocalPlace(Path(text))


def same(one: Place, other: Place) -> bool:
    """Whether both are one file that is there."""
    if isinstance(one, LocalPlace) and isinstance(other, LocalPlace):
        return one.exists() and other.exists() and one.path.samefile(other.path)
    return str(one) == str(other) and one.exists()


def sweep_drafts(folder: Place, names: Collection[str]) -> None:
    """Deletes what was left half-written of some files of a folder; in a store nothing is left."""
    if isinstance(folder, LocalPlace):
        for draft in folder.path.glob(f".*{_DRAFT}*"):
            if (found := _DRAFTED.match(draft.name)) and found["name"] in names:
                draft.unlink(missing_ok=True)


def as_place(folder: Path | Place) -> Place:
    """The same as a place."""
    return LocalPlace(folder) if isinstance(folder, Path) else folder


def on_disk(place: Path | Place, reason: str) -> Path:
    """The same as a path; `reason` begins the sentence where it is none.

    Raises:
        TrainerError: it lies in a store.
    """
    if isinstance(place, StoredPlace):
        raise TrainerError(f"{reason}, and {place} lies in a store; copy it to a disk first.")
    return place.path if isinstance(place, LocalPlace) else Path(str(place))


@dataclass(frozen=True, slots=True)
class LocalPlace:
    """A path of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """As `Place`."""
        return self.path.name

    @property
    def folder(self) -> LocalPlace:
        """As `Place`."""
        return LocalPlace(self.path.parent)

    def __truediv__(self, name: str) -> LocalPlace:
        return LocalPlace(self.path / name)

    def exists(self) -> bool:
        """As `Place`."""
        return self.path.is_file()

    def size(self) -> int:
        """As `Place`."""
        with _told(self):
            return self.path.stat().st_size

    def version(self) -> str:
        """As `Place`."""
        with _told(self):
            state = self.path.stat()
        return f"{state.st_size} {state.st_mtime_ns} {state.st_ino}"

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """As `Place`."""
        with _told(self):
            file = io.BufferedReader(_Watched(self.path.open("rb", buffering=0), self), _BUFFER)
        with file:
            yield file

    def read(self) -> bytes:
        """As `Place`."""
        with _told(self):
            return self.path.read_bytes()

    def part(self, start: int, size: int) -> bytes:
        """As `Place`."""
        with _told(self), self.path.open("rb", buffering=0) as file:
            file.seek(start)
            return file.read(size)

    def write(self) -> AbstractContextManager[BinaryIO]:
        """As `Place`."""
        return write_whole(self.path)

    @contextmanager
    def near(self) -> Iterator[Path]:
        """As `Place`: it is here already."""
        self.size()
        yield self.path

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """As `Place`; two processes may draft the same file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.name}.{uuid.uuid4().hex}{_DRAFT}")
        try:
            yield draft
            draft.replace(self.path)
        finally:
            draft.unlink(missing_ok=True)

    def files(self, pattern: str) -> list[Place]:
        """As `Place`."""
        if (self / pattern).exists():
            return [self / pattern]
        # Path.glob takes no absolute pattern
        names = glob.glob(pattern, root_dir=self.path, recursive=True)  # noqa: PTH207
        return [self / name for name in sorted(names) if (self / name).exists()]


@dataclass(frozen=True, slots=True)
class StoredPlace:
    """A URL; whatever a store wants to know beside it (keys, an address of its own) it takes from its usual variables."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """As `Place`."""
        return self.url.rpartition("/")[2]

    @property
    def folder(self) -> StoredPlace:
        """As `Place`."""
        return StoredPlace(self.url.rpartition("/")[0])

    def __truediv__(self, name: str) -> StoredPlace:
        return StoredPlace(f"{self.url.rstrip('/')}/{name}")

    def exists(self) -> bool:
        """As `Place`."""
        store, path = self._store()
        with _told(self):
            try:
                return bool(store.info(path)["type"] == "file")
            except FileNotFoundError:
                return False

    def size(self) -> int:
        """As `Place`."""
        store, path = self._store()
        with _told(self):
            return int(store.info(path)["size"])

    def version(self) -> str:
        """As `Place`."""
        store, path = self._store()
        with _told(self):
            return str(store.ukey(path))

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """As `Place`."""
        store, path = self._store()
        with _told(self):
            raw = store.open(path, "rb")
        with io.BufferedReader(_Watched(raw, self), _BUFFER) as file:
            yield file

    def read(self) -> bytes:
        """As `Place`."""
        store, path = self._store()
        with _told(self):
            return bytes(store.cat_file(path))

    def part(self, start: int, size: int) -> bytes:
        """As `Place`."""
        store, path = self._store()
        with _told(self):
            return bytes(store.cat_file(path, start=start, end=start + size))

    @contextmanager
    def write(self) -> Iterator[BinaryIO]:
        """As `Place`; what is written waits on this machine's disk, in the folder for temporary files."""
        with self.draft() as draft, draft.open("wb") as file:
            yield file

    @contextmanager
    def near(self) -> Iterator[Path]:
        """As `Place`; it lies in the folder for temporary files."""
        store, path = self._store()
        with tempfile.TemporaryDirectory(prefix="mctrain-") as folder:
            copy = Path(folder, self.name)
            with _told(self):
                store.get_file(path, str(copy))
            yield copy

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """As `Place`; it waits in the folder for temporary files."""
        store, path = self._store()
        with tempfile.TemporaryDirectory(prefix="mctrain-") as folder:
            draft = Path(folder, self.name)
            yield draft
            try:
                store.put_file(str(draft), path)
            except FileNotFoundError as fault:
                raise TrainerError(
                    f"{self} cannot be written: {_reason(fault)}; make the bucket first, or name another."
                ) from fault
            # The outer border to foreign stores: each has failures of its own.
            except Exception as fault:
                raise TrainerError(f"{self} cannot be written: {_reason(fault)}.") from fault

    def files(self, pattern: str) -> list[Place]:
        """As `Place`."""
        if (self / pattern).exists():
            return [self / pattern]
        if not _MAGIC & set(pattern):
            return []
        store, path = self._store()
        with _told(self):
            found = store.glob(f"{path}/{pattern}", detail=True)
        return [
            self / name[len(path) + 1 :] for name, about in sorted(found.items()) if about["type"] == "file"
        ]

    def _store(self) -> tuple[Any, str]:
        """The store and the path in it; fsspec keeps stores that it has opened."""
        with extra("fsspec", f"{self} lies in a store"):
            from fsspec.core import url_to_fs  # 200 ms that no local path pays
        try:
            # a listing that is kept would not show what others write meanwhile
            return url_to_fs(self.url, use_listings_cache=False)  # type: ignore[no-any-return]
        except (ImportError, ValueError) as fault:
            raise DataError(f"{self} cannot be opened: {_reason(fault)}.") from fault


class _Watched(io.RawIOBase):
    """A file whose failures are told as ours, whoever reads it."""

    def __init__(self, file: Any, place: Place) -> None:
        self._file = file
        self._place = place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        with _told(self._place):
            content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """Turns what a disk or a store raises into a sentence."""
    try:
        yield
    except FileNotFoundError as fault:
        raise DataError(f"There is no file {place}; check the name.") from fault
    except OSError as fault:
        raise DataError(f"{place} cannot be read: {fault.strerror or _reason(fault)}.") from fault
    # The outer border to foreign stores: each has failures of its own.
    except Exception as fault:
        raise DataError(f"{place} cannot be read: {_reason(fault)}.") from fault


def _reason(fault: Exception) -> str:
    return (str(fault).strip().partition("\n")[0] or type(fault).__name__).rstrip(".")
