"""A model in a person's hands: a bundle as a folder, a .zip or a .tar archive, installed without any network."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import MANIFEST, parse_manifest
from picsight_engine.bundles.destination import refusals_explained
from picsight_engine.errors import BundleError
from picsight_engine.installation.archive import copy_file, damage_explained, open_source
from picsight_engine.installation.installed import LICENCE, Arriving, Checking, Installed
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
                where = self._prefix + name
                for count in copy_file(self._source, where, staging / name, most=record.bytes, cancel=cancel):
                    done += count
                    yield Arriving(done, total)
            yield Checking()
            bundle = models.place(staging, self.manifest)
        examine_once(bundle, machine or Machine.this())
        yield Installed(bundle)


def is_parcel(path: Path) -> bool:
    """Whether there is a bundle in a folder or an archive; raises as `open_parcel` where it is neither."""
    with open_source(path) as source:
        return source.find(MANIFEST) is not None


@contextmanager
def open_parcel(path: Path) -> Iterator[Parcel]:
    """Looks into a folder or an archive and finds the bundle in it, at its top or one folder below.

    Raises:
        RequestError: there is nothing at `path`, or it is neither a folder nor an archive.
        BundleError: it holds no bundle, or is damaged.
    """
    with open_source(path) as source:
        with damage_explained(path):
            parcel = _parcel(source)
        yield parcel


def _parcel(source: Source) -> Parcel:
    where = source.find(MANIFEST)
    if where is None:
        raise BundleError(
            f"There is no model in {source.path}: {MANIFEST} is missing. Choose a model's folder or archive."
        )
    with source.open(where) as file:
        text = file.read(_MOST_MANIFEST + 1)
    if len(text) > _MOST_MANIFEST:
        raise BundleError(f"The manifest in {source.path} is too large to be one.")
    manifest, prefix, licence = parse_manifest(text, source.path / where), where.removesuffix(MANIFEST), ""
    if LICENCE in manifest.files:
        with (
            suppress(KeyError),
            source.open(prefix + LICENCE) as file,
        ):  # `unpack` names a file that is missing
            licence = file.read(64_000).decode("utf-8", "replace").strip()
    return Parcel(source.path, manifest, licence, source, prefix)
