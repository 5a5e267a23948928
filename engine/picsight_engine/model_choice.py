"""Which model a library wants, and which one answers until every photo was read by that.

A person chooses a model by name. The next indexing reads the photos with it; searches stay with the space that is
active until no photo lacks a vector of the new one. Vectors of the old space stay, so going back is a matter of a second.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.models.bundle import open_bundle
from picsight_engine.store.choice import choose_model, chosen_model
from picsight_engine.store.database import Database
from picsight_engine.store.health import photos_awaiting
from picsight_engine.store.vectors import activate_space, active_space

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.models.bundle import Bundle
    from picsight_engine.models.installed import InstalledModels
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
        RequestError: the chosen model is not installed.
        BundleError: it is incomplete or changed.
        LibraryError: the library cannot be opened.
    """
    name = chosen_model(folder)
    wanted = open_bundle(models.shipped) if name is None else models.find(name)
    return ModelChoice(_answering(wanted, _active(folder), models), wanted)


def use_model(folder: Path, name: str, models: InstalledModels) -> Switch:
    """Chooses a model for the library; it answers at once where every photo has its vector.

    Raises:
        RequestError: it is not installed, or has no tower for photos.
        BundleError: it is incomplete or changed.
        LibraryError: the library cannot be opened.
        StorageError: the disk refused.
    """
    wanted = models.find(name)
    manifest = wanted.manifest
    if manifest.image is None:
        raise RequestError(f'The model "{manifest.title}" cannot read photos; choose another one.')
    try:
        db = Database.open(folder, create=False)
    except RequestError:  # no library yet: the first indexing makes it with this model
        choose_model(folder, name)
        return Switch(ModelChoice(wanted, wanted), 0)
    with closing(db):
        choose_model(folder, name)
        photos = photos_awaiting(db, manifest.space_id)
        if not photos:
            with db.writer() as connection:
                activate_space(connection, manifest.space_id, manifest.dim)
    return Switch(choice_of(folder, models), photos)


def _answering(wanted: Bundle, space: Space | None, models: InstalledModels) -> Bundle:
    """The wanted model, unless another one's space is active and that model is still there."""
    if space is None or space.name == wanted.manifest.space_id:
        return wanted
    return models.speaking(space.name) or wanted


def _active(folder: Path) -> Space | None:
    try:
        db = Database.open(folder, create=False)
    except RequestError:
        return None
    with closing(db):
        return active_space(db)
