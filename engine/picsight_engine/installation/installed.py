"""The models on this computer: the one that comes with Picsight, and a folder of installed ones."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import MANIFEST, Bundle, move_bundle, open_bundle, seal_bundle
from picsight_engine.bundles.json_records import MODEL_NAME, is_model_name
from picsight_engine.bundles.shipped import in_earlier_space
from picsight_engine.bundles.writable_folder import locked, storage_errors
from picsight_engine.foundation.errors import (
    BundleError,
    BusyError,
    Message,
    RequestError,
    StorageError,
    faults_as,
)
from picsight_engine.foundation.private_files import close_tree, make_private, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from picsight_engine.bundles.bundle import Manifest

LICENCE = "LICENCE.txt"  # in a bundle
_LOCK = ".install.lock"
# Temporary folders: unpacked, replaced (`move_bundle`) and removed models.
_PASSING = re.compile(r"\.(.+)\.(staged|replaced|removed)-[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model on this computer: its bundle, or a message why it cannot be opened."""

    name: str
    folder: Path
    shipped: bool
    bundle: Bundle | None
    fault: Message | None = None


@dataclass(frozen=True, slots=True)
class InstallProgress:
    """The number of bytes of a model received so far; `total` is exact once the sizes of all files are known."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Checking:
    """All files have arrived; now every byte is checked and both towers are tried."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The model is in its place."""

    bundle: Bundle


InstallEvent = InstallProgress | Checking | Installed


@dataclass(frozen=True, slots=True)
class InstalledModels:
    """Finds, checks and removes models. `folder` need not exist; `shipped` is the model that comes with Picsight."""

    folder: Path
    shipped: Path

    @property
    def _shipped_name(self) -> str:
        return _open_model(self.shipped, shipped=True).name

    def all(self) -> list[InstalledModel]:
        """All models, including broken ones: the shipped one first, then the others by name."""
        others = [_open_model(path, shipped=False) for path in self._folders() if path != self.shipped]
        return [_open_model(self.shipped, shipped=True), *others]

    def find(self, name: str) -> Bundle:
        """The model of this name, opened; raises RequestError if it is not installed, BundleError if it is incomplete or changed."""
        return open_bundle(self.folder_of(name))

    def folder_of(self, name: str) -> Path:
        """The folder of the model of this name; RequestError if there is none."""
        if name == self._shipped_name:
            return self.shipped
        if MODEL_NAME.fullmatch(name):
            folder = self.folder / name
            if not folder.is_dir() and self._is_passing(name):
                with suppress(BusyError, StorageError), self.lock():
                    pass  # taking the lock restores a model that a killed process was replacing
            if folder.is_dir():
                close_tree(self.folder)
                return folder
        raise RequestError(
            'The model "{name}" is not installed. Type: picsight models list, and picsight models install NAME',
            name=name,
        )

    def with_text_tower(self, space: str) -> Bundle | None:
        """An intact model with a text tower for this space, or None: an installed one, what was kept of one that came with
        Picsight, or the present one if its text tower is the same.
        """
        models = self.all()
        for model in models:
            manifest = None if model.bundle is None else model.bundle.manifest
            if manifest is not None and manifest.text is not None and manifest.space_id == space:
                return model.bundle
        with suppress(BundleError):
            return open_bundle(self._kept(space))
        shipped = models[0].bundle
        return None if shipped is None else in_earlier_space(shipped, space)

    def keep_text_tower(self, spaces: Collection[str]) -> None:
        """Keeps the shipped model without its image tower if searches use its space, since an update may replace it; deletes
        what was kept of earlier ones, except for these spaces. Needs no lock.

        Raises:
            BundleError: the shipped model is incomplete or changed.
            StorageError: the files cannot be written, or another process has kept or deleted them meanwhile.
        """
        shipped = open_bundle(self.shipped).manifest
        kept, text = self._kept(shipped.space_id), shipped.text
        with storage_errors(self.folder):
            for path in self.folder.glob(self._kept("*").name):
                if path not in {kept, *map(self._kept, spaces)}:
                    _delete_folder(path)
            if text is None or shipped.space_id not in spaces or kept.exists():
                return
            parts = (text.graph, text.tokenizer)  # the graph with the weights beside it
            files = {name: record for name, record in shipped.files.items() if name.startswith(parts)}
            with self.staging(shipped.space_id) as staging:
                for name in files:  # no links: an update may write into the files that are there
                    shutil.copyfile(self.shipped / name, staging / name)
                seal_bundle(staging, replace(shipped, image=None, files=files))
                for path in staging.iterdir():
                    make_private(path)
                staging.rename(kept)

    def _kept(self, space: str) -> Path:
        return self.folder / f".{space}.kept"

    def verify(self, name: str) -> Bundle:
        """Checks every byte of a model and tries its towers; raises like `find`, and BundleError names the first fault."""
        # lazy: onnxruntime and Pillow take 300 ms
        from picsight_engine.runtime.self_test import try_towers

        bundle = open_bundle(self.folder_of(name), hashes=True)
        try_towers(bundle)
        return bundle

    def require_removable(self, name: str) -> None:
        """Raises RequestError unless a removable model of this name, or files of an unfinished installation, exist."""
        if not (MODEL_NAME.fullmatch(name) and self.incoming(name).exists()) and (
            self.folder_of(name) == self.shipped
        ):
            raise RequestError('The model "{name}" comes with Picsight and stays.', name=name)

    def remove(self, name: str) -> None:
        """Deletes a model, and files of an unfinished installation.

        Raises:
            RequestError: there is none, or it comes with Picsight.
            BusyError: another process is installing or removing a model.
            StorageError: the files cannot be deleted.
        """
        self.require_removable(name)
        with self.lock():
            words = "{path} cannot be removed ({reason}); check its permissions."
            with faults_as(OSError, StorageError, words, path=self.folder / name):
                for folder in (self.incoming(name), self.folder / name):
                    _delete_folder(folder)

    def incoming(self, name: str) -> Path:
        """The folder for a model's files until it is complete."""
        return self.folder / f".{name}.incoming"

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """A new folder in which to assemble a model; deleted afterwards unless it was moved, and by another process with the
        `lock`.
        """
        folder = self.folder / f".{name}.staged-{os.urandom(4).hex()}"
        try:
            make_private_folder(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def place(self, staging: Path, manifest: Manifest) -> Bundle:
        """Checks the model in `staging`, tries its towers, and installs it atomically.

        Raises:
            BundleError: it does not match its manifest, or has the name of another model; nothing was replaced.
        """
        from picsight_engine.runtime.self_test import try_towers  # as in `verify`

        self.require_name(manifest.name)
        try:
            staged = seal_bundle(staging, manifest)
            make_private(staging / MANIFEST)
            try_towers(staged)
        except BundleError as fault:
            # the message must not name the staging folder, which is deleted at once
            reason = renamed(fault.message, f"{staging}{os.sep}", "")
            raise BundleError(
                'The model "{title}" was not installed. {reason}', title=manifest.title, reason=reason
            ) from fault
        folder = self.folder / manifest.name
        move_bundle(staging, folder)
        return Bundle(folder, staged.manifest)

    def require_room(self, title: str, needed: int) -> None:
        """Raises StorageError if there is no space for `needed` bytes of a model."""
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise StorageError(
                '{folder} has {free:,} bytes free, "{title}" needs {needed:,}: make room there.',
                folder=self.folder,
                free=free,
                title=title,
                needed=needed,
            )

    def require_name(self, name: str) -> None:
        """Raises BundleError if no model may be installed under this name."""
        if not is_model_name(name):
            raise BundleError(
                "A model cannot be called {name!r}: only up to 64 letters, digits, '.', '_' and '-' are allowed, "
                "no dot at its end, and none of the words that Windows keeps for itself.",
                name=name[:80],
            )
        if name.casefold() == self._shipped_name.casefold():
            raise BundleError(
                'A model called "{name}" comes with Picsight; it cannot be replaced.', name=name
            )
        for other in (path.name for path in self._folders()):
            if other != name and other.casefold() == name.casefold():
                raise BundleError(
                    'A model called "{other}" is installed, which many systems cannot tell from "{name}"; '
                    "remove it first: picsight models remove {other}",
                    other=other,
                    name=name,
                )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """The lock for installing and removing models; BusyError if another process holds it."""
        with storage_errors(self.folder):
            make_private_folder(self.folder)
            close_tree(self.folder)
        busy = "Another Picsight is installing or removing a model right now; wait until it has finished."
        with locked(self.folder / _LOCK, Message(busy)):
            self._clean_up()
            yield

    def _is_passing(self, name: str) -> bool:
        return any(found[1] == name for path in self._paths() if (found := _PASSING.fullmatch(path.name)))

    def _clean_up(self) -> None:
        """Cleans up after a killed process: restores a model that was being replaced, deletes the rest."""
        for left in self._paths():
            if found := _PASSING.fullmatch(left.name):
                folder = self.folder / found[1]
                if found[2] == "replaced" and not folder.exists():
                    left.rename(folder)
                else:
                    shutil.rmtree(left, ignore_errors=True)

    def _folders(self) -> list[Path]:
        """The folders of models beside the shipped one."""
        shipped = self._shipped_name
        fitting = [path for path in self._paths() if MODEL_NAME.fullmatch(path.name) and path.name != shipped]
        return [path for path in fitting if path.is_dir()]

    def _paths(self) -> list[Path]:
        """Everything in the folder, by name."""
        try:
            return sorted(self.folder.iterdir())
        except OSError:  # no model is installed yet, or the folder is unreadable
            return []


def _delete_folder(folder: Path) -> None:
    """Deletes a folder so that it never appears half deleted; of a link, only the link is deleted."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        gone = folder.with_name(f".{folder.name}.removed-{os.urandom(4).hex()}")
        folder.rename(gone)
        shutil.rmtree(gone)


def _open_model(folder: Path, *, shipped: bool) -> InstalledModel:
    try:
        bundle = open_bundle(folder)
    except BundleError as fault:
        return InstalledModel(folder.name, folder, shipped, None, fault.message)
    name = bundle.manifest.name if shipped else folder.name
    return InstalledModel(name, folder, shipped, bundle)


def renamed(message: Message, path: str, name: str) -> Message:
    """The message with a name instead of a path in its values."""
    values = dict(message.values)
    for key, value in values.items():
        if isinstance(value, str):
            values[key] = value.replace(path, name)
        elif isinstance(value, Message):
            values[key] = renamed(value, path, name)
    return Message(message.template, **values)
