"""The model that a library wants, and the one that answers searches until the wanted one has read every photo.

The user chooses a model by name. The next indexing reads the photos with it; searches keep using the active space until
every photo has a vector in the new one. Vectors of the old space stay, so switching back takes a second.
"""

from __future__ import annotations

import shlex
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import open_bundle, preprocessing_of, require_preprocessing
from picsight_engine.foundation.errors import (
    BundleError,
    ForeignFolderError,
    LibraryError,
    PicsightError,
    RequestError,
    StorageError,
    faults_as,
)
from picsight_engine.store.derived.vectors import active_space, enter_space
from picsight_engine.store.library_folder import choose_model, chosen_model
from picsight_engine.store.opening import open_database
from picsight_engine.store.overview.health import photos_awaiting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from picsight_engine.bundles.bundle import Bundle, Manifest
    from picsight_engine.installation.installed import InstalledModels
    from picsight_engine.store.derived.vectors import Space


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model that `answers` searches now, and the `wanted` one, which reads photos; they differ during a switch only.

    Of a model that was just chosen, `photos` must still be read before it answers.
    """

    answers: Bundle
    wanted: Bundle
    photos: int = 0


def choice_of(folder: Path, models: InstalledModels) -> ModelChoice:
    """The models of the library in `folder`, which need not exist.

    Raises:
        BundleError: the chosen model is gone, incomplete or changed.
        LibraryError: the library cannot be opened.
    """
    wanted, active = _wanted(folder, models), _active(folder)
    is_switching = active is not None and active.name != wanted.manifest.space_id
    before = models.with_text_tower(active.name) if active is not None and is_switching else None
    return ModelChoice(before or wanted, wanted)


def choice_for_searches(folder: Path, models: InstalledModels) -> ModelChoice:
    """As `choice_of`, but if the wanted model is gone, the one that answers takes its place; raises only if none can answer."""
    try:
        return choice_of(folder, models)
    except BundleError:
        space = _active(folder)
        before = None if space is None else models.with_text_tower(space.name)
        if before is None:
            raise
        return ModelChoice(before, before)


def answering_folder(folder: Path, models: InstalledModels) -> Path | None:
    """The folder of the model that answers searches in the library in `folder`; None if none can."""
    try:
        return choice_for_searches(folder, models).answers.folder
    except BundleError:
        return None


def use_model(folder: Path, name: str, models: InstalledModels) -> ModelChoice:
    """Chooses a model for the library; it answers at once if every photo has its vector.

    Raises:
        RequestError: it is not installed, or lacks a tower.
        BundleError: it is incomplete or changed, or preprocesses photos differently from the stored vectors of its space.
        LibraryError: the library cannot be opened, or holds other vectors in the model's space.
        StorageError: the disk is full, read-only or gone.
    """
    wanted = _able(models.find(name))
    try:
        db = open_database(folder, create=False)
    except RequestError:  # no library yet: the first indexing creates it with this model
        choose_model(folder, name)
        return ModelChoice(wanted, wanted)
    # One transaction, so that another process sees choice and space change together.
    with closing(db), db.writer() as connection:
        enter_space(connection, wanted.manifest)
        photos = photos_awaiting(db, wanted.manifest.space_id)
        choose_model(folder, name)
        if not photos:
            enter_space(connection, wanted.manifest, active=True)
    return replace(choice_of(folder, models), photos=photos)


def keep_text_tower(folders: Iterable[Path], models: InstalledModels) -> None:
    """Keeps what searches in these libraries need of the shipped model, so that they go on after an update that replaces it,
    and deletes what none needs any more. If the disk refuses, the next call tries again.
    """
    with suppress(PicsightError):
        active = [_active(folder) for folder in dict.fromkeys(folders)]
        models.keep_text_tower({space.name for space in active if space is not None})


def libraries_using(name: str, folders: Iterable[Path], models: InstalledModels) -> list[Path]:
    """The libraries that use the model of this name for reading or answering; skips those that cannot be opened."""
    using = []
    for folder in dict.fromkeys(folders):
        with suppress(LibraryError, StorageError):
            if name == chosen_model(folder) or answering_folder(folder, models) == models.folder / name:
                using.append(folder)
    return using


def require_replaceable(folders: Iterable[Path], manifest: Manifest, models: InstalledModels) -> None:
    """Checks that a model may be installed: it must not replace a model of its name that one of these libraries needs and
    that it cannot stand in for, and must not claim the space of a model with other preprocessing.

    Raises:
        BundleError: it claims the space of another model.
        RequestError: a library needs the installed model of its name.
    """
    name = manifest.name
    for other in models.all():
        if other.bundle is not None and other.bundle.manifest.space_id == manifest.space_id:
            require_preprocessing(manifest, preprocessing_of(other.bundle.manifest))
    try:
        present = models.find(name).manifest.space_id
    except (BundleError, RequestError):  # missing or damaged models may always be replaced
        return
    if present != manifest.space_id and (using := libraries_using(name, folders, models)):
        raise RequestError(
            'The library in {library} uses another model called "{name}", which would be replaced. Choose another '
            "one for it first: picsight --library {quoted} models use NAME",
            library=using[0],
            name=name,
            quoted=shlex.quote(str(using[0])),
        )


def _wanted(folder: Path, models: InstalledModels) -> Bundle:
    name = chosen_model(folder)
    if name is None:
        words = "{fault} This model comes with Picsight: install Picsight again, or choose another model."
        with faults_as(BundleError, BundleError, words):
            return open_bundle(models.shipped)
    try:
        return models.find(name)
    except RequestError as fault:
        raise BundleError(
            'The model "{name}" that this library uses is not on this computer any more. '
            "Install it again, or choose another one: picsight models use {other}",
            name=name,
            other=models.all()[0].name,
        ) from fault


def _able(bundle: Bundle) -> Bundle:
    """Checks for both towers: a library needs one for its photos and one for queries."""
    manifest = bundle.manifest
    for tower, what in ((manifest.image, "photos"), (manifest.text, "words")):
        if tower is None:
            raise RequestError(
                'The model "{title}" cannot read {what}; choose another one.', title=manifest.title, what=what
            )
    return bundle


def _active(folder: Path) -> Space | None:
    try:
        db = open_database(folder, create=False)
    except (RequestError, ForeignFolderError):
        return None
    with closing(db):
        return active_space(db)
