"""Locations of shards: a local path, or a URL of a store that fsspec supports, such as `s3://bucket/folder`.

Files are written atomically: on a disk under another name and then renamed, in a store as one object that becomes
visible when it is complete. fsspec is loaded for URLs only.
"""

from __future__ import annotations

import glob
import io
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mctrain.atomic_files import draft_of
from mctrain.errors import DataError, TrainerError, demand_extra
from picsight_engine.errors import PicsightError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUFFER = 1 << 20
_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class StoredPath:
    """A file or folder of a store by its URL, with the methods of `pathlib.Path` that shards need.

    Credentials come from the store's usual environment variables. A store has no folders, only names with slashes.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> StoredPath:
        return StoredPath(f"{self.url.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """The last part of the URL."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> StoredPath:
        """The containing folder."""
        return StoredPath(self.url.rpartition("/")[0])

    def is_file(self) -> bool:
        """Whether there is a file here; raises DataError if the store does not answer, or refuses it."""
        store, path = self.store()
        with _sentences(self):
            return bool(store.isfile(path))

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """Opens the file for random reads; raises the store's own errors."""
        store, path = self.store()
        return io.BufferedReader(store.open(path, mode), _BUFFER)

    def read_bytes(self) -> bytes:
        """The whole file; raises the store's own errors."""
        store, path = self.store()
        return bytes(store.cat_file(path))

    def store(self) -> tuple[Any, str]:
        """The file system and the path in it; fsspec caches file systems.

        Raises:
            DataError: the file system is unknown.
            TrainerError: a package is missing.
        """
        with demand_extra("fsspec", f"{self} lies in a store"):
            from fsspec.core import url_to_fs  # takes 200 ms, which local paths do not need
        try:
            # a cached listing would miss files that others write
            return url_to_fs(self.url, use_listings_cache=False)  # type: ignore[no-any-return]
        except (ImportError, ValueError) as fault:
            raise DataError(f"{self} cannot be opened: {_reason(fault)}.") from fault


Place = Path | StoredPath
_Place = TypeVar("_Place", bound=Place)


def place_of(text: str) -> Place:
    """Parses a path or a URL."""
    return StoredPath(text.rstrip("/")) if "://" in text else Path(text)


def same(one: Place, other: Place) -> bool:
    """Whether both are the same existing file."""
    if isinstance(one, Path) and isinstance(other, Path):
        return one.is_file() and other.is_file() and one.samefile(other)
    return str(one) == str(other) and one.is_file()


def on_disk(place: Place, reason: str) -> Path:
    """The place as a local path; `reason` begins the error message.

    Raises:
        TrainerError: it lies in a store.
    """
    if isinstance(place, StoredPath):
        raise TrainerError(f"{reason}, and {place} lies in a store; copy it to a disk first.")
    return place


def files_of(folder: _Place, pattern: str) -> list[_Place]:
    """The files in this folder that match a pattern (`*.tar`, `**/*.tar`), sorted; an exact name matches only itself.

    Raises:
        DataError: the store does not answer, or refuses it.
    """
    if (folder / pattern).is_file():
        return [cast("_Place", folder / pattern)]
    if isinstance(folder, Path):
        # Path.glob accepts no absolute pattern
        names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207
        return [cast("_Place", folder / name) for name in names if (folder / name).is_file()]
    if not _MAGIC & set(pattern):
        return []
    store, path = folder.store()
    with _sentences(folder):
        found = store.glob(f"{path}/{pattern}", detail=True)
    names = [name[len(path) + 1 :] for name, about in sorted(found.items()) if about["type"] == "file"]
    return [cast("_Place", folder / name) for name in names]


def size_of(place: Place) -> int:
    """The size of a file in bytes; raises DataError if it is missing or may not be read."""
    with _sentences(place):
        if isinstance(place, Path):
            return place.stat().st_size
        store, path = place.store()
        return int(store.size(path))


def version_of(place: Place) -> str:
    """A string that changes whenever the file does, from its metadata only.

    Raises:
        DataError: it is missing or may not be read.
    """
    with _sentences(place):
        if isinstance(place, Path):
            state = place.stat()
            return f"{state.st_size} {state.st_mtime_ns} {state.st_ino}"
        store, path = place.store()
        return str(store.ukey(path))


@contextmanager
def opened(place: Place) -> Iterator[io.BufferedReader]:
    """Opens a file for random reads; raises DataError if it is missing or cannot be read, now or later on."""
    with _sentences(place), place.open("rb") as file:
        yield file


def read(place: Place) -> bytes:
    """The whole file; raises DataError if it is missing or cannot be read."""
    with _sentences(place):
        return place.read_bytes()


def read_part(place: Place, start: int, size: int) -> bytes:
    """`size` bytes from `start`; fewer if the file ends before.

    Raises:
        DataError: it is missing or cannot be read.
    """
    with _sentences(place):
        if isinstance(place, StoredPath):
            store, path = place.store()
            return bytes(store.cat_file(path, start=start, end=start + size))
        with place.open("rb", buffering=0) as file:
            file.seek(start)
            return file.read(size)


@contextmanager
def near(place: Place) -> Iterator[Path]:
    """The file at a local path inside the block; one in a store is downloaded to a temporary file.

    Raises:
        DataError: it is missing or cannot be read.
    """
    if isinstance(place, Path):
        size_of(place)
        yield place
        return
    store, path = place.store()
    with tempfile.TemporaryDirectory(prefix="mctrain-") as folder:
        copy = Path(folder, place.name)
        with _sentences(place):
            store.get_file(path, str(copy))
        yield copy


@contextmanager
def draft(place: Place) -> Iterator[Path]:
    """A local path to write to: becomes the file if the block succeeds, and is deleted if it fails.

    Raises:
        OSError: the disk is full or cannot be written.
        TrainerError: the store refuses it.
    """
    if isinstance(place, Path):
        with draft_of(place) as path:
            yield path
        return
    store, target = place.store()
    with tempfile.TemporaryDirectory(prefix="mctrain-") as folder:
        path = Path(folder, place.name)
        yield path
        try:
            store.put_file(str(path), target)
        # Third-party stores: each raises different exceptions.
        except Exception as fault:
            advice = "; make the bucket first, or name another" * isinstance(fault, FileNotFoundError)
            raise TrainerError(f"{place} cannot be written: {_reason(fault)}{advice}.") from fault


def write(place: Place, content: bytes) -> None:
    """Replaces a file atomically.

    Raises:
        OSError: the disk is full or cannot be written.
        TrainerError: the store refuses it.
    """
    with draft(place) as path:
        path.write_bytes(content)


@contextmanager
def _sentences(place: Place) -> Iterator[None]:
    """Turns the exceptions of disks and stores into sentences; each store raises different ones."""
    try:
        yield
    except FileNotFoundError as fault:
        raise DataError(f"There is no file {place}; check the name.") from fault
    except OSError as fault:
        raise DataError(f"{place} cannot be read: {fault.strerror or _reason(fault)}.") from fault
    except Exception as fault:
        if isinstance(place, Path) or isinstance(fault, PicsightError):
            raise
        raise DataError(f"{place} cannot be read: {_reason(fault)}.") from fault


def _reason(fault: Exception) -> str:
    return (str(fault).strip().partition("\n")[0] or type(fault).__name__).rstrip(".")
