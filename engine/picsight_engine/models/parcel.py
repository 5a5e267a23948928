"""A model in a person's hands: a bundle as a folder, a .zip or a .tar archive, installed without any network."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Protocol

from picsight_engine.errors import BundleError, RequestError, StorageError
from picsight_engine.models.agreement import Machine, examine_once
from picsight_engine.models.bundle import MANIFEST, parse_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from picsight_engine.models.bundle import Bundle, FileRecord, Manifest
    from picsight_engine.models.installed import InstalledModels

_MOST_MANIFEST = 10_000_000  # bytes
_MOST_HEADER = 1_000_000  # bytes
_CHUNK = 1024 * 1024
# The last three: names that are no text or empty, and sizes that no computer has; both modules pass them on.
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
    OSError,
    ValueError,
    IndexError,
    MemoryError,
)


class _Source(Protocol):
    """Something that holds files under names with "/"."""

    def names(self) -> list[str]:
        """The plain files."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """One of them, to be read."""
        ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """A bundle that was found at `path`; `licence` is the text that lies in it, empty where there is none."""

    path: Path
    manifest: Manifest
    licence: str
    _source: _Source
    _prefix: str

    def install(self, models: InstalledModels, machine: Machine | None = None) -> Bundle:
        """Copies the files that the manifest lists, and nothing else, checks them and moves them into place.

        A model of the same name is replaced.

        Raises:
            BundleError: the parcel is damaged, or its files are not what its manifest says; nothing was replaced.
            StorageError: the disk is full or cannot be written.
            BusyError: another process installs a model.
        """
        models.require_name(self.manifest.name)
        with models.lock(), _explained(models), models.staging(self.manifest.name) as staging:
            self._require_room(staging)
            for name, record in self.manifest.files.items():
                self._unpack(name, record, staging / name)
            bundle = models.place(staging, self.manifest)
        examine_once(bundle, machine or Machine.this())
        return bundle

    def _require_room(self, folder: Path) -> None:
        """Before anything is unpacked: a small archive can fill any disk."""
        free = shutil.disk_usage(folder).free
        needed = sum(record.bytes for record in self.manifest.files.values())
        if needed > free:
            raise StorageError(
                f'{folder.parent} has {free:,} bytes free, "{self.manifest.title}" needs {needed:,}: make room there.'
            )

    def _unpack(self, name: str, record: FileRecord, target: Path) -> None:
        try:
            source = self._source.open(self._prefix + PurePosixPath(name).as_posix())
        except KeyError:
            raise BundleError(f"{self.path} lacks the model's file {name}; get it again.") from None
        except _DAMAGED as fault:
            raise _damaged(self.path, fault) from fault
        with source:
            _copy(source, target, record, self.path)


@contextmanager
def open_parcel(path: Path) -> Iterator[Parcel]:
    """Looks into a folder or an archive and finds the bundle in it, at its top or one folder below.

    Raises:
        RequestError: there is nothing at `path`, or it is neither a folder nor an archive.
        BundleError: it holds no bundle, or is damaged.
    """
    with ExitStack() as stack:
        source = _open_source(path, stack)
        try:
            where = _where_manifest_is(source)
            if where is None:
                raise BundleError(
                    f"There is no model in {path}: {MANIFEST} is missing. Choose a model's folder or archive."
                )
            manifest = _manifest_of(source, where, path)
            prefix = where.removesuffix(MANIFEST)
            licence = _licence_of(source, prefix, manifest)
        except _DAMAGED as fault:
            raise _damaged(path, fault) from fault
        yield Parcel(path, manifest, licence, source, prefix)


def _open_source(path: Path, stack: ExitStack) -> _Source:
    if path.is_dir():
        return _Folder(path)
    if not path.exists():
        raise RequestError(f"There is nothing at {path}; check how it is spelled.")
    if not path.is_file():  # a pipe would be waited for without end
        raise _no_archive(path)
    try:
        if zipfile.is_zipfile(path):
            return _Zip(stack.enter_context(zipfile.ZipFile(path)))
        return _Tar(stack.enter_context(tarfile.open(path, tarinfo=_TarHeader)))
    except tarfile.ReadError as fault:
        raise _no_archive(path) from fault
    except _DAMAGED as fault:
        raise _damaged(path, fault) from fault


class _Folder:
    """A bundle that lies unpacked on a disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """The manifests that are near enough; listing a whole disk would serve nobody."""
        found = [self._path / MANIFEST, *sorted(self._path.glob(f"*/{MANIFEST}"))]
        return [path.relative_to(self._path).as_posix() for path in found if path.is_file()]

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

    def names(self) -> list[str]:
        """What is no folder."""
        return [info.filename for info in self._archive.infolist() if not info.is_dir()]

    def open(self, name: str) -> IO[bytes]:
        """Unpacks while it is read."""
        return self._archive.open(name)


class _TarHeader(tarfile.TarInfo):
    """Names and notes of a member, which `tarfile` reads into memory however long they say that they are."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """A header from its block; ReadError where what belongs to it is too large."""
        header = super().frombuf(buf, encoding, errors)
        if not (header.isfile() or header.size <= _MOST_HEADER):
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")
        return header


class _Tar:
    """A .tar archive, compressed or not."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._files = {
            member.name.removeprefix("./"): member for member in archive.getmembers() if member.isreg()
        }  # links and devices are left out
        self._archive = archive

    def names(self) -> list[str]:
        """The plain files."""
        return list(self._files)

    def open(self, name: str) -> IO[bytes]:
        """Unpacks while it is read."""
        file = self._archive.extractfile(self._files[name])
        assert file is not None  # only plain files are kept
        return file


def _where_manifest_is(source: _Source) -> str | None:
    """The manifest nearest to the top, at most one folder below it."""
    found = [name for name in source.names() if PurePosixPath(name).name == MANIFEST and name.count("/") <= 1]
    return min(found, key=lambda name: (name.count("/"), name), default=None)


def _manifest_of(source: _Source, where: str, path: Path) -> Manifest:
    with source.open(where) as file:
        text = file.read(_MOST_MANIFEST + 1)
    if len(text) > _MOST_MANIFEST:
        raise BundleError(f"The manifest in {path} is too large to be one.")
    return parse_manifest(text, path / where)


def _licence_of(source: _Source, prefix: str, manifest: Manifest) -> str:
    if "LICENCE.txt" not in manifest.files:
        return ""
    try:
        with source.open(prefix + "LICENCE.txt") as file:
            return file.read(64_000).decode("utf-8", "replace").strip()
    except KeyError:
        return ""


@contextmanager
def _explained(models: InstalledModels) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise StorageError(
            f"{models.folder} cannot be written ({fault.strerror}): make room, or check its permissions."
        ) from fault


def _copy(source: IO[bytes], target: Path, record: FileRecord, path: Path) -> None:
    """Copies at most as much as the manifest says: a small archive may unpack to a whole disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = record.bytes
    with target.open("wb") as file:
        while left >= 0:
            try:
                chunk = source.read(min(_CHUNK, left + 1))
            except _DAMAGED as fault:
                raise _damaged(path, fault) from fault
            if not chunk:
                return
            left -= len(chunk)
            if left >= 0:
                file.write(chunk)
    raise BundleError(f"{target.name} in {path} is larger than its manifest says; get the model again.")


def _damaged(path: Path, fault: Exception) -> BundleError:
    return BundleError(f"{path} cannot be read ({str(fault).rstrip('.')}); get the model again.")


def _no_archive(path: Path) -> RequestError:
    return RequestError(
        f"{path} is neither a folder nor a .zip or .tar archive of a model; choose another file."
    )
