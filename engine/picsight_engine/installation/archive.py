"""A folder, a .zip or a .tar archive from somewhere else: files under names, read and never unpacked as they wish.

A `Shelf` holds the published files of a model as a person fetched them, with a browser or on another computer.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

from picsight_engine.bundles.bundle import file_record
from picsight_engine.errors import BundleError, CancelledError, RequestError
from picsight_engine.installation.download import Arrived, Fetched
from picsight_engine.private_files import make_private_folder, open_private

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from picsight_engine.installation.catalogue import RemoteFile

_CHUNK = 1024 * 1024  # bytes
# what reading may raise where a file is cut, changed, encrypted or on a disk that fails
DAMAGED = (
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


class Source(Protocol):
    """Something that holds files under names with "/"."""

    def find(self, path: str) -> list[str]:
        """The plain files at `path`, seen from the top or from one folder below; the topmost first."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """One of them, to be read."""
        ...


def open_source(path: Path, stack: ExitStack) -> Source:
    """What lies at `path`, opened until `stack` is left.

    Raises:
        RequestError: there is nothing, or it is neither a folder nor an archive.
        BundleError: the archive is damaged.
    """
    if path.is_dir():
        return _Folder(path)
    if not path.exists():
        raise RequestError(f"There is nothing at {path}; check how it is spelled.")
    if not path.is_file():  # a pipe would be waited for without end
        raise _no_archive(path)
    try:
        if zipfile.is_zipfile(path):
            return _Zip(stack.enter_context(zipfile.ZipFile(path)))
        return _Tar(stack.enter_context(tarfile.open(path)))
    except tarfile.ReadError as fault:
        raise _no_archive(path) from fault
    except DAMAGED as fault:
        raise damaged(path, fault) from fault


class _Folder:
    """A folder on a disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, path: str) -> list[str]:
        """Looks at these places alone; listing a whole disk would serve nobody."""
        found = [self._path / path, *sorted(self._path.glob(f"*/{path}"))]
        return [each.relative_to(self._path).as_posix() for each in found if each.is_file()]

    def open(self, name: str) -> IO[bytes]:
        """KeyError where there is no such file, as with archives; a pipe would be waited for without end."""
        path = self._path / name
        if path.exists() and not path.is_file():
            raise KeyError(name)
        try:
            return path.open("rb")
        except FileNotFoundError:
            raise KeyError(name) from None


class _Zip:
    """A .zip archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def find(self, path: str) -> list[str]:
        """What is no folder."""
        return _nearest(
            path, (info.filename for info in self._archive.infolist() if not info.filename.endswith("/"))
        )

    def open(self, name: str) -> IO[bytes]:
        """Unpacks while it is read."""
        return self._archive.open(name)


class _Tar:
    """A .tar archive, compressed or not."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._files = {
            member.name.removeprefix("./"): member for member in archive.getmembers() if member.isreg()
        }  # links and devices are left out
        self._archive = archive

    def find(self, path: str) -> list[str]:
        """Neither links nor devices."""
        return _nearest(path, self._files)

    def open(self, name: str) -> IO[bytes]:
        """Unpacks while it is read."""
        file = self._archive.extractfile(self._files[name])
        assert file is not None  # only plain files are kept
        return file


def copy_file(
    source: Source, name: str, target: Path, *, most: int, path: Path, cancel: threading.Event | None
) -> Iterator[int]:
    """Copies a file of the source at `path`, and yields the bytes of each step; more than `most` bytes are not asked for,
    as a small archive may unpack to a whole disk. What arrived is for the caller to check.

    Raises:
        BundleError: the file is missing or damaged.
        CancelledError: `cancel` was set.
    """
    make_private_folder(target.parent)
    left = most + 1  # one more, so that a file that is too large differs from one that is not
    with open_private(target, "wb") as copy:
        for chunk in _chunks(source, name, left, path):
            if cancel is not None and cancel.is_set():
                raise CancelledError("The installation was stopped; nothing was installed.")
            copy.write(chunk)
            yield len(chunk)


def _chunks(source: Source, name: str, left: int, path: Path) -> Iterator[bytes]:
    try:
        with source.open(name) as file:
            while left and (chunk := file.read(min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk
    except KeyError:
        raise BundleError(f"{path} lacks the model's file {name}; get it again.") from None
    except DAMAGED as fault:
        raise damaged(path, fault) from fault


def _nearest(path: str, names: Iterable[str]) -> list[str]:
    found = [name for name in names if path in (name, name.partition("/")[2])]
    return sorted(found, key=lambda name: (name != path, name))


def damaged(path: Path, fault: Exception) -> BundleError:
    """What a person is told when reading ends with one of DAMAGED."""
    return BundleError(f"{path} cannot be read ({str(fault).rstrip('.')}); get the model again.")


def _no_archive(path: Path) -> RequestError:
    return RequestError(
        f"{path} is neither a folder nor a .zip or .tar archive of a model; choose another file."
    )


@dataclass(frozen=True, slots=True)
class Shelf:
    """Files under the names that they have in their repository, at the top of `path` or one folder below."""

    path: Path
    source: Source

    def holds(self, files: Iterable[RemoteFile]) -> bool:
        """Whether all of them are here."""
        return all(self._find(file) is not None for file in files)

    def require(self, files: Iterable[RemoteFile]) -> None:
        """RequestError where one of them is not here."""
        for file in files:
            if self._find(file) is None:
                raise RequestError(f"There is no {file.path} in {self.path}; get it from {file.url()}")

    def bring(
        self, file: RemoteFile, target: Path, cancel: threading.Event | None
    ) -> Iterator[Arrived | Fetched]:
        """Copies a file to `target` and says what `download` would say.

        Raises:
            BundleError: it cannot be read, or is not the file that the catalogue knows.
            CancelledError: `cancel` was set.
        """
        where = self._find(file)
        assert where is not None  # required before
        done = 0
        for count in copy_file(self.source, where, target, most=file.limit, path=self.path, cancel=cancel):
            done += count
            yield Arrived(done, file.size)
        sha256 = file_record(target).sha256
        if done > file.limit or file.size not in (None, done) or file.sha256 not in (None, sha256):
            raise BundleError(
                f"{file.path} in {self.path} is not the file that was published; get it again from {file.url()}"
            )
        yield Fetched(f"a file: {file.path}", done, sha256, revision=None, stated_sha256=None)

    def _find(self, file: RemoteFile) -> str | None:
        """Without its folder too: a browser fetches file by file into one."""
        for path in (file.path, file.path.removeprefix("onnx/")):
            found = self.source.find(path)
            if found:
                return found[0]
        return None
