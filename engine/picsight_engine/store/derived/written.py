"""What is written in pictures: the lines of each photo as JSON, and an index of trigrams over their folded text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from picsight_engine.foundation.folding import SHORTEST_BEGINNING, fold, words_in
from picsight_engine.foundation.written_line import WrittenLine, is_east_asian, joined
from picsight_engine.store.derived.states import settled_photos
from picsight_engine.store.files import IDS
from picsight_engine.store.full_text import phrase, word_pattern

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from picsight_engine.store.database import Database

_DELETE = "DELETE FROM written WHERE photo_id = ?"
_PUT = "INSERT INTO written (photo_id, lines, text) VALUES (?, ?, ?)"
_LINES = f"SELECT photo_id, lines FROM written WHERE photo_id IN {IDS}"
_SHOWN = "photo_id NOT IN (SELECT id FROM photos WHERE missing_since IS NOT NULL) ORDER BY photo_id"
_WITH_WORDS = f"SELECT photo_id FROM written WHERE {_SHOWN}"
_SAYING = f"""
SELECT rowid AS photo_id FROM written_text WHERE text MATCH ? AND {_SHOWN}"""
_SAYING_FEW_LETTERS = f"SELECT photo_id FROM written WHERE instr(text, ?) AND {_SHOWN}"
_WITH_ALL = f"SELECT photo_id FROM written WHERE {{}} AND {_SHOWN}"
_FOUND = "photo_id IN (SELECT rowid FROM written_text WHERE text MATCH ?)"
_HAS_WORD = "instr(text, ?) AND ' ' || text || ' ' GLOB ?"  # as in `store.full_text`, patterns are slow
_SHARING = "SELECT text FROM written_text WHERE text MATCH ? LIMIT 1000"
_REVISION = "SELECT written FROM revision"


def put_written(connection: sqlite3.Connection, lines: Mapping[int, Sequence[WrittenLine] | None]) -> None:
    """Stores what is written in photos, in the caller's transaction, and deletes where there is None."""
    connection.executemany(_DELETE, [(photo_id,) for photo_id in lines])
    rows = [(photo_id, json.dumps(some), joined(some)) for photo_id, some in lines.items() if some]
    connection.executemany(_PUT, rows)


def lines_of(db: Database, photo_ids: Iterable[int]) -> dict[int, tuple[WrittenLine, ...]]:
    """What is written in these photos, in reading order; no entry where nothing is."""
    rows = db.rows(_LINES, json.dumps([*photo_ids]))
    return {photo_id: tuple(WrittenLine(*line) for line in json.loads(lines)) for photo_id, lines in rows}


def written_in(db: Database, photo_id: int, kind: str, rule: int) -> tuple[WrittenLine, ...] | None:
    """What is written in a photo; None if it has not been read."""
    found = lines_of(db, [photo_id])
    if not found and photo_id not in settled_photos(db, kind, rule):
        return None
    return found.get(photo_id, ())


def photos_with_words(db: Database) -> list[int]:
    """The visible photos in which anything is written, ascending as all results here."""
    return db.column(_WITH_WORDS)


def photos_saying(db: Database, text: str) -> list[int]:
    """The visible photos in which this text is written, ignoring case, accents and ends of lines; none for an empty one."""
    folded = fold(text)
    if not folded:
        return []
    if len(folded) < SHORTEST_BEGINNING:
        return db.column(_SAYING_FEW_LETTERS, folded)
    return db.column(_SAYING, phrase(folded))


def photos_with_written_words(db: Database, words: Sequence[str]) -> list[int]:
    """The visible photos in which all these words (from `words_in`) are written, as `says_word` says; none without words."""
    tests, values = list[str](), list[str]()
    if indexed := [phrase(word) for word in words if len(word) >= SHORTEST_BEGINNING]:
        tests, values = [_FOUND], [" AND ".join(indexed)]
    for word in words:
        is_free = is_east_asian(word)
        tests.append("instr(text, ?)" if is_free else _HAS_WORD)
        values += [word] if is_free else [word, word_pattern(word)]
    return db.column(_WITH_ALL.format(" AND ".join(tests)), *values) if words else []


def words_like(db: Database, word: str) -> set[str]:
    """Folded words of some pictures whose writing shares three letters in a row with a folded word."""
    triples = {phrase(word[at : at + 3]) for at in range(len(word) - 2)}
    texts = db.column(_SHARING, " OR ".join(triples)) if triples else []
    return {each for text in texts for each in words_in(text)}


def slow_revision(db: Database) -> int:
    """A number that changes whenever any process changes what slow kinds found in pictures."""
    return int(db.row(_REVISION)[0])
