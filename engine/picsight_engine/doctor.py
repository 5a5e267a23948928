"""Looks at a library and its model from outside, mends what can be made again, and tells the rest in sentences.

The vectors' cache and the thumbnails are rebuilt or emptied when they are wrong, unusable vectors are removed so that
the next indexing makes them again. A library that is damaged itself is left exactly as it is.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from picsight_engine.errors import BundleError, LibraryError, PicsightError, RequestError, StorageError
from picsight_engine.models.agreement import Machine, candidates, examine, holds_package, needs_examination
from picsight_engine.models.bundle import Bundle, open_bundle
from picsight_engine.models.choice import choose_image_backend
from picsight_engine.search.searcher import CACHE_FOLDER
from picsight_engine.store import health
from picsight_engine.store import thumbnails as thumbnail_files
from picsight_engine.store.choice import chosen_model
from picsight_engine.store.database import Database, index_lock
from picsight_engine.store.folders import all_folders, file_path
from picsight_engine.store.photos import files_of, forget_missing, mark_missing
from picsight_engine.store.thumbnails import Thumbnails
from picsight_engine.store.vectors import Space, active_space
from picsight_engine.vectors.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from picsight_engine.store.folders import Folder


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `ok` once it is in order, `repaired` if it was not before."""

    name: str
    ok: bool
    message: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class _Library:
    """A sound library under examination; `bundle` is None where the model is not in order."""

    folder: Path
    db: Database
    bundle: Bundle | None


def doctor_folder(folder: Path, bundle_folder: Path, *, forget: bool = False) -> list[Check]:
    """Examines the library in `folder` and the model in `bundle_folder`; never raises for what it finds.

    With `forget` the photos whose files are gone are forgotten at once, their vectors and thumbnails too.
    """
    bundle, model = _examine_model(bundle_folder)
    checks = [model]
    machine = Machine.this()
    if bundle is not None and (holds_package(bundle) or candidates(bundle, machine)):
        checks.append(_guarded("backend", partial(_examine_backend, bundle, machine)))
    checks.append(_guarded("folder", partial(_examine_folder, folder)))
    try:
        chosen_model(folder)
    except LibraryError as fault:
        checks.append(_failed("choice of model", fault))
    try:
        db = Database.open(folder, create=False)
    except RequestError:
        return [*checks, Check("library", ok=True, message=f"There is no library in {folder} yet.")]
    except (PicsightError, OSError) as fault:
        return [*checks, _failed("library", fault)]
    with closing(db):
        checks.append(_guarded("library", partial(_examine_database, db)))
        if checks[-1].ok:  # nothing is written into a damaged library
            checks += _examine_content(_Library(folder, db, bundle), forget=forget)
    return checks


def _examine_content(library: _Library, *, forget: bool) -> list[Check]:
    examinations: list[tuple[str, Callable[[_Library], Check]]] = [
        ("folders", _examine_folders),
        ("vectors", _examine_vectors),
        ("photos", _examine_photos),
        ("search cache", _examine_cache),
        ("thumbnails", _examine_thumbnails),
    ]
    if forget:
        examinations.insert(0, ("forget", _forget))
    return [_guarded(name, partial(examine, library)) for name, examine in examinations]


def _guarded(name: str, examine: Callable[[], Check]) -> Check:
    """A check that cannot be finished has failed, with the reason; the others go on."""
    try:
        return examine()
    except (PicsightError, OSError) as fault:
        return _failed(name, fault)


def _failed(name: str, fault: Exception) -> Check:
    return Check(name, ok=False, message=str(fault))


def _examine_model(folder: Path) -> tuple[Bundle | None, Check]:
    """Every byte of the bundle, and whether its towers work."""
    from picsight_engine.models.trial import try_towers  # Pillow, onnxruntime: 300 ms

    try:
        bundle = open_bundle(folder, hashes=True)
        try_towers(bundle)
    except BundleError as fault:
        return None, _failed("model", fault)
    title = bundle.manifest.title
    return bundle, Check("model", ok=True, message=f'The model "{title}" is complete and unchanged.')


def _examine_backend(bundle: Bundle, machine: Machine) -> Check:
    """What reads photos, and why; Core ML is compared first where that was not done under this system."""
    if needs_examination(bundle, machine):
        examine(bundle, machine)
    return Check("backend", ok=True, message=choose_image_backend(bundle, machine).sentence)


def _examine_folder(folder: Path) -> Check:
    """Whether the library's folder, or the first one above it that exists, can be written."""
    existing = next((each for each in (folder, *folder.absolute().parents) if each.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Check("folder", ok=True, message=f"The library folder {folder} can be written.")
    except OSError as fault:
        raise StorageError(
            f"The library folder {folder} cannot be written ({fault.strerror}): searching works, indexing does not. "
            "Check its permissions and its disk."
        ) from fault


def _examine_database(db: Database) -> Check:
    """SQLite's own look at every page, and at rows that refer to others."""
    faults = health.damage(db)
    if faults:
        raise LibraryError(
            f"{db.path} is damaged ({faults[0]}). Nothing was changed; restore it from a backup, "
            "or move it away and index the folders again."
        )
    broken = health.broken_references(db)
    if broken:
        raise LibraryError(
            f"{db.path} contradicts itself in {_count(broken, 'place')}. Nothing was changed; restore it from a "
            "backup, or move it away and index the folders again."
        )
    return Check("library", ok=True, message=f"{db.path} is sound.")


def _forget(library: _Library) -> Check:
    """Forgets what is gone, a person having said so: also what indexing kept because a folder was suddenly emptier."""
    with index_lock(library.folder):
        gone = [file for folder in all_folders(library.db) for file in _gone_from(library.db, folder)]
        with library.db.writer() as connection:
            mark_missing(connection, gone, time.time())
            forgotten = forget_missing(connection, older_than=math.inf)
        with closing(Thumbnails.open(library.folder)) as thumbnails:
            thumbnails.delete(forgotten)
        space = active_space(library.db)
        if forgotten and space is not None:
            with closing(_open_matrix(library, space)) as matrix:
                matrix.rebuild()  # a buried row would keep the vector's bytes
    return Check("forget", ok=True, message=f"{_count(len(forgotten), 'photo')} of missing files forgotten.")


def _gone_from(db: Database, folder: Folder) -> list[int]:
    """The files of a folder that are certainly not there; none where the folder shows nothing at all, as the place
    of a disk that is not connected does.
    """
    try:
        with os.scandir(folder.path) as entries:
            if next(entries, None) is None:
                return []
    except OSError:
        return []
    return [file.id for file in files_of(db, folder.id) if file.present and _is_gone(folder, file.name)]


def _is_gone(folder: Folder, name: bytes) -> bool:
    try:
        file_path(folder.path, name).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # it cannot be seen, which is another thing
        return False
    return False


def _examine_folders(library: _Library) -> Check:
    """A folder that is not there is no fault: its disk may be in a drawer."""
    folders = all_folders(library.db)
    away = [
        str(folder.path)
        for folder in folders
        if not folder.path.is_dir() or not os.access(folder.path, os.R_OK | os.X_OK)
    ]
    if away:
        return Check(
            "folders",
            ok=True,
            message=f"Not connected or not readable, kept as they were: {', '.join(away)}.",
        )
    return Check("folders", ok=True, message=f"{_count(len(folders), 'folder')} can be read.")


def _examine_vectors(library: _Library) -> Check:
    """Vectors of a wrong length are of no use to anybody."""
    misshapen = health.misshapen_vectors(library.db)
    if misshapen:
        removed = health.delete_misshapen_vectors(library.db)
        return Check(
            "vectors",
            ok=True,
            message=f"{_count(removed, 'vector')} of a wrong length removed; index the folders again.",
            repaired=True,
        )
    return Check("vectors", ok=True, message="Every vector has its right length.")


def _examine_photos(library: _Library) -> Check:
    """Whether every visible photo can be found by a search."""
    counts = health.counts(library.db)
    space = active_space(library.db)
    name = library.bundle.manifest.space_id if library.bundle else space.name if space else ""
    lacking = len(health.photos_without_vector(library.db, name))
    holds = f"{_count(counts.photos, 'photo')} in {_count(counts.files, 'file')}, {_count(counts.problems, 'problem')}"
    if lacking:
        return Check(
            "photos",
            ok=False,
            message=f"{holds}; {_count(lacking, 'photo')} cannot be found by a search: index the folders again.",
        )
    return Check("photos", ok=True, message=f"{holds}; every photo can be found by a search.")


def _examine_cache(library: _Library) -> Check:
    """Whether what a search scans equals what the library holds."""
    space = active_space(library.db)
    if space is None:
        return Check("search cache", ok=True, message="There are no vectors to search yet.")
    before = _cache_files(library)
    with closing(_open_matrix(library, space)) as matrix:
        if before and not before & _cache_files(
            library
        ):  # opening has put new files where none could be used
            return Check(
                "search cache",
                ok=matrix.is_true_copy(),
                message="The search cache was damaged and was built anew.",
                repaired=True,
            )
        if matrix.is_true_copy():
            return Check("search cache", ok=True, message="The search cache equals the library.")
        matrix.rebuild()
        return Check(
            "search cache",
            ok=matrix.is_true_copy(),
            message="The search cache differed from the library and was built anew.",
            repaired=True,
        )


def _examine_thumbnails(library: _Library) -> Check:
    """Readable, none of photos that are gone; what is missing is made by the next indexing."""
    repairs: list[str] = []
    with ExitStack() as stack:
        thumbnails = stack.enter_context(closing(Thumbnails.open(library.folder)))
        if thumbnails.faults():
            thumbnails.close()
            thumbnail_files.remove(library.folder)
            thumbnails = stack.enter_context(closing(Thumbnails.open(library.folder)))
            repairs.append("The thumbnails were damaged and were started anew.")
        orphans = health.orphan_thumbnails(library.db, thumbnails)
        if orphans:
            thumbnails.delete(orphans)
            repairs.append(f"{_count(len(orphans), 'thumbnail')} of photos that are gone removed.")
        lacking = len(health.photos_without_thumbnail(library.db, thumbnails))
        if (
            lacking and not repairs and not thumbnails.ids()
        ):  # opening has put a new file where none could be used
            repairs.append("The thumbnails were missing or damaged and were started anew.")
    state = (
        f"{_count(lacking, 'photo')} without a thumbnail: the next indexing makes them."
        if lacking
        else "Every photo has its thumbnail."
    )
    return Check("thumbnails", ok=True, message=" ".join([*repairs, state]), repaired=bool(repairs))


def _cache_files(library: _Library) -> set[str]:
    return {file.name for file in (library.folder / CACHE_FOLDER).glob("*.rows")}


def _open_matrix(library: _Library, space: Space) -> Matrix:
    return Matrix.open(library.folder / CACHE_FOLDER, library.db, space.name, space.dim)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
