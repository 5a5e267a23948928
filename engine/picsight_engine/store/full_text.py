"""Full-text search in names, folders, keywords and descriptions, ignoring case and accents.

Every file has one row of folded text (`file_texts`), and triggers keep an index of trigrams (`text`) in step with it.
Triggers on files record whose text is due; the writer folds it before it commits, however a file came, moved or changed.
Python folds the text because SQLite removes accents in trigrams only since 3.45, which many systems do not have.
"""

from __future__ import annotations

import json
import os
import sqlite3
from typing import TYPE_CHECKING

from picsight_engine.foundation.folding import SHORTEST_BEGINNING, fold

if TYPE_CHECKING:
    from picsight_engine.store.database import Database

_LONGEST_NAME = 255  # characters, on any system

_DUE = """
SELECT files.id, folders.id, folders.path, files.name, files.keywords, files.title, files.description
FROM texts_due JOIN files ON files.id = texts_due.file_id JOIN folders ON folders.id = files.folder_id"""
_PUT = """
INSERT INTO file_texts (file_id, added_folder, folder, name, suffix, keywords, description) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (file_id) DO UPDATE SET added_folder = excluded.added_folder, folder = excluded.folder, name = excluded.name,
    suffix = excluded.suffix, keywords = excluded.keywords, description = excluded.description"""
_DONE = "DELETE FROM texts_due"
_INDEXES = ("text", "written_text")  # of files, and of what is written in pictures
_CHECK = "INSERT INTO {0} ({0}, rank) VALUES ('integrity-check', 1)"  # 1: also against the texts
_REBUILD = "INSERT INTO {0} ({0}) VALUES ('rebuild')"
_ALL_DUE = "INSERT OR IGNORE INTO texts_due (file_id) SELECT id FROM files"
_LACKING_DUE = f"{_ALL_DUE} WHERE NOT EXISTS (SELECT 1 FROM file_texts WHERE file_id = files.id)"
_MERGE = "INSERT INTO {0} ({0}) VALUES ('optimize')"
# A photo is visible while one of its files is present.
_PHOTOS_OF = "SELECT DISTINCT photo_id FROM files WHERE present AND photo_id IS NOT NULL AND id IN"
_HOLDING = f"{_PHOTOS_OF} (SELECT rowid FROM text WHERE text MATCH ?) ORDER BY photo_id"
_HOLDING_FEW_LETTERS = f"""{_PHOTOS_OF} (
    SELECT file_id FROM file_texts WHERE instr(name, ?1) OR instr(folder, ?1)
        OR instr(keywords, ?1) OR instr(description, ?1)) ORDER BY photo_id"""
_APART = "[^0-9a-z\x80-\U0010ffff]"  # separators of words: all characters beyond ASCII belong to words
# Patterns are slow, so texts that do not contain the word are excluded first.
_HAS_WORD = " OR ".join(
    f"(instr({part}, ?1) AND ' ' || {part} || ' ' GLOB ?2)"
    for part in ("name", "folder", "keywords", "iif(?3, description, '')")
)
_WITH_WORD = f"{_PHOTOS_OF} (SELECT file_id FROM file_texts WHERE {_HAS_WORD}) ORDER BY photo_id"
_WITH_LONG_WORD = f"""{_PHOTOS_OF} (
    SELECT file_id FROM file_texts
    WHERE file_id IN (SELECT rowid FROM text WHERE text MATCH ?4) AND ({_HAS_WORD})) ORDER BY photo_id"""

# "img_2927" sorts before "img_2927.heic", and "/" comes right after "."
_NAMED = """
SELECT photo_id, file_id FROM file_texts AS named JOIN files ON files.id = file_id
WHERE present AND photo_id IS NOT NULL AND named.name >= ?1 AND named.name < ?1 || '/'
    AND named.name IN (?1, ?1 || suffix)
ORDER BY named.name <> ?1, photo_id, file_id"""
_IS_HELD = f"SELECT EXISTS ({_PHOTOS_OF} (SELECT rowid FROM text WHERE text MATCH ?))"


def photos_holding(db: Database, text: str) -> list[int]:
    """The visible photos, ascending, with the text in a present file's name, folder, a keyword or the description.

    A folder is its path from the added folder's name on, with "/" between parts; each keyword is matched separately.
    An empty text matches no photo.
    """
    folded = fold(text)
    if not folded:
        return []
    if len(folded) < SHORTEST_BEGINNING:
        return db.column(_HOLDING_FEW_LETTERS, folded)
    return db.column(_HOLDING, phrase(folded))


def photos_with_word(db: Database, word: str, *, described: bool) -> list[int]:
    """The visible photos, ascending, with this word in a present file's name, folder or keywords, as in `begins_word`.

    With `described`, its title and description count too.
    """
    if len(word) < SHORTEST_BEGINNING:
        return db.column(_WITH_WORD, word, word_pattern(word), described)
    return db.column(_WITH_LONG_WORD, word, word_pattern(word), described, phrase(word))


def word_pattern(word: str) -> str:
    """SQLite's pattern for `begins_word`, for a folded text between spaces."""
    return f"*{_APART}{word}{_APART if len(word) < SHORTEST_BEGINNING else ''}*"


def files_named(db: Database, name: str) -> list[tuple[int, int]]:
    """The present files of exactly this name, then those with this name and any suffix, each after its visible photo.

    Case, accents and surrounding spaces are ignored; an empty name matches nothing.
    """
    if not 0 < len(name.strip()) <= _LONGEST_NAME:
        return []
    return db.rows(_NAMED, fold(name))


def is_held(db: Database, text: str) -> bool:
    """Whether `photos_holding` finds anything, for a text of three letters or more."""
    return bool(db.row(_IS_HELD, phrase(fold(text)))[0])


def write_due_texts(connection: sqlite3.Connection) -> None:
    """Folds the texts of all files that came, moved or changed since the last call."""
    connection.executemany(_PUT, map(_folded_row, connection.execute(_DUE)))
    connection.execute(_DONE)


def erase_traces(connection: sqlite3.Connection) -> None:
    """Merges each index into one segment, which removes the trigrams of deleted texts."""
    for index in _INDEXES:
        connection.execute(_MERGE.format(index))


def mend_index(db: Database) -> bool:
    """Rebuilds an index that contradicts its texts, and adds missing texts; returns whether anything was wrong."""
    with db.writer() as connection:
        is_wrong = connection.execute(_LACKING_DUE).rowcount > 0
        for index in _INDEXES:
            try:
                connection.execute(_CHECK.format(index))
            except sqlite3.DatabaseError as fault:
                if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                    raise
                connection.execute(_REBUILD.format(index))
                connection.execute(_ALL_DUE)
                is_wrong = True
        return is_wrong


def _folded_row(
    row: tuple[int, int, bytes, bytes, str | None, str | None, str | None],
) -> tuple[int, int, str, str, str, str, str]:
    file_id, folder_id, path, stored, keywords, *texts = row
    directories, _, base = os.fsdecode(stored).rpartition("/")
    # os.path: 5 times as fast as Path
    folder = "/".join(filter(None, (os.path.basename(os.fsdecode(path)), directories)))  # noqa: PTH119
    name = fold(base)
    suffix = os.path.splitext(name)[1]  # noqa: PTH122
    keyword_text = "\n".join(map(fold, json.loads(keywords or "[]")))
    return file_id, folder_id, fold(folder), name, suffix, keyword_text, fold("\n".join(filter(None, texts)))


def phrase(folded: str) -> str:
    """The text as one phrase in FTS5's query language."""
    return '"{}"'.format(folded.replace('"', '""'))
