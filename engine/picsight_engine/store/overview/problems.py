"""Files and folders that could not be indexed, each with its reason."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsight_engine.foundation.errors import Message
from picsight_engine.store.folders import all_folders, file_path, stored_names
from picsight_engine.store.messages import read, written

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from picsight_engine.foundation.errors import ProblemCode
    from picsight_engine.store.database import Database

_PUT = """
INSERT INTO problems (folder_id, name, code, message, message_values, size, mtime_ns, first_seen, last_seen)
VALUES (:folder_id, :name, :code, :template, :values, :size, :mtime_ns, :seen_at, :seen_at)
ON CONFLICT (folder_id, name) DO UPDATE SET
    code = excluded.code, message = excluded.message, message_values = excluded.message_values,
    size = excluded.size, mtime_ns = excluded.mtime_ns, last_seen = excluded.last_seen, tries = tries + 1"""
_CLEAR = "DELETE FROM problems WHERE folder_id = ? AND name = ?"
# Without size and time the file counts as changed, so that the next indexing retries it.
_RETRY = "UPDATE problems SET size = NULL, mtime_ns = NULL WHERE folder_id = ? AND name = ?"
_IGNORE = "UPDATE problems SET ignored = ? WHERE folder_id = ? AND name = ?"
_ALL = """
SELECT p.folder_id, p.name, f.path, p.message, p.message_values, p.code, p.size, p.mtime_ns, p.first_seen, p.last_seen,
    p.tries, p.ignored
FROM problems AS p JOIN folders AS f ON f.id = p.folder_id AND f.state <> 'paused'"""
_EVERY = f"{_ALL} ORDER BY f.id, p.name"
_AT = f"{_ALL} WHERE p.folder_id = ? AND p.name = ?"
_IN_FOLDER = f"{_ALL} WHERE p.folder_id = ? ORDER BY p.name"


@dataclass(frozen=True, slots=True)
class Problem:
    """A path that could not be indexed; `size` and `mtime_ns` are those of the file then, so that an unchanged file is not
    retried (None if it was not a file). Times are seconds since 1970.
    """

    folder_id: int
    name: bytes
    path: Path
    code: ProblemCode
    message: Message
    size: int | None
    mtime_ns: int | None
    first_seen: float
    last_seen: float
    tries: int
    ignored: bool


@dataclass(frozen=True, slots=True)
class NewProblem:
    """A path that cannot be indexed, as a run finds it at `seen_at`; the other fields are those of `Problem`."""

    folder_id: int
    name: bytes
    code: ProblemCode
    message: Message | str
    seen_at: float
    size: int | None = None
    mtime_ns: int | None = None


def put_problem(connection: sqlite3.Connection, problem: NewProblem) -> None:
    """Lists a file or directory (b"" is the folder itself); if it is listed already, counts one more try."""
    template, values = written(Message.from_words(problem.message))
    row = {each.name: getattr(problem, each.name) for each in fields(problem) if each.name != "message"}
    connection.execute(_PUT, {**row, "template": template, "values": values})


def clear_problem(connection: sqlite3.Connection, folder_id: int, name: bytes) -> None:
    """Removes a file from the list, if it is listed."""
    connection.execute(_CLEAR, (folder_id, name))


def retry_later(db: Database, problems: Iterable[Problem]) -> None:
    """Makes the next indexing retry files as if they had changed; until then they stay listed."""
    with db.writer() as connection:
        connection.executemany(_RETRY, [(each.folder_id, each.name) for each in problems])


def set_ignored(db: Database, problems: Iterable[Problem], *, ignored: bool) -> None:
    """Hides these files from the list of problems, or shows them again."""
    with db.writer() as connection:
        connection.executemany(_IGNORE, [(ignored, each.folder_id, each.name) for each in problems])


def all_problems(db: Database) -> list[Problem]:
    """Every problem, folder by folder, by name."""
    return [_problem(row) for row in db.rows(_EVERY)]


def problem_at(db: Database, path: Path) -> Problem | None:
    """The problem listed for a path, as spelled or through symbolic links."""
    for folder in all_folders(db):
        for name in stored_names(path, folder.path):
            if row := db.row(_AT, folder.id, name):
                return _problem(row)
    return None


def problems_of(db: Database, folder_id: int) -> list[Problem]:
    """The problems of one folder, by name."""
    return [_problem(row) for row in db.rows(_IN_FOLDER, folder_id)]


def _problem(row: tuple[Any, ...]) -> Problem:
    folder_id, name, folder, template, values, code, *seen, ignored = row
    path = file_path(Path(os.fsdecode(folder)), name)
    return Problem(*(folder_id, name, path, code, read(template, values), *seen, bool(ignored)))
