"""An index of the photo and text of each uid, as a SQLite table in the cache.

Each file is scanned once, in its own transaction, so a killed run resumes after it. A sample takes 62 bytes including the
index: 0.8 GB for 12.8 million.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock

from mctrain.errors import DataError
from mctrain.research.joining.sample_files import IndexEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mctrain.research.joining.sample_files import FetchedSample, SampleFile

_LAYOUT = 2  # increment when the tables change, to rebuild older indexes
_TABLES = """
CREATE TABLE IF NOT EXISTS source (number INTEGER PRIMARY KEY, fault TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sample (
    uid BLOB NOT NULL, source INTEGER NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL,
    photo INTEGER NOT NULL, text INTEGER NOT NULL);
"""
_BY_UID = "CREATE INDEX IF NOT EXISTS sample_by_uid ON sample (uid)"
_FIND = "SELECT source, uid, at, size, photo, text FROM sample WHERE uid = ? ORDER BY source, at"
_KNOWN = "SELECT number FROM source"
_FAULTS = "SELECT fault FROM source WHERE fault <> '' ORDER BY number"
_COUNT = "SELECT count(*) FROM sample"
_TWICE = "SELECT count(*) - count(DISTINCT uid) FROM sample WHERE photo"


@dataclass(frozen=True)
class UidIndex:
    """Samples by uid; `digest` is a digest of the files' names and versions.

    `samples` counts samples with a uid, `twice` photos with a repeated uid; `faults` are sentences about damaged files.
    """

    database: sqlite3.Connection
    files: Sequence[SampleFile]
    digest: str
    samples: int
    twice: int
    faults: tuple[str, ...]

    def find(self, uid: bytes) -> Iterator[tuple[int, IndexEntry]]:
        """All samples with this uid and the numbers of their files, in the order in which the files were named."""
        for source, *entry in self.database.execute(_FIND, [uid]):
            yield source, IndexEntry(*entry)

    def fetch(self, source: int, entry: IndexEntry) -> FetchedSample:
        """A sample of the file with this number; raises DataError if the file has changed."""
        return self.files[source].fetch(entry.at, entry.size)

    def close(self) -> None:
        """Closes the table."""
        self.database.close()


def open_index(files: Sequence[SampleFile], cache: Path, progress: Callable[[int, str], None]) -> UidIndex:
    """The index of some files, built if not cached; `progress` gets each scanned file.

    If several runs start together, one builds it and the others wait.

    Raises:
        DataError: a file is missing, none of them holds a uid, or the index is damaged.
    """
    versions = json.dumps([_LAYOUT, [[str(each.path), each.version()] for each in files]])
    digest = hashlib.sha256(versions.encode(errors="surrogateescape")).hexdigest()
    file = cache / "joining" / f"{digest[:32]}.sqlite"
    file.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            with FileLock(file.with_suffix(".lock")):
                database = stack.enter_context(closing(sqlite3.connect(file)))
                database.executescript(_TABLES)
                _fill(database, files, progress)
            samples, twice = (database.execute(query).fetchone()[0] for query in (_COUNT, _TWICE))
            faults = tuple(fault for (fault,) in database.execute(_FAULTS))
        except sqlite3.DatabaseError as fault:
            raise DataError(f"{file} cannot be used: {fault}; remove it; it is made again.") from fault
        if not samples:
            reason = faults[0] if faults else "No sample of the photos has a uid."
            raise DataError(f"{reason} img2dataset keeps uids with --save_additional_columns '[\"uid\"]'.")
        stack.pop_all()  # the caller closes it
    return UidIndex(database, files, digest, samples, twice, faults)


def _fill(
    database: sqlite3.Connection, files: Sequence[SampleFile], progress: Callable[[int, str], None]
) -> None:
    known = {number for (number,) in database.execute(_KNOWN)}
    for number, file in enumerate(files):
        if number not in known:
            with database:
                _look_through(database, file, number)
        progress(1, file.path.name)
    with database:
        database.execute(_BY_UID)


def _look_through(database: sqlite3.Connection, file: SampleFile, number: int) -> None:
    entries = list[tuple[bytes, int, int, int, bool, bool]]()
    fault = ""
    try:
        entries.extend(
            (entry.uid, number, entry.at, entry.size, entry.photo, entry.text) for entry in file.entries()
        )
    except DataError as damage:
        fault = str(damage)
    database.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", entries)
    database.execute("INSERT INTO source VALUES (?, ?)", [number, fault])
