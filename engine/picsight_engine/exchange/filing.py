"""The file of decisions beside the database: what a person has said is not lost with that.

It is written whole after changes. A file that this library did not write, of an earlier library in the same folder or by a
person's hand, is never written over: it is put aside under another name.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import xxhash

from picsight_engine.errors import StorageError
from picsight_engine.exchange.decision_lines import lines_of
from picsight_engine.exchange.decisions_file import encode
from picsight_engine.photos.reading import shown
from picsight_engine.private_files import draft_of, open_private, sweep_drafts
from picsight_engine.store.library_folder import DECISIONS
from picsight_engine.store.records import is_unfiled, note_filed, noted_filing

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.records import Filing

FilingState = Literal["none", "earlier", "current", "behind", "missing", "damaged"]

_IMPORT = "Import it to have its tags, decisions and ratings here."
_AT_ONCE = 1 << 20  # bytes


def decisions_path(db: Database) -> Path:
    """Where the file is, or is to be."""
    return db.folder / DECISIONS


def filing_state(db: Database) -> FilingState:
    """Whether the file says what the library does.

    "none" where nothing was ever said, "earlier" where nothing was and there is a file all the same, "damaged" also where
    somebody else has written it.
    """
    with db.reading() as connection:
        known = noted_filing(connection)
    digest = _digest(decisions_path(db))
    if known.digest is None and not known.revision:
        return "none" if digest is None else "earlier"
    if digest is None:
        return "missing"
    if digest != known.digest:
        return "damaged"
    return "current" if known.filed == known.revision else "behind"


def file_decisions(db: Database) -> str | None:
    """Writes the file if anything was said since; a sentence about one of somebody else, which may want to be imported.

    Raises:
        StorageError: the disk refused; the file of before stays.
    """
    if db.read_only:
        return None
    if is_unfiled(db):
        aside = write_filing(db)
        return None if aside is None else f"{shown(aside)} was not written by this library. {_IMPORT}"
    with db.reading() as connection:
        is_first = noted_filing(connection).digest is None
    return (
        f"{shown(decisions_path(db))} is of an earlier library. {_IMPORT}"
        if is_first and decisions_path(db).exists()
        else None
    )


def write_filing(db: Database) -> Path | None:
    """Writes the file; returns what one of somebody else was put aside as.

    Raises:
        StorageError: the disk refused; the file of before stays.
    """
    file = decisions_path(db)
    draft = draft_of(file)
    try:
        with db.snapshot() as connection:
            revision = noted_filing(connection).revision
            digest = _write_draft(draft, connection)
        with db.writer() as connection:
            known = noted_filing(connection)
            if known.filed > revision:  # another process was first, and knew more
                return None
            aside = _put_aside(file, known)
            draft.replace(file)
            note_filed(connection, revision, digest)
            return aside
    except OSError as fault:
        raise StorageError(
            f"The decisions could not be written into {shown(file)} ({fault.strerror}); the library itself holds them."
        ) from fault
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _write_draft(draft: Path, connection: sqlite3.Connection) -> bytes:
    """Everything on the disk, for its owner alone; returns its hash."""
    sweep_drafts(draft.parent, f"{DECISIONS}.*.part")
    digest = xxhash.xxh3_128()
    with open_private(draft, "xb") as out:
        for line in encode(lines_of(connection)):
            data = line.encode()
            digest.update(data)
            out.write(data)
        out.flush()
        os.fsync(out.fileno())
    return digest.digest()


def _put_aside(file: Path, known: Filing) -> Path | None:
    """Makes room where there is a file that this library did not write."""
    if _digest(file) in {None, known.digest}:
        return None
    stem, _, suffix = file.name.rpartition(".")
    aside = file.with_name(f"{stem}.{time.strftime('%Y-%m-%d-%H%M%S')}.{suffix}")
    return file.rename(aside)


def _digest(file: Path) -> bytes | None:
    """The hash of a file's bytes, None where there is none."""
    digest = xxhash.xxh3_128()
    try:
        with file.open("rb") as source:
            while data := source.read(_AT_ONCE):
                digest.update(data)
    except FileNotFoundError:
        return None
    return digest.digest()
