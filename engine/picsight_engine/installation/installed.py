"""The models on this computer: the one that comes with Picsight, and a folder of those that a person installed."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import MANIFEST, Bundle, move_bundle, open_bundle, seal_bundle
from picsight_engine.bundles.fields import MODEL_NAME, is_model_name
from picsight_engine.errors import BundleError, BusyError, RequestError, StorageError
from picsight_engine.private_files import FILE_MODE, close_tree, make_private, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.bundles.bundle import Manifest

LICENCE = "LICENCE.txt"  # in a bundle
_LOCK = ".install.lock"
# What has no place of its own any more, or not yet: unpacked, replaced (`move_bundle`), removed.
_PASSING = re.compile(r"\.(.+)\.(staged|replaced|removed)-[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model on this computer: opened, or the sentence that says why it cannot be."""

    name: str
    folder: Path
    shipped: bool
    bundle: Bundle | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Arriving:
    """So many bytes of a model are here; `total` is exact once the sizes of all its files are known."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Checking:
    """All files are here; now every byte is compared and both towers are started."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The model is in its place."""

    bundle: Bundle


InstallEvent = Arriving | Checking | Installed


@dataclass(frozen=True, slots=True)
class InstalledModels:
    """Finds, checks and removes models. `folder` need not exist; `shipped` is the model that is always there."""

    folder: Path
    shipped: Path

    @property
    def _shipped_name(self) -> str:
        return _look(self.shipped, shipped=True).name

    def all(self) -> list[InstalledModel]:
        """The shipped one first, the others by name; broken ones too."""
        others = [_look(path, shipped=False) for path in self._folders() if path != self.shipped]
        return [_look(self.shipped, shipped=True), *others]

    def find(self, name: str) -> Bundle:
        """The model of this name, opened.

        Raises:
            RequestError: there is none on this computer.
            BundleError: it is incomplete or changed.
        """
        return open_bundle(self.folder_of(name))

    def folder_of(self, name: str) -> Path:
        """Where the model of this name lies; RequestError where there is none."""
        if name == self._shipped_name:
            return self.shipped
        if MODEL_NAME.fullmatch(name):
            folder = self.folder / name
            if not folder.is_dir() and self._is_passing(name):
                with suppress(BusyError, StorageError), self.lock():
                    pass  # the lock brings back what a kill has left beside
            if folder.is_dir():
                close_tree(self.folder)
                return folder
        raise RequestError(
            f'The model "{name}" is not installed. Type: picsight models list, and picsight models install NAME'
        )

    def speaking(self, space: str) -> Bundle | None:
        """A sound model that puts words into this space, None where there is none."""
        for model in self.all():
            manifest = None if model.bundle is None else model.bundle.manifest
            if manifest is not None and manifest.text is not None and manifest.space_id == space:
                return model.bundle
        return None

    def verify(self, name: str) -> Bundle:
        """Reads every byte of a model and starts its towers.

        Raises:
            RequestError: there is no such model.
            BundleError: the first thing that is wrong with it.
        """
        # onnxruntime, Pillow: 300 ms that a search does not pay
        from picsight_engine.runtime.self_test import try_towers

        bundle = open_bundle(self.folder_of(name), hashes=True)
        try_towers(bundle)
        return bundle

    def require_removable(self, name: str) -> None:
        """RequestError unless there is a model of this name, or what a broken-off installation left, and it may go."""
        if not (MODEL_NAME.fullmatch(name) and self.incoming(name).exists()) and (
            self.folder_of(name) == self.shipped
        ):
            raise RequestError(f'The model "{name}" comes with Picsight and stays.')

    def remove(self, name: str) -> None:
        """Deletes a model, and what a broken-off installation of it left.

        Raises:
            RequestError: there is none, or it comes with Picsight.
            BusyError: another process installs or removes a model.
            StorageError: the disk refused.
        """
        self.require_removable(name)
        with self.lock():
            try:
                for folder in (self.incoming(name), self.folder / name):
                    _take_away(folder)
            except OSError as fault:
                raise StorageError(
                    f"{self.folder / name} cannot be removed ({fault.strerror}); check its permissions."
                ) from fault

    def incoming(self, name: str) -> Path:
        """Where the files of a model gather until it is whole."""
        return self.folder / f".{name}.incoming"

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """A fresh folder in which a model is put together; gone afterwards, unless it was moved. Held under `lock`."""
        folder = self.folder / f".{name}.staged-{os.urandom(4).hex()}"
        try:
            make_private_folder(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def place(self, staging: Path, manifest: Manifest) -> Bundle:
        """Checks what lies in `staging`, lets it work once, and makes it one of the installed models in one step.

        Raises:
            BundleError: it is not what its manifest says, or has the name of another model; nothing was replaced.
        """
        from picsight_engine.runtime.self_test import try_towers  # as in `verify`

        self.require_name(manifest.name)
        try:
            staged = seal_bundle(staging, manifest)
            make_private(staging / MANIFEST)
            try_towers(staged)
        except BundleError as fault:
            # the staging folder is nothing to a person, and gone before they could look
            reason = (
                str(fault).replace(f"{staging}{os.sep}", "").replace("install the model", "get the model")
            )
            raise BundleError(f'The model "{manifest.title}" was not installed. {reason}') from fault
        folder = self.folder / manifest.name
        move_bundle(staging, folder)
        return Bundle(folder, staged.manifest)

    def require_room(self, title: str, needed: int) -> None:
        """Whether so many bytes of a model have their place here; StorageError if not."""
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise StorageError(
                f'{self.folder} has {free:,} bytes free, "{title}" needs {needed:,}: make room there.'
            )

    def require_name(self, name: str) -> None:
        """Whether a model may be installed under this name; BundleError if not."""
        if not is_model_name(name):
            raise BundleError(
                f"A model cannot be called {name[:80]!r}: only up to 64 letters, digits, '.', '_' and '-' are allowed, "
                "no dot at its end, and none of the words that Windows keeps for itself."
            )
        if name.casefold() == self._shipped_name.casefold():
            raise BundleError(f'A model called "{name}" comes with Picsight; it cannot be replaced.')
        for other in (path.name for path in self._folders()):
            if other != name and other.casefold() == name.casefold():
                raise BundleError(
                    f'A model called "{other}" is installed, which many systems cannot tell from "{name}"; '
                    f"remove it first: picsight models remove {other}"
                )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while models come and go; BusyError where another process does so."""
        from filelock import FileLock, Timeout  # 35 ms, which a search does not pay

        try:
            make_private_folder(self.folder)
            close_tree(self.folder)
            lock = FileLock(self.folder / _LOCK, mode=FILE_MODE)
            lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(
                "Another Picsight is installing or removing a model right now; wait until it has finished."
            ) from None
        except OSError as fault:
            raise StorageError(
                f"{self.folder} cannot be written ({fault.strerror}); make room, or check its permissions."
            ) from fault
        try:
            self._tidy()
            yield
        finally:
            lock.release()

    def _is_passing(self, name: str) -> bool:
        return any(found[1] == name for found in map(_PASSING.fullmatch, self._hidden()) if found)

    def _tidy(self) -> None:
        """Finishes what a killed process has begun: a model that was to be replaced comes back, the rest goes."""
        for hidden in self._hidden():
            found = _PASSING.fullmatch(hidden)
            if found is None:
                continue
            folder, left = self.folder / found[1], self.folder / hidden
            if found[2] == "replaced" and not folder.exists():
                left.rename(folder)
            else:
                shutil.rmtree(left, ignore_errors=True)

    def _hidden(self) -> list[str]:
        try:
            return [path.name for path in self.folder.iterdir() if path.name.startswith(".")]
        except OSError:
            return []

    def _folders(self) -> list[Path]:
        try:
            entries = sorted(self.folder.iterdir())
        except OSError:  # nothing was installed yet, or nothing there may be read
            return []
        shipped = self._shipped_name
        fitting = [path for path in entries if MODEL_NAME.fullmatch(path.name) and path.name != shipped]
        return [path for path in fitting if path.is_dir()]


def _take_away(folder: Path) -> None:
    """Deletes a folder that nobody shall see half deleted; a link goes, what it leads to stays."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        gone = folder.with_name(f".{folder.name}.removed-{os.urandom(4).hex()}")
        folder.rename(gone)
        shutil.rmtree(gone)


def _look(folder: Path, *, shipped: bool) -> InstalledModel:
    try:
        bundle = open_bundle(folder)
    except BundleError as fault:
        return InstalledModel(folder.name, folder, shipped, None, str(fault))
    name = bundle.manifest.name if shipped else folder.name
    return InstalledModel(name, folder, shipped, bundle)
