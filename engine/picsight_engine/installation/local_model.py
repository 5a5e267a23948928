"""Installs a model from a folder, or from a .zip or .tar archive of a bundle, without network.

Files are read by name; paths inside an archive are never trusted for unpacking.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from picsight_engine.bundles.bundle import MANIFEST, parse_manifest
from picsight_engine.bundles.writable_folder import storage_errors
from picsight_engine.foundation.errors import BundleError, CancelledError, RequestError
from picsight_engine.foundation.private_files import make_private_folder, open_private
from picsight_engine.installation.installed import LICENCE, Checking, Installed, InstallProgress
from picsight_engine.installation.layouts import find_layout, find_published
from picsight_engine.installation.published import describe
from picsight_engine.runtime.backend_comparison import Machine, compare_once

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from picsight_engine.bundles.bundle import Manifest
    from picsight_engine.installation.installed import InstalledModels, InstallEvent

_MOST_MANIFEST = 10_000_000  # bytes
_CHUNK = 1024 * 1024  # bytes
# errors of reading a truncated, changed or encrypted file, or a failing disk
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
    OSError,
    # invalid or empty names and impossible sizes, which both modules do not check
    ValueError,
    IndexError,
    MemoryError,
)


@dataclass(frozen=True, slots=True)
class Source:
    """The plain files of a folder or an archive, under names with "/"; `names` lists all of them, or those that may match a
    path, to avoid listing a whole disk. `open` raises KeyError if there is no such file.
    """

    path: Path
    names: Callable[[str], Iterable[str]]
    open: Callable[[str], IO[bytes]]

    def find(self, path: str) -> str | None:
        """The file at `path`, relative to the top or else to a folder one level below."""
        found = [name for name in self.names(path) if path in (name, name.partition("/")[2])]
        return min(found, key=lambda name: (name != path, name), default=None)


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model in a folder or an archive; `licence` is its licence text, empty if it has none."""

    manifest: Manifest
    licence: str
    _source: Source
    _prefix: str

    def install(
        self,
        models: InstalledModels,
        *,
        cancel: threading.Event | None = None,
        machine: Machine | None = None,
    ) -> Iterator[InstallEvent]:
        """Copies only the files that the manifest lists, checks them and moves them into place.

        A model of the same name is replaced. The last event is Installed.

        Raises:
            BundleError: the model is damaged, or its files do not match its manifest; nothing was replaced.
            StorageError: the disk is full or cannot be written.
            BusyError: another process is installing a model.
            CancelledError: `cancel` was set; nothing was replaced and no files remain.
        """
        models.require_name(self.manifest.name)
        total, done = sum(record.bytes for record in self.manifest.files.values()), 0
        with models.lock(), storage_errors(models.folder), models.staging(self.manifest.name) as staging:
            models.require_room(self.manifest.title, total)  # a small archive may unpack to a full disk
            for name, record in self.manifest.files.items():
                where = self._prefix + name
                for count in copy_file(self._source, where, staging / name, most=record.bytes, cancel=cancel):
                    done += count
                    yield InstallProgress(done, total)
            yield Checking()
            bundle = models.place(staging, self.manifest)
        compare_once(bundle, machine or Machine.this())
        yield Installed(bundle)


def contains_bundle(path: Path) -> bool:
    """Whether a folder or an archive contains a bundle; raises like `open_local_model` if it is neither."""
    with open_source(path) as source:
        return source.find(MANIFEST) is not None


@contextmanager
def open_local_model(path: Path) -> Iterator[LocalModel]:
    """Finds the bundle in a folder or an archive, at its top or one folder below; or a published model in a folder. Raises like
    `open_source`, and BundleError if there is no model, or a damaged one.
    """
    with open_source(path) as source:
        with damage_explained(path):
            published = None if source.find(MANIFEST) else _published(source)
            model = published or _found(source)
        yield model


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Opens the folder or archive at `path`.

    Raises:
        RequestError: there is nothing, or it is neither a folder nor an archive.
        BundleError: the archive is damaged.
    """
    if not path.exists():
        raise RequestError("There is nothing at {path}; check how it is spelled.", path=path)
    with ExitStack() as stack:
        try:
            with damage_explained(path):
                source = _folder(path) if path.is_dir() else _archive(path, stack)
        except BundleError as fault:
            if not isinstance(fault.__cause__, tarfile.ReadError):
                raise
            raise RequestError(
                "{path} is neither a folder nor a .zip or .tar archive of a model; choose another file.",
                path=path,
            ) from fault
        yield source


@contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Turns errors of reading a damaged source into BundleError."""
    try:
        yield
    except _DAMAGED as fault:
        raise BundleError(
            "{path} cannot be read ({fault}); get the model again.", path=path, fault=str(fault).rstrip(".")
        ) from fault


def _folder(path: Path) -> Source:
    def names(wanted: str) -> list[str]:
        places = (path / wanted, *path.glob(f"*/{wanted}"))
        return [place.relative_to(path).as_posix() for place in places if place.is_file()]

    def open_file(name: str) -> IO[bytes]:
        if not (path / name).is_file():  # reading a pipe would block forever
            raise KeyError(name)
        return (path / name).open("rb")

    return Source(path, names, open_file)


def _archive(path: Path, stack: ExitStack) -> Source:
    """Opens an archive until `stack` closes. Skips links and devices."""
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
    """Copies a file and yields the number of bytes of each step; reads at most `most` bytes, because a small archive may
    unpack to a full disk. The caller checks the content.

    Raises:
        BundleError: the file is missing or damaged.
        CancelledError: `cancel` was set.
    """
    make_private_folder(target.parent)
    with open_private(target, "wb") as copy:
        for chunk in _chunks(source, name, most + 1):  # one more byte reveals a file that is too large
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
        raise BundleError(
            "{path} lacks the model's file {name}; get it again.", path=source.path, name=name
        ) from None


def _published(source: Source) -> LocalModel | None:
    """The published model in a folder, or in a folder in it."""
    if not source.path.is_dir():
        return None
    for folder in (source.path, *sorted(each for each in source.path.iterdir() if each.is_dir())):
        if layout := find_published(folder):
            prefix = "" if folder == source.path else f"{folder.name}/"
            return LocalModel(describe(folder, layout), "", source, prefix)
    return None


def _found(source: Source) -> LocalModel:
    where = source.find(MANIFEST)
    if where is None:
        names = [*source.names(MANIFEST)]
        if find_layout([*names, *(name.partition("/")[2] for name in names)]):
            raise BundleError(
                "{path} holds a publisher's files, which are read from a folder only; unpack it, and type: "
                "picsight models install FOLDER",
                path=source.path,
            )
        raise BundleError(
            "There is no model in {path}: neither {manifest} nor the layout of Immich or Hugging Face is there, "
            "whose two graphs are onnx/vision_model.onnx and onnx/text_model.onnx; one model.onnx for both is not read. "
            "If these are files of a model of the list, name it: picsight models install NAME --from-file {path}",
            path=source.path,
            manifest=MANIFEST,
        )
    with source.open(where) as file:
        text = file.read(_MOST_MANIFEST + 1)
    if len(text) > _MOST_MANIFEST:
        raise BundleError("The manifest in {path} is too large to be one.", path=source.path)
    manifest, prefix, licence = parse_manifest(text, source.path / where), where.removesuffix(MANIFEST), ""
    if LICENCE in manifest.files:
        # `install` reports a missing file.
        with suppress(KeyError), source.open(prefix + LICENCE) as file:
            licence = file.read(64_000).decode("utf-8", "replace").strip()
    return LocalModel(manifest, licence, source, prefix)
