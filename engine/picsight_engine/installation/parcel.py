"""A model in a person's hands: a bundle as a folder, a .zip or a .tar archive, installed without any network."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import MANIFEST, parse_manifest
from picsight_engine.bundles.destination import refusals_explained
from picsight_engine.errors import BundleError
from picsight_engine.installation.archive import DAMAGED, copy_file, damaged, open_source
from picsight_engine.installation.installed import Arriving, Checking, Installed
from picsight_engine.runtime.agreement import Machine, examine_once

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.bundles.bundle import Manifest
    from picsight_engine.installation.archive import Source
    from picsight_engine.installation.installed import InstalledModels, InstallEvent

_MOST_MANIFEST = 10_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """A bundle that was found at `path`; `licence` is the text that lies in it, empty where there is none."""

    path: Path
    manifest: Manifest
    licence: str
    _source: Source
    _prefix: str

    def unpack(
        self,
        models: InstalledModels,
        *,
        cancel: threading.Event | None = None,
        machine: Machine | None = None,
    ) -> Iterator[InstallEvent]:
        """Copies the files that the manifest lists, and nothing else, checks them and moves them into place.

        A model of the same name is replaced. The last event is Installed.

        Raises:
            BundleError: the parcel is damaged, or its files are not what its manifest says; nothing was replaced.
            StorageError: the disk is full or cannot be written.
            BusyError: another process installs a model.
            CancelledError: `cancel` was set; nothing was replaced and nothing is left behind.
        """
        models.require_name(self.manifest.name)
        total, done = sum(record.bytes for record in self.manifest.files.values()), 0
        with models.lock(), refusals_explained(models.folder), models.staging(self.manifest.name) as staging:
            models.require_room(self.manifest.title, total)  # a small archive can fill any disk
            for name, record in self.manifest.files.items():
                where = self._prefix + PurePosixPath(name).as_posix()
                for count in copy_file(
                    self._source, where, staging / name, most=record.bytes, path=self.path, cancel=cancel
                ):
                    done += count
                    yield Arriving(done, total)
            yield Checking()
            bundle = models.place(staging, self.manifest)
        examine_once(bundle, machine or Machine.this())
        yield Installed(bundle)


def is_parcel(path: Path) -> bool:
    """Whether there is a bundle in a folder or an archive; raises as `open_parcel` where it is neither."""
    with ExitStack() as stack:
        return bool(open_source(path, stack).find(MANIFEST))


@contextmanager
def open_parcel(path: Path) -> Iterator[Parcel]:
    """Looks into a folder or an archive and finds the bundle in it, at its top or one folder below.

    Raises:
        RequestError: there is nothing at `path`, or it is neither a folder nor an archive.
        BundleError: it holds no bundle, or is damaged.
    """
    with ExitStack() as stack:
        source = open_source(path, stack)
        try:
            where = next(iter(source.find(MANIFEST)), None)
            if where is None:
                raise BundleError(
                    f"There is no model in {path}: {MANIFEST} is missing. Choose a model's folder or archive."
                )
            manifest = _manifest_of(source, where, path)
            prefix = where.removesuffix(MANIFEST)
            licence = _licence_of(source, prefix, manifest)
        except DAMAGED as fault:
            raise damaged(path, fault) from fault
        yield Parcel(path, manifest, licence, source, prefix)


def _manifest_of(source: Source, where: str, path: Path) -> Manifest:
    with source.open(where) as file:
        text = file.read(_MOST_MANIFEST + 1)
    if len(text) > _MOST_MANIFEST:
        raise BundleError(f"The manifest in {path} is too large to be one.")
    return parse_manifest(text, path / where)


def _licence_of(source: Source, prefix: str, manifest: Manifest) -> str:
    if "LICENCE.txt" not in manifest.files:
        return ""
    try:
        with source.open(prefix + "LICENCE.txt") as file:
            return file.read(64_000).decode("utf-8", "replace").strip()
    except KeyError:
        return ""
