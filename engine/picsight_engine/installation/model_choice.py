"""Which model a library wants, and which one answers until every photo was read by that.

A person chooses a model by name. The next indexing reads the photos with it; searches stay with the space that is
active until no photo lacks a vector of the new one. Vectors of the old space stay, so going back is a matter of a second.
"""

from __future__ import annotations

import shlex
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import open_bundle, preprocessing_of, require_preprocessing
from picsight_engine.errors import BundleError, LibraryError, RequestError, StorageError
from picsight_engine.store.health import photos_awaiting
from picsight_engine.store.library_folder import choose_model, chosen_model
from picsight_engine.store.opening import open_database
from picsight_engine.store.vectors import active_space, enter_space

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from picsight_engine.bundles.bundle import Bundle, Manifest
    from picsight_engine.installation.installed import InstalledModels
    from picsight_engine.store.vectors import Space


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """`answers` searches now, `wanted` reads photos; the same model but for the time between."""

    answers: Bundle
    wanted: Bundle


@dataclass(frozen=True, slots=True)
class Switch:
    """What choosing a model brought: so many `photos` are to be read before `choice.wanted` answers."""

    choice: ModelChoice
    photos: int


def choice_of(folder: Path, models: InstalledModels) -> ModelChoice:
    """The models of the library in `folder`, which need not exist.

    Raises:
        BundleError: the chosen model is gone, incomplete or changed.
        LibraryError: the library cannot be opened.
    """
    wanted = _wanted(folder, models)
    return ModelChoice(_answering(wanted, _active(folder), models), wanted)


def answering_model(folder: Path, models: InstalledModels) -> Bundle:
    """The model that answers searches in the library in `folder`, also where the one chosen to follow it is gone.

    Raises:
        BundleError: none can answer, for the chosen model is gone, incomplete or changed.
        LibraryError: the library cannot be opened.
    """
    try:
        return choice_of(folder, models).answers
    except BundleError:
        space = _active(folder)
        before = None if space is None else models.speaking(space.name)
        if before is None:
            raise
        return before


def use_model(folder: Path, name: str, models: InstalledModels) -> Switch:
    """Chooses a model for the library; it answers at once where every photo has its vector.

    Raises:
        RequestError: it is not installed, or lacks a tower.
        BundleError: it is incomplete or changed, or preprocesses photos otherwise than the space does that it claims.
        LibraryError: the library cannot be opened, or holds other vectors under the model's space.
        StorageError: the disk refused.
    """
    wanted = _able(models.find(name))
    try:
        db = open_database(folder, create=False)
    except RequestError:  # no library yet: the first indexing makes it with this model
        choose_model(folder, name)
        return Switch(ModelChoice(wanted, wanted), 0)
    # One transaction: an indexing elsewhere sees choice and space change together.
    with closing(db), db.writer() as connection:
        enter_space(connection, wanted.manifest)
        photos = photos_awaiting(db, wanted.manifest.space_id)
        choose_model(folder, name)
        if not photos:
            enter_space(connection, wanted.manifest, active=True)
    return Switch(choice_of(folder, models), photos)


def libraries_using(name: str, folders: Iterable[Path], models: InstalledModels) -> list[Path]:
    """Which of these libraries the model of this name reads or answers; one that cannot be opened is left out."""
    using = []
    for folder in dict.fromkeys(folders):
        with suppress(LibraryError, StorageError):
            if name == chosen_model(folder) or _answers(folder, name, models):
                using.append(folder)
    return using


def require_replaceable(folders: Iterable[Path], manifest: Manifest, models: InstalledModels) -> None:
    """Whether a model may take the place of the one that has its name: not if one of these libraries needs that one and
    could not be searched by this one. And whether it may stand beside the others: not if it claims the space of one that
    preprocesses photos otherwise.

    Raises:
        BundleError: it claims the space of another model.
        RequestError: a library needs the model of its name.
    """
    name = manifest.name
    for other in models.all():
        if other.bundle is not None and other.bundle.manifest.space_id == manifest.space_id:
            require_preprocessing(manifest, preprocessing_of(other.bundle.manifest))
    try:
        present = models.find(name).manifest.space_id
    except (BundleError, RequestError):  # gone or damaged: it can only get better
        return
    if present != manifest.space_id and (using := libraries_using(name, folders, models)):
        raise RequestError(
            f'The library in {using[0]} uses another model called "{name}", which would be replaced. Choose another '
            f"one for it first: picsight --library {shlex.quote(str(using[0]))} models use NAME"
        )


def _wanted(folder: Path, models: InstalledModels) -> Bundle:
    name = chosen_model(folder)
    if name is None:
        return open_bundle(models.shipped)
    try:
        return models.find(name)
    except RequestError as fault:
        raise BundleError(
            f'The model "{name}" that this library uses is not on this computer any more. '
            f"Install it again, or choose another one: picsight models use {models.all()[0].name}"
        ) from fault


def _able(bundle: Bundle) -> Bundle:
    """A library needs both towers: one reads its photos, the other what a person types."""
    manifest = bundle.manifest
    for tower, what in ((manifest.image, "photos"), (manifest.text, "words")):
        if tower is None:
            raise RequestError(f'The model "{manifest.title}" cannot read {what}; choose another one.')
    return bundle


def _answers(folder: Path, name: str, models: InstalledModels) -> bool:
    """Whether searches in the library are answered by the model of this name."""
    try:
        return answering_model(folder, models).folder == models.folder / name
    except BundleError:
        return False


def _answering(wanted: Bundle, space: Space | None, models: InstalledModels) -> Bundle:
    """The wanted model, unless another one's space is active and that model is still there."""
    if space is None or space.name == wanted.manifest.space_id:
        return wanted
    return models.speaking(space.name) or wanted


def _active(folder: Path) -> Space | None:
    try:
        db = open_database(folder, create=False)
    except RequestError:
        return None
    with closing(db):
        return active_space(db)
