"""The models on this computer: the one that comes with Picsight, and a folder of those that a person installed."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.errors import BundleError, BusyError, RequestError, StorageError
from picsight_engine.models.backend import load_image_encoder, load_text_encoder
from picsight_engine.models.bundle import Bundle, move_bundle, open_bundle, seal_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.models.bundle import Manifest

_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOCK = ".install.lock"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model on this computer: opened, or the sentence that says why it cannot be."""

    name: str
    folder: Path
    shipped: bool
    bundle: Bundle | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class InstalledModels:
    """Finds, checks and removes models. `folder` need not exist; `shipped` is the model that is always there."""

    folder: Path
    shipped: Path

    def all(self) -> list[InstalledModel]:
        """The shipped one first, the others by name; broken ones too."""
        folders = [path for path in self._folders() if path != self.shipped]
        shipped = _look(self.shipped, shipped=True)
        return [shipped, *(_look(path, shipped=False) for path in folders)]

    def find(self, name: str) -> Bundle:
        """The model of this name, opened.

        Raises:
            RequestError: there is none on this computer.
            BundleError: it is incomplete or changed.
        """
        return open_bundle(self.folder_of(name))

    def folder_of(self, name: str) -> Path:
        """Where the model of this name lies; RequestError where there is none."""
        if _NAME.fullmatch(name) and (self.folder / name).is_dir():
            return self.folder / name
        if name == _look(self.shipped, shipped=True).name:
            return self.shipped
        raise RequestError(
            f'The model "{name}" is not installed. Type: picsight models list, and picsight models install NAME'
        )

    def speaking(self, space: str) -> Bundle | None:
        """A sound model whose vectors belong to this space, None where there is none."""
        for model in self.all():
            if model.bundle is not None and model.bundle.manifest.space_id == space:
                return model.bundle
        return None

    def verify(self, name: str) -> Bundle:
        """Reads every byte of a model and starts its towers.

        Raises:
            RequestError: there is no such model.
            BundleError: the first thing that is wrong with it.
        """
        bundle = open_bundle(self.folder_of(name), hashes=True)
        start_towers(bundle)
        return bundle

    def remove(self, name: str) -> None:
        """Deletes a model, and what a broken-off installation of it left.

        Raises:
            RequestError: there is none, or it comes with Picsight.
            StorageError: the disk refused.
        """
        leftover = self.incoming(name) if _NAME.fullmatch(name) else None
        if leftover is None or not leftover.exists():
            folder = self.folder_of(name)
            if folder == self.shipped:
                raise RequestError(f'The model "{name}" comes with Picsight and stays.')
        with self.lock():
            try:
                for folder in filter(None, (leftover, self.folder / name)):
                    if folder.exists():
                        shutil.rmtree(folder)
            except OSError as fault:
                raise StorageError(f"{self.folder / name} cannot be removed ({fault.strerror}).") from fault

    def incoming(self, name: str) -> Path:
        """Where the files of a model gather until it is whole."""
        return self.folder / f".{name}.incoming"

    def place(self, staging: Path, manifest: Manifest) -> Bundle:
        """Checks what lies in `staging`, starts its towers, and makes it one of the installed models in one step.

        Raises:
            BundleError: it is not what its manifest says, or has the name of the shipped model; nothing was replaced.
        """
        self.require_name(manifest.name)
        staged = seal_bundle(staging, manifest)
        start_towers(staged)
        folder = self.folder / manifest.name
        move_bundle(staging, folder)
        return Bundle(folder, staged.manifest)

    def require_name(self, name: str) -> None:
        """Whether a model may be installed under this name; BundleError if not."""
        if not _NAME.fullmatch(name):
            raise BundleError(
                f"A model cannot be called {name!r}: only letters, digits, '.', '_' and '-' are allowed."
            )
        if name == _look(self.shipped, shipped=True).name:
            raise BundleError(f'A model called "{name}" comes with Picsight; it cannot be replaced.')

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while models come and go; BusyError where another process does so."""
        from filelock import FileLock, Timeout  # 35 ms, which a search does not pay

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / _LOCK)
            lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(
                "Another Picsight is installing or removing a model right now; wait until it has finished."
            ) from None
        except OSError as fault:
            raise StorageError(f"{self.folder} cannot be written ({fault.strerror}).") from fault
        try:
            yield
        finally:
            lock.release()

    def _folders(self) -> list[Path]:
        try:
            entries = sorted(self.folder.iterdir())
        except (
            OSError
        ):  # nothing was installed yet, or it may not be read: then nothing can be used from there
            return []
        return [path for path in entries if _NAME.fullmatch(path.name) and path.is_dir()]


def start_towers(bundle: Bundle) -> None:
    """Loads both towers once: what the graphs take and give is compared with the manifest.

    Raises:
        BundleError: a tower cannot be loaded or does not fit.
    """
    if bundle.manifest.image is not None:
        load_image_encoder(bundle)
    if bundle.manifest.text is not None:
        load_text_encoder(bundle)


def _look(folder: Path, *, shipped: bool) -> InstalledModel:
    try:
        bundle = open_bundle(folder)
    except BundleError as fault:
        return InstalledModel(folder.name, folder, shipped, None, str(fault))
    name = bundle.manifest.name if shipped else folder.name
    return InstalledModel(name, folder, shipped, bundle)
