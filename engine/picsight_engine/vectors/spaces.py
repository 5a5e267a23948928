"""The space of a model in a library: vectors of one space are comparable, so one preprocessing makes all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import preprocessing_of, require_preprocessing
from picsight_engine.store.vectors import activate_space, know_space, known_preprocessing, note_preprocessing

if TYPE_CHECKING:
    import sqlite3

    from picsight_engine.bundles.bundle import Manifest
    from picsight_engine.store.database import Database


def enter_space(connection: sqlite3.Connection, manifest: Manifest, *, active: bool = False) -> None:
    """Makes a model's space known to a library, and with `active` the one that searches use.

    Raises BundleError if the library knows it with other preprocessing, LibraryError if with vectors of another length.
    """
    (activate_space if active else know_space)(connection, manifest.space_id, manifest.dim)
    known = known_preprocessing(connection, manifest.space_id)
    require_preprocessing(manifest, known)
    if not known:
        note_preprocessing(connection, manifest.space_id, preprocessing_of(manifest))


def require_space(db: Database, manifest: Manifest) -> None:
    """Raises BundleError if a library knows a model's space with other preprocessing; an older library notes it now."""
    with db.reading() as connection:
        known = known_preprocessing(connection, manifest.space_id)
    require_preprocessing(manifest, known)
    if known == "" and preprocessing_of(manifest) and not db.read_only:
        with db.writer() as connection:
            note_preprocessing(connection, manifest.space_id, preprocessing_of(manifest))
