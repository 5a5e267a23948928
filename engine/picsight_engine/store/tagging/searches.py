"""The history of searches, and the saved searches in the user's order."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import RequestError
from picsight_engine.store.tagging.tags import revise

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from picsight_engine.store.database import Database

MOST_HISTORY = 1000  # queries; the least recently used one is dropped first

_REMEMBER = """
INSERT INTO searches (query, used_at) VALUES (?, ?)
ON CONFLICT (query) WHERE name IS NULL DO UPDATE SET used_at = excluded.used_at, times = times + 1"""
_CUT_HISTORY = """
DELETE FROM searches WHERE id IN (
    SELECT id FROM searches WHERE name IS NULL ORDER BY used_at DESC, id DESC LIMIT -1 OFFSET ?)"""
_HISTORY = "SELECT query FROM searches WHERE name IS NULL ORDER BY used_at DESC, id DESC"
_SAVED = "SELECT id, name, query FROM searches WHERE name IS NOT NULL ORDER BY position, id"
_KEEP = "INSERT INTO searches (id, name, query, position, used_at) VALUES (?, ?, ?, ?, ?)"
_RENAME = "UPDATE searches SET name = ? WHERE id = ? AND name IS NOT NULL"
_DELETE = "DELETE FROM searches WHERE id = ? AND name IS NOT NULL"
_PLACE = "UPDATE searches SET position = ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A query saved under a name; `position` counts from 0."""

    id: int
    name: str
    query: str
    position: int


class Searches:
    """The history and the saved searches of one library; thread-safe."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def remember(self, query: str) -> None:
        """Puts a query at the top of the history; ignores an empty query, and any query on a read-only disk."""
        query = _storable(query)
        if query and not self._db.read_only:
            with self._db.writer() as connection:
                connection.execute(_REMEMBER, (query, time.time()))
                connection.execute(_CUT_HISTORY, (MOST_HISTORY,))

    def history(self) -> list[str]:
        """The past queries, latest first."""
        return self._db.column(_HISTORY)

    def saved(self) -> list[SavedSearch]:
        """The saved searches, in the user's order."""
        with self._db.reading() as connection:
            return saved_searches(connection)

    def add(self, searches: Iterable[tuple[str, str]]) -> int:
        """Saves each (name, query), unless its query is saved already; returns their number."""
        with self._db.writer() as connection:
            known = {search.query for search in saved_searches(connection)}
            new = [(name, query) for name, query in dict.fromkeys(searches) if query not in known]
            for name, query in new:
                _save(connection, name, query)
        return len(new)

    def save(self, name: str, query: str) -> SavedSearch:
        """Saves a query under a name, after all others; raises RequestError if name or query is empty."""
        with self._db.writer() as connection:
            return _save(connection, name, query)

    def rename(self, search_id: int, name: str) -> None:
        """Renames a saved search; raises RequestError if the name is empty, or there is no such search."""
        name = _named(name)
        with self._db.writer() as connection:
            _require(connection.execute(_RENAME, (name, search_id)).rowcount)
            revise(connection)

    def delete(self, search_id: int) -> SavedSearch:
        """Deletes a saved search and returns it, for `restore`; raises RequestError if there is no such search."""
        with self._db.writer() as connection:
            saved = {search.id: search for search in saved_searches(connection)}
            _require(search_id in saved)
            connection.execute(_DELETE, (search_id,))
            _arrange(connection, [id_ for id_ in saved if id_ != search_id])
        return saved[search_id]

    def restore(self, search: SavedSearch) -> None:
        """Restores a deleted search with its id and position, unless it exists."""
        with self._db.writer() as connection:
            ids = [each.id for each in saved_searches(connection)]
            if search.id not in ids:
                values = (search.id, search.name, search.query, search.position, time.time())
                connection.execute(_KEEP, values)
                ids.insert(search.position, search.id)
                _arrange(connection, ids)


def saved_searches(connection: sqlite3.Connection) -> list[SavedSearch]:
    """The saved searches, in the user's order."""
    rows = enumerate(connection.execute(_SAVED))
    return [SavedSearch(id_, name, query, position) for position, (id_, name, query) in rows]


def _save(connection: sqlite3.Connection, name: str, query: str) -> SavedSearch:
    name, query = _named(name), _storable(query)
    if not query:
        raise RequestError("An empty search cannot be kept; type one first.")
    position = len(saved_searches(connection))
    id_ = connection.execute(_KEEP, (None, name, query, position, time.time())).lastrowid or 0
    revise(connection)
    return SavedSearch(id_, name, query, position)


def _arrange(connection: sqlite3.Connection, ids: list[int]) -> None:
    connection.executemany(_PLACE, enumerate(ids))
    revise(connection)


def _require(found: int) -> None:
    if not found:
        raise RequestError("This saved search no longer exists.")


def _named(name: str) -> str:
    name = _storable(name)
    if not name:
        raise RequestError("A saved search needs a name.")
    return name


def _storable(text: str) -> str:
    """The text as SQLite can store it: command-line bytes that are not valid text become "?"."""
    return text.strip().encode("utf-8", "replace").decode("utf-8")
