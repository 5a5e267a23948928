"""Checks a library and its model, rebuilds derived data, and reports everything else in sentences.

A wrong vector cache or thumbnail file is rebuilt or emptied. Unusable vectors are removed, and the next indexing
makes them again. A damaged database is left exactly as it is.
"""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import Bundle, open_bundle
from picsight_engine.bundles.shipped import in_earlier_space
from picsight_engine.exchange.decisions_backup import back_up_decisions, backup_state, decisions_path
from picsight_engine.foundation.errors import (
    BundleError,
    BusyError,
    LibraryError,
    Message,
    PicsightError,
    RequestError,
    StorageError,
)
from picsight_engine.foundation.private_files import is_open_to_others
from picsight_engine.indexing.removed_files import forget_lost
from picsight_engine.indexing.watching import Watch
from picsight_engine.runtime.backend_comparison import (
    Machine,
    candidates,
    choose_image_backend,
    compare_backends,
    holds_package,
    needs_comparison,
)
from picsight_engine.store.connections import RESTORE
from picsight_engine.store.database import Database, index_lock
from picsight_engine.store.derived import thumbnails as thumbnail_files
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.derived.vectors import active_space
from picsight_engine.store.folders import all_folders
from picsight_engine.store.full_text import mend_index
from picsight_engine.store.library_folder import CACHE, chosen_model
from picsight_engine.store.opening import open_database
from picsight_engine.store.overview import health
from picsight_engine.store.overview.health import mend_tags, misjudged_photos, misplaced_tags
from picsight_engine.tags.tree import photos_counted, tags_counted
from picsight_engine.vectors.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_SENTENCES = Message("{first} {next}")
_STATES = {"missing": "missing", "damaged": "damaged", "behind": "behind"}
_LEAST_ROOM = 65_536  # bytes: twice the free space that SQLite needs to write to a database at all
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check: `ok` if all is in order now, `repaired` if it was not before.

    A check that is not ok found it `damaged`, or was blocked: by another process, a full disk, a permission, or photos
    that are not indexed yet.
    """

    name: str
    message: Message | str
    ok: bool = True
    repaired: bool = False
    damaged: bool = False


def doctor_folder(
    folder: Path, bundle_folder: Path, *, forget: bool = False, lost: Sequence[Path] = ()
) -> list[Check]:
    """Examines the library in `folder` and the model in `bundle_folder`; raises only RequestError, for a `lost` folder
    that is not part of the library.

    With `forget`, photos whose files are gone are forgotten at once with their vectors and thumbnails, or all photos that the
    folders in `lost`, if any, no longer hold.
    """
    bundle, model = _examine_model(bundle_folder)
    checks = [model]
    machine = Machine.this()
    if bundle is not None and (holds_package(bundle) or candidates(bundle, machine)):
        checks.append(_guarded("backend", partial(_examine_backend, bundle, machine)))
    checks.append(_guarded("folder", partial(_examine_folder, folder)))
    try:
        chosen_model(folder)
    except (LibraryError, StorageError) as fault:
        checks.append(_failed("choice of model", fault))
    try:
        db = open_database(folder, create=False)
    except RequestError:
        if lost:
            raise
        return [*checks, Check("library", Message("There is no library in {folder} yet.", folder=folder))]
    except (PicsightError, OSError) as fault:
        return [*checks, _failed("library", fault)]
    with closing(db):
        checks.append(_guarded("library", partial(_examine_database, db)))
        if checks[-1].ok:  # never write to a damaged library
            checks += _examine_content(db, bundle, lost if forget else None)
    return checks


def _examine_content(db: Database, bundle: Bundle | None, lost: Sequence[Path] | None) -> list[Check]:
    """Checks the contents of an undamaged library; `bundle` is None if the model failed its check."""
    examinations: dict[str, Callable[[Database], Check]] = {
        "forget": partial(_forget, lost=lost or ()),
        "folders": _examine_folders,
        "names": _examine_names,
        "vectors": _examine_vectors,
        "photos": partial(_examine_photos, bundle=bundle),
        "tags": _examine_tags,
        "search cache": _examine_cache,
        "thumbnails": _examine_thumbnails,
        "decisions": _examine_decisions,
    }
    if lost is None:
        del examinations["forget"]
    return [_guarded(name, partial(examine, db)) for name, examine in examinations.items()]


def _guarded(name: str, examine: Callable[[], Check]) -> Check:
    """Turns an error into a failed check with its reason, so that the others go on. RequestError passes through."""
    try:
        return examine()
    except RequestError:
        raise
    except (PicsightError, OSError) as fault:
        return _failed(name, fault)


def _failed(name: str, fault: Exception) -> Check:
    """A failed check. Only some errors mean damage; any other one prevented the check."""
    return Check(
        name,
        Message("{fault}", fault=fault),
        ok=False,
        damaged=isinstance(fault, (BundleError, LibraryError)),
    )


def _examine_model(folder: Path) -> tuple[Bundle | None, Check]:
    """Checks every byte of the bundle, and whether its towers run."""
    from picsight_engine.runtime.self_test import try_towers  # Pillow, onnxruntime: 300 ms

    try:
        bundle = open_bundle(folder, hashes=True)
        try_towers(bundle)
    except BundleError as fault:
        return None, _failed("model", fault)
    title = bundle.manifest.title
    return bundle, Check("model", Message('The model "{title}" is complete and unchanged.', title=title))


def _examine_backend(bundle: Bundle, machine: Machine) -> Check:
    """Which backend reads photos, and why; compares Core ML first if that was not done under this system."""
    if needs_comparison(bundle, machine):
        compare_backends(bundle, machine)
    return Check("backend", choose_image_backend(bundle, machine).sentence)


def _examine_folder(folder: Path) -> Check:
    """Whether the library's folder, or its nearest existing parent, is writable, and who else can read it."""
    try:
        existing = next((each for each in (folder, *folder.absolute().parents) if each.exists()), folder)
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(bytes(_LEAST_ROOM))
            file.flush()
        messages = [Message("The library folder {folder} can be written.", folder=folder)]
    except OSError as fault:
        if fault.errno in _FULL:
            raise StorageError(
                "The disk with the library folder {folder} is full, so nothing can be indexed or changed. Make room.",
                folder=folder,
            ) from fault
        raise StorageError(
            "The library folder {folder} cannot be written ({reason}), so nothing can be indexed. "
            "Check its permissions and its disk.",
            folder=folder,
            reason=fault.strerror,
        ) from fault
    if existing == folder and is_open_to_others(folder):
        words = "Other users of this computer can read it, because it belongs to somebody else, holds other files or lies on a disk without permissions; it was left as it is."
        messages.append(Message(words))
    return Check("folder", _SENTENCES.joining(messages))


def _examine_database(db: Database) -> Check:
    """SQLite's check of every page and of foreign keys."""
    faults = health.damage(db)
    if faults:
        raise LibraryError(
            "{path} is damaged ({faults}). Nothing was changed; {restore}",
            path=db.path,
            faults=faults[0],
            restore=RESTORE,
        )
    broken = health.broken_references(db)
    if broken:
        raise LibraryError(
            Message.counted(
                broken,
                "{path} is inconsistent in {number:,} place. Nothing was changed; {restore}",
                "{path} is inconsistent in {number:,} places. Nothing was changed; {restore}",
                path=db.path,
                restore=RESTORE,
            )
        )
    return Check("library", Message("{path} is sound.", path=db.path))


def _forget(db: Database, lost: Sequence[Path]) -> Check:
    """Forgets missing photos at the user's request, or those that the folders in `lost` lack."""
    with closing(ThumbnailStore.open(db.folder)) as thumbnails:
        forgotten = forget_lost(db, thumbnails, lost or None)
    one = "{number:,} photo of missing files forgotten."
    many = "{number:,} photos of missing files forgotten."
    messages = [Message.counted(forgotten.photos, one, many)]
    if forgotten.moved:
        one = "{number:,} file may only have moved: index the folders first."
        many = "{number:,} files may only have moved: index the folders first."
        messages.append(Message.counted(forgotten.moved, one, many))
    if forgotten.kept:
        advice = Message("picsight doctor --forget FOLDER forgets what a folder has lost.")
        one = "{number:,} file kept, because their disk may be disconnected; {advice}"
        many = "{number:,} files kept, because their disk may be disconnected; {advice}"
        messages.append(Message.counted(forgotten.kept, one, many, advice=advice))
    return Check("forget", _SENTENCES.joining(messages))


def _examine_folders(db: Database) -> Check:
    """A missing folder is not a fault: its disk may be disconnected."""
    folders = all_folders(db)
    away = [
        str(folder.path)
        for folder in folders
        if not folder.path.is_dir() or not os.access(folder.path, os.R_OK | os.X_OK)
    ]
    if away:
        words = "Not connected or not readable, kept as they were: {folders}."
        return Check("folders", Message(words, folders=", ".join(away)))
    one = "{number:,} folder can be read."
    many = "{number:,} folders can be read."
    count = Message.counted(len(folders), one, many)
    with Watch(lambda: [folder.path for folder in folders], db.folder) as watch:
        compared = [str(path) for path, way in watch.ways().items() if way == "times"]
    if not compared:
        return Check("folders", count)
    words = "On a network share or a removable disk, or the system can watch no more, so twice a minute only new, renamed and deleted files are looked for: {folders}."
    return Check("folders", _SENTENCES.joining([count, Message(words, folders=", ".join(compared))]))


def _examine_names(db: Database) -> Check:
    """Whether every file can be found by its name."""
    if not db.read_only and mend_index(db):
        message = Message("The index of names was damaged and has been rebuilt.")
        return Check("names", message, repaired=True)
    return Check("names", Message("Every file can be found by its name."))


def _examine_vectors(db: Database) -> Check:
    """Removes the vectors of photos that have one of a wrong length, which no search can use."""
    misshapen = health.misshapen_vectors(db)
    if misshapen:
        message = Message.counted(
            health.delete_misshapen_vectors(db),
            "{number:,} vector of {photos} with one of a wrong length removed; index the folders again.",
            "{number:,} vectors of {photos} with one of a wrong length removed; index the folders again.",
            photos=photos_counted(len(misshapen)),
        )
        return Check("vectors", message, repaired=True)
    return Check("vectors", Message("Every vector has the right length."))


def _examine_photos(db: Database, bundle: Bundle | None) -> Check:
    """Whether every visible photo can be found by a search."""
    counts = health.counts(db)
    space = active_space(db)
    if bundle and space:
        bundle = in_earlier_space(bundle, space.name) or bundle
    name = bundle.manifest.space_id if bundle else space.name if space else ""
    lacking = len(health.photos_without_vector(db, name))
    files = Message.counted(counts.files, "{number:,} file", "{number:,} files")
    problems = Message.counted(counts.problems, "{number:,} problem", "{number:,} problems")
    held = {"photos": photos_counted(counts.photos), "files": files, "problems": problems}
    if lacking:
        words = (
            "{photos} in {files}, {problems}; {lacking} cannot be found by a search: index the folders again."
        )
        return Check("photos", Message(words, lacking=photos_counted(lacking), **held), ok=False)
    words = "{photos} in {files}, {problems}; every photo can be found by a search."
    return Check("photos", Message(words, **held))


def _examine_tags(db: Database) -> Check:
    """Whether every tag is in its place in the tree, and every photo follows the decisions about it."""
    misplaced, misjudged = misplaced_tags(db), misjudged_photos(db)
    if not misplaced and not misjudged:
        return Check("tags", Message("Every tag has its place, and every decision counts."))
    mend_tags(db)
    message = Message(
        "{tags} out of place and {decisions} that did not count were corrected.",
        tags=tags_counted(misplaced),
        decisions=Message.counted(misjudged, "{number:,} decision", "{number:,} decisions"),
    )
    return Check("tags", message, repaired=True)


def _examine_cache(db: Database) -> Check:
    """Whether the cache that a search scans equals the vectors in the database."""
    space = active_space(db)
    if space is None:
        return Check("search cache", Message("There are no vectors to search yet."))
    folder = db.folder / CACHE
    before = set(folder.glob("*.rows"))
    with closing(Matrix(folder, db, space.name, space.dim)) as matrix:
        if before and before.isdisjoint(folder.glob("*.rows")):  # opening found no usable file
            message = Message("The search cache was damaged and has been rebuilt.")
        elif matrix.is_true_copy():
            return Check("search cache", Message("The search cache equals the library."))
        else:
            matrix.rebuild()
            message = Message("The search cache differed from the library and has been rebuilt.")
        sound = matrix.is_true_copy()
    return Check("search cache", message, ok=sound, repaired=sound, damaged=not sound)


def _examine_thumbnails(db: Database) -> Check:
    """Whether the thumbnails are readable, and none is orphaned; the next indexing makes missing ones."""
    repairs: list[Message] = []
    with ExitStack() as stack:
        thumbnails = stack.enter_context(closing(ThumbnailStore.open(db.folder)))
        if thumbnails.faults():
            thumbnails.close()
            thumbnail_files.remove(db.folder)
            thumbnails = stack.enter_context(closing(ThumbnailStore.open(db.folder)))
            repairs.append(Message("The thumbnails were damaged and were reset."))
        orphans = _remove_orphans(db, thumbnails)
        if orphans:
            one = "{number:,} thumbnail of photos that are gone removed."
            many = "{number:,} thumbnails of photos that are gone removed."
            repairs.append(Message.counted(orphans, one, many))
        lacking = len(health.photos_without_thumbnail(db, thumbnails))
        if lacking and not repairs and not thumbnails.ids():  # opening found no usable file
            repairs.append(Message("The thumbnails were missing or damaged and were reset."))
    state = Message("Every photo has its thumbnail.")
    if lacking:
        one = "{number:,} photo without a thumbnail: the next indexing makes it."
        many = "{number:,} photos without a thumbnail: the next indexing makes them."
        state = Message.counted(lacking, one, many)
    return Check("thumbnails", _SENTENCES.joining([*repairs, state]), repaired=bool(repairs))


def _examine_decisions(db: Database) -> Check:
    """Whether the file of decisions can restore the user's tags, decisions and ratings if the database is lost."""
    file = decisions_path(db)
    state = backup_state(db)
    if state == "none":
        return Check("decisions", Message("Nothing was tagged, decided or rated yet."))
    if state == "current":
        words = "{file} holds all your tags, decisions and ratings."
        return Check("decisions", Message(words, file=file))
    if db.read_only and state != "earlier":
        words = "{file} is {state} and cannot be written on this disk."
        return Check("decisions", Message(words, file=file, state=Message(_STATES[state])))
    note = back_up_decisions(db)
    if state == "earlier":
        return Check("decisions", note or "")
    rewritten = Message("{file} was {state} and was rewritten.", file=file, state=Message(_STATES[state]))
    return Check("decisions", _SENTENCES.joining(filter(None, (rewritten, note))), repaired=True)


def _remove_orphans(db: Database, thumbnails: ThumbnailStore) -> int:
    """Removes the thumbnails of photos that are gone; returns how many there were.

    While another process indexes, a thumbnail without a photo may belong to a photo about to be stored.
    """
    if not health.orphan_thumbnails(db, thumbnails):
        return 0
    try:
        with index_lock(db.folder):
            orphans = health.orphan_thumbnails(db, thumbnails)
            thumbnails.delete(orphans)
            return len(orphans)
    except BusyError:
        return 0
