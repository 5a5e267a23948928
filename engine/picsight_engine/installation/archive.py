"""A folder, a .zip or a .tar archive from somewhere else: files under names, read and never unpacked as they wish."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from picsight_engine.errors import BundleError, CancelledError, RequestError
from picsight_engine.private_files import make_private_folder, open_private

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_CHUNK = 1024 * 1024  # bytes
# what reading may raise where a file is cut, changed, encrypted or on a disk that fails
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
    OSError,
    # names that are no text or empty, and sizes that no computer has: both modules pass them on
    ValueError,
    IndexError,
    MemoryError,
)


@dataclass(frozen=True, slots=True)
class Source:
    """The plain files of a folder or an archive, under names with "/"; `names` are all of them, or those that may be at a
    path: listing a whole disk would serve nobody. `open` raises KeyError where there is no such file.
    """

    path: Path
    names: Callable[[str], Iterable[str]]
    open: Callable[[str], IO[bytes]]

    def find(self, path: str) -> str | None:
        """The file at `path`, seen from the top or else from one folder below."""
        found = [name for name in self.names(path) if path in (name, name.partition("/")[2])]
        return min(found, key=lambda name: (name != path, name), default=None)


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """What lies at `path`.

    Raises:
        RequestError: there is nothing, or it is neither a folder nor an archive.
        BundleError: the archive is damaged.
    """
    if not path.exists():
        raise RequestError(f"There is nothing at {path}; check how it is spelled.")
    with ExitStack() as stack:
        try:
            with damage_explained(path):
                source = _folder(path) if path.is_dir() else _archive(path, stack)
        except BundleError as fault:
            if not isinstance(fault.__cause__, tarfile.ReadError):
                raise
            raise RequestError(
                f"{path} is neither a folder nor a .zip or .tar archive of a model; choose another file."
            ) from fault
        yield source


@contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Turns what reading in a source raises where it is damaged into BundleError."""
    try:
        yield
    except _DAMAGED as fault:
        raise BundleError(
            f"{path} cannot be read ({str(fault).rstrip('.')}); get the model again."
        ) from fault


def _folder(path: Path) -> Source:
    def names(wanted: str) -> list[str]:
        places = (path / wanted, *path.glob(f"*/{wanted}"))
        return [place.relative_to(path).as_posix() for place in places if place.is_file()]

    def open_file(name: str) -> IO[bytes]:
        if not (path / name).is_file():  # a pipe would be waited for without end
            raise KeyError(name)
        return (path / name).open("rb")

    return Source(path, names, open_file)


def _archive(path: Path, stack: ExitStack) -> Source:
    """Opened until `stack` is left. Links and devices are left out."""
    if not path.is_file():
        raise tarfile.ReadError
    if zipfile.is_zipfile(path):
        packed = stack.enter_context(zipfile.ZipFile(path))
        listed = [info.filename for info in packed.infolist() if not info.filename.endswith("/")]
        return Source(path, lambda _: listed, packed.open)
    archive = stack.enter_context(tarfile.open(path))  # noqa: SIM115 -- the stack closes it
    members = {member.name.removeprefix("./"): member for member in archive.getmembers() if member.isreg()}

    def open_member(name: str) -> IO[bytes]:
        file = archive.extractfile(members[name])
        assert file is not None  # only plain files are kept
        return file

    return Source(path, lambda _: members, open_member)


def copy_file(
    source: Source, name: str, target: Path, *, most: int, cancel: threading.Event | None
) -> Iterator[int]:
    """Copies a file and yields the bytes of each step; more than `most` bytes are not asked for, as a small archive may
    unpack to a whole disk. What arrived is for the caller to check.

    Raises:
        BundleError: the file is missing or damaged.
        CancelledError: `cancel` was set.
    """
    make_private_folder(target.parent)
    with open_private(target, "wb") as copy:
        for chunk in _chunks(source, name, most + 1):  # one more tells a file that is too large
            if cancel is not None and cancel.is_set():
                raise CancelledError("The installation was stopped; nothing was installed.")
            copy.write(chunk)
            yield len(chunk)


def _chunks(source: Source, name: str, left: int) -> Iterator[bytes]:
    try:
        with damage_explained(source.path), source.open(name) as file:
            while left and (chunk := file.read(min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk
    except KeyError:
        raise BundleError(f"{source.path} lacks the model's file {name}; get it again.") from None
