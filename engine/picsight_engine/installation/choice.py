"""Which model a library wants, and which one answers until every photo was read by that.

A person chooses a model by name. The next indexing reads the photos with it; searches stay with the space that is
active until no photo lacks a vector of the new one. Vectors of the old space stay, so going back is a matter of a second.
"""

from __future__ import annotations

import shlex
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.errors import BundleError, BusyError, LibraryError, RequestError, StorageError
from picsight_engine.installation.users import User
from picsight_engine.models.bundle import open_bundle, preprocessing_of, require_preprocessing
from picsight_engine.store.choice import choose_model, chosen_model
from picsight_engine.store.database import Database
from picsight_engine.store.health import photos_awaiting
from picsight_engine.store.vectors import active_space
from picsight_engine.vectors.spaces import enter_space

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from picsight_engine.installation.installed import InstalledModels
    from picsight_engine.installation.users import Presence
    from picsight_engine.models.bundle import Bundle, Manifest
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
        BusyError: another process chooses or removes a model, and does not come to an end.
    """
    with ExitStack() as stack:
        try:
            db = stack.enter_context(closing(Database.open(folder, create=False)))
        except RequestError:  # no library yet: the first indexing makes it with this model
            db = None
        # One transaction: an indexing elsewhere sees choice and space change together; and nobody removes the model meanwhile.
        connection = None if db is None else stack.enter_context(db.writer())
        stack.enter_context(models.users.held())
        wanted = _able(models.find(name))
        if db is None or connection is None:
            choose_model(folder, name)
            _note(folder, (wanted,), models)
            return Switch(ModelChoice(wanted, wanted), 0)
        manifest = wanted.manifest
        enter_space(connection, manifest)
        photos = photos_awaiting(db, manifest.space_id)
        choose_model(folder, name)
        _note(folder, (wanted, _answering(wanted, active_space(db), models)), models)
        if not photos:
            enter_space(connection, manifest, active=True)
    return Switch(choice_of(folder, models), photos)


def note_use(folder: Path, choice: ModelChoice, models: InstalledModels) -> None:
    """Enters a library among those that use models, for one that chose its model before they were noted.

    A moment in which others hold the note is let pass: the next indexing enters the library, too.
    """
    names = _installed((choice.wanted, choice.answers), models)
    if any(user.is_at(folder) and user.models == names for user in models.users.all()):
        return
    with suppress(BusyError), models.users.held():
        models.users.note(folder, names)


def remove_model(folder: Path, name: str, models: InstalledModels) -> None:
    """Deletes a model, and what a broken-off installation of it left, unless a library needs it: the one in `folder`, or
    another one of this computer. One that cannot be reached needs what it was seen to use, unless it is the one named.

    Raises:
        RequestError: there is none, it comes with Picsight, or a library needs it.
        LibraryError: the library cannot be opened.
        StorageError: the disk refused.
        BusyError: another process installs or removes a model.
    """
    with _held(folder):
        shipped = models.all()[0].name  # that one stays in any case, which `remove` says
        if name == chosen_model(folder) and name != shipped:
            raise RequestError(
                f'The library uses the model "{name}". Choose another one first: picsight models use NAME'
            )
        if _answers(folder, name, models):
            raise RequestError(
                f'The model "{name}" answers searches until the next one has read every photo. '
                "Type: picsight index, and remove it then."
            )
        with models.users.held():
            if name != shipped:
                _require_no_other(folder, name, models)
            models.remove(name)


def require_replaceable(folder: Path, manifest: Manifest, models: InstalledModels) -> None:
    """Whether a model may take the place of the one that has its name: not if a library needs that one and could not be
    searched by this one. And whether it may stand beside the others: not if it claims the space of one that preprocesses
    photos otherwise.

    Raises:
        BundleError: it claims the space of another model.
        RequestError: a library needs the model of its name.
        LibraryError: the library cannot be opened.
    """
    name = manifest.name
    for other in models.all():
        if other.bundle is not None and other.bundle.manifest.space_id == manifest.space_id:
            require_preprocessing(manifest, preprocessing_of(other.bundle.manifest))
    try:
        present = models.find(name).manifest.space_id
    except (BundleError, RequestError):  # gone or damaged: it can only get better
        return
    if present == manifest.space_id:
        return
    if _uses(folder, name, models):
        raise RequestError(
            f'The library uses another model called "{name}", which would be replaced. '
            "Choose another one first: picsight models use NAME"
        )
    with models.users.held():
        _require_no_other(folder, name, models)


def _require_no_other(folder: Path, name: str, models: InstalledModels) -> None:
    """RequestError that names another library that needs a model; forgets those that are gone or need none any more."""
    kept = []
    for user in models.users.all():
        presence = user.presence()
        if presence == "gone" or (presence == "away" and user.is_at(folder)):
            continue
        needed = user.models if presence == "away" else _still_needed(user, name, models)
        if name in needed and not user.is_at(folder):
            raise RequestError(_needed(user, name, presence))
        if needed:
            kept.append(User(user.folder, needed))
    models.users.keep(kept)


def _still_needed(user: User, name: str, models: InstalledModels) -> frozenset[str]:
    """Which of the models that a library was seen to use, and of `name`, it uses now; as seen where it does not say."""
    try:
        return frozenset(each for each in user.models | {name} if _uses(user.folder, each, models))
    except (LibraryError, StorageError):
        return user.models


def _needed(user: User, name: str, presence: Presence) -> str:
    library = f"picsight --library {shlex.quote(str(user.folder))}"
    if presence == "here":
        return (
            f'The library in {user.folder} uses the model "{name}". '
            f"Choose another one for it first: {library} models use NAME"
        )
    return (
        f'The library in {user.folder} uses the model "{name}", and cannot be reached now. Connect its disk and choose '
        f"another model for it. If the library is gone for good, type: {library} models remove {name}"
    )


def _note(folder: Path, used: Iterable[Bundle], models: InstalledModels) -> None:
    models.users.note(folder, _installed(used, models))


def _installed(used: Iterable[Bundle], models: InstalledModels) -> frozenset[str]:
    """The names of these models, but for the one that comes with Picsight."""
    return frozenset(bundle.folder.name for bundle in used if bundle.folder != models.shipped)


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


def _uses(folder: Path, name: str, models: InstalledModels) -> bool:
    return name == chosen_model(folder) or _answers(folder, name, models)


def _answers(folder: Path, name: str, models: InstalledModels) -> bool:
    """Whether searches in the library are answered by the model of this name."""
    try:
        return answering_model(folder, models).folder == models.folder / name
    except BundleError:
        return False


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Nobody chooses a model for the library meanwhile."""
    try:
        db = Database.open(folder, create=False)
    except RequestError:
        yield
        return
    with closing(db), nullcontext() if db.read_only else db.writer():
        yield


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
