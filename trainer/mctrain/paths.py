"""Paths of shards: a local path, or a URL of a store that fsspec supports, such as `s3://bucket/folder`.

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
from picsight_engine.foundation.errors import PicsightError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUFFER = 1 << 20
_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class UrlPath:
    """A file or folder of a store by its URL, with the methods of `pathlib.Path` that shards need.

    Credentials come from the store's usual environment variables. A store has no folders, only names with slashes.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> UrlPath:
        return UrlPath(f"{self.url.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """The last part of the URL."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> UrlPath:
        """The containing folder."""
        return UrlPath(self.url.rpartition("/")[0])

    def is_file(self) -> bool:
        """Whether there is a file here; raises DataError if the store does not answer, or refuses it."""
        store, key = self.store()
        with _sentences(self):
            return bool(store.isfile(key))

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """Opens the file for random reads; raises the store's own errors."""
        store, key = self.store()
        return io.BufferedReader(store.open(key, mode), _BUFFER)

    def read_bytes(self) -> bytes:
        """The whole file; raises the store's own errors."""
        store, key = self.store()
        return bytes(store.cat_file(key))

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


AnyPath = Path | UrlPath
_AnyPath = TypeVar("_AnyPath", bound=AnyPath)


def parse_path(text: str) -> AnyPath:
    """Parses a path or a URL."""
    return UrlPath(text.rstrip("/")) if "://" in text else Path(text)


def same(one: AnyPath, other: AnyPath) -> bool:
    """Whether both are the same existing file."""
    if isinstance(one, Path) and isinstance(other, Path):
        return one.is_file() and other.is_file() and one.samefile(other)
    return str(one) == str(other) and one.is_file()


def on_disk(path: AnyPath, reason: str) -> Path:
    """The path as a local one; `reason` begins the error message.

    Raises:
        TrainerError: it lies in a store.
    """
    if isinstance(path, UrlPath):
        raise TrainerError(f"{reason}, and {path} lies in a store; copy it to a disk first.")
    return path


def files_of(folder: _AnyPath, pattern: str) -> list[_AnyPath]:
    """The files in this folder that match a pattern (`*.tar`, `**/*.tar`), sorted; an exact name matches only itself.

    Raises:
        DataError: the store does not answer, or refuses it.
    """
    if (folder / pattern).is_file():
        return [cast("_AnyPath", folder / pattern)]
    if isinstance(folder, Path):
        # Path.glob accepts no absolute pattern
        names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207
        return [cast("_AnyPath", folder / name) for name in names if (folder / name).is_file()]
    if not _MAGIC & set(pattern):
        return []
    store, key = folder.store()
    with _sentences(folder):
        found = store.glob(f"{key}/{pattern}", detail=True)
    names = [name[len(key) + 1 :] for name, about in sorted(found.items()) if about["type"] == "file"]
    return [cast("_AnyPath", folder / name) for name in names]


def size_of(path: AnyPath) -> int:
    """The size of a file in bytes; raises DataError if it is missing or may not be read."""
    with _sentences(path):
        if isinstance(path, Path):
            return path.stat().st_size
        store, key = path.store()
        return int(store.size(key))


def version_of(path: AnyPath) -> str:
    """A string that changes whenever the file does, from its metadata only.

    Raises:
        DataError: it is missing or may not be read.
    """
    with _sentences(path):
        if isinstance(path, Path):
            state = path.stat()
            return f"{state.st_size} {state.st_mtime_ns} {state.st_ino}"
        store, key = path.store()
        return str(store.ukey(key))


@contextmanager
def opened(path: AnyPath) -> Iterator[io.BufferedReader]:
    """Opens a file for random reads; raises DataError if it is missing or cannot be read, now or later on."""
    with _sentences(path), path.open("rb") as file:
        yield file


def read(path: AnyPath) -> bytes:
    """The whole file; raises DataError if it is missing or cannot be read."""
    with _sentences(path):
        return path.read_bytes()


def read_part(path: AnyPath, start: int, size: int) -> bytes:
    """`size` bytes from `start`; fewer if the file ends before.

    Raises:
        DataError: it is missing or cannot be read.
    """
    with _sentences(path):
        if isinstance(path, UrlPath):
            store, key = path.store()
            return bytes(store.cat_file(key, start=start, end=start + size))
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            return file.read(size)


@contextmanager
def local_copy(path: AnyPath) -> Iterator[Path]:
    """The file at a local path inside the block; one in a store is downloaded to a temporary file.

    Raises:
        DataError: it is missing or cannot be read.
    """
    if isinstance(path, Path):
        size_of(path)
        yield path
        return
    store, key = path.store()
    with tempfile.TemporaryDirectory(prefix="mctrain-") as folder:
        copy = Path(folder, path.name)
        with _sentences(path):
            store.get_file(key, str(copy))
        yield copy


@contextmanager
def draft(path: AnyPath) -> Iterator[Path]:
    """A local path to write to: becomes the file if the block succeeds, and is deleted if it fails.

    Raises:
        OSError: the disk is full or cannot be written.
        TrainerError: the store refuses it.
    """
    if isinstance(path, Path):
        with draft_of(path) as local:
            yield local
        return
    store, target = path.store()
    with tempfile.TemporaryDirectory(prefix="mctrain-") as folder:
        local = Path(folder, path.name)
        yield local
        try:
            store.put_file(str(local), target)
        # Third-party stores: each raises different exceptions.
        except Exception as fault:
            advice = "; make the bucket first, or name another" * isinstance(fault, FileNotFoundError)
            raise TrainerError(f"{path} cannot be written: {_reason(fault)}{advice}.") from fault


def write(path: AnyPath, content: bytes) -> None:
    """Replaces a file atomically.

    Raises:
        OSError: the disk is full or cannot be written.
        TrainerError: the store refuses it.
    """
    with draft(path) as local:
        local.write_bytes(content)


@contextmanager
def _sentences(path: AnyPath) -> Iterator[None]:
    """Turns the exceptions of disks and stores into sentences; each store raises different ones."""
    try:
        yield
    except FileNotFoundError as fault:
        raise DataError(f"There is no file {path}; check the name.") from fault
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror or _reason(fault)}.") from fault
    except Exception as fault:
        if isinstance(path, Path) or isinstance(fault, PicsightError):
            raise
        raise DataError(f"{path} cannot be read: {_reason(fault)}.") from fault


def _reason(fault: Exception) -> str:
    return (str(fault).strip().partition("\n")[0] or type(fault).__name__).rstrip(".")
