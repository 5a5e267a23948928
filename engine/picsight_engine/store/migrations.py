"""The library's schema as numbered steps; each is applied once, in one transaction, and never edited afterwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message, as_text
from picsight_engine.store.folders import file_path
from picsight_engine.store.full_text import write_due_texts
from picsight_engine.store.messages import written
from picsight_engine.store.tagging.pairs import pair
from picsight_engine.store.tagging.tag_schema import REJECTING_STATEMENTS, TAG_STATEMENTS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    Step = tuple[
        str | Callable[[sqlite3.Connection], None], ...
    ]  # statements; functions for what SQL cannot say
    Steps = tuple[Step, ...]

_NOW = "CAST(strftime('%s', 'now') AS REAL)"  # some systems' SQLite is too old for unixepoch()

# AUTOINCREMENT: an id is never used again.
_FOLDERS = """
CREATE TABLE folders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'watching' CHECK (state IN ('watching', 'offline', 'paused', 'denied'))
)"""
# A new photo is missing until its first present file makes it visible (triggers below).
_PHOTOS = f"""
CREATE TABLE photos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 16),
    fingerprint_rule INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    taken TEXT,
    taken_offset TEXT,
    taken_source TEXT,
    lat REAL,
    lon REAL,
    place TEXT,
    camera TEXT,
    lens TEXT,
    rating INTEGER,
    phash INTEGER,
    missing_since REAL DEFAULT ({_NOW})
)"""
_FILES = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    folder_id INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
    name BLOB NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    bytes_hash BLOB CHECK (length(bytes_hash) = 16),
    photo_id INTEGER REFERENCES photos (id) ON DELETE CASCADE,
    present INTEGER NOT NULL DEFAULT 1 CHECK (present IN (0, 1)),
    missing_since REAL,
    UNIQUE (folder_id, name)
)"""
_SPACES = """
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    dim INTEGER NOT NULL CHECK (dim > 0),
    active INTEGER NOT NULL DEFAULT 0 CHECK (active IN (0, 1)),
    deletions INTEGER NOT NULL DEFAULT 0
)"""
# The id grows with every write and is never reused, so a cache lacks exactly the rows after its last id.
_VECTORS = """
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    space_id INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
    part INTEGER NOT NULL DEFAULT 0,
    vector BLOB NOT NULL,
    UNIQUE (photo_id, space_id, part)
)"""
_PROBLEMS = """
CREATE TABLE problems (
    folder_id INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
    name BLOB NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    size INTEGER,
    mtime_ns INTEGER,
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 1,
    ignored INTEGER NOT NULL DEFAULT 0 CHECK (ignored IN (0, 1)),
    PRIMARY KEY (folder_id, name)
)"""
_INDEXES = (
    "CREATE INDEX files_present ON files (photo_id, id) WHERE present",
    "CREATE INDEX photos_missing ON photos (id) WHERE missing_since IS NOT NULL",
    "CREATE INDEX files_photo ON files (photo_id)",
    "CREATE INDEX files_bytes_hash ON files (bytes_hash)",
    "CREATE INDEX vectors_space ON vectors (space_id, part, id)",
)

# A photo is visible while it has a present file; triggers ensure this for every statement that changes files.
_FILE_CAME = """
CREATE TRIGGER files_came AFTER INSERT ON files WHEN NEW.present BEGIN
    UPDATE photos SET missing_since = NULL WHERE id = NEW.photo_id AND missing_since IS NOT NULL;
END"""
_FILE_CHANGED = f"""
CREATE TRIGGER files_changed AFTER UPDATE OF present, photo_id ON files BEGIN
    UPDATE photos SET missing_since = NULL WHERE id = NEW.photo_id AND NEW.present AND missing_since IS NOT NULL;
    UPDATE photos SET missing_since = coalesce(NEW.missing_since, {_NOW})
        WHERE id IN (OLD.photo_id, NEW.photo_id) AND missing_since IS NULL
        AND NOT EXISTS (SELECT 1 FROM files WHERE photo_id = photos.id AND present);
END"""
_FILE_WENT = f"""
CREATE TRIGGER files_went AFTER DELETE ON files BEGIN
    UPDATE photos SET missing_since = {_NOW} WHERE id = OLD.photo_id AND missing_since IS NULL
        AND NOT EXISTS (SELECT 1 FROM files WHERE photo_id = photos.id AND present);
END"""
# Caches compare this number to notice deleted rows without counting.
_VECTOR_WENT = """
CREATE TRIGGER vectors_went AFTER DELETE ON vectors BEGIN
    UPDATE spaces SET deletions = deletions + 1 WHERE id = OLD.space_id;
END"""


_TABLES = (_FOLDERS, _PHOTOS, _FILES, _SPACES, _VECTORS, _PROBLEMS)
_TRIGGERS = (_FILE_CAME, _FILE_CHANGED, _FILE_WENT, _VECTOR_WENT)

# A file's metadata. NULL means unknown; `metadata_rule` 0 means not read yet, whatever the columns hold.
_METADATA = {
    "taken": "TEXT",
    "taken_offset": "TEXT",
    "taken_source": "TEXT",
    "lat": "REAL",
    "lon": "REAL",
    "place": "TEXT",
    "camera": "TEXT",
    "lens": "TEXT",
    "rating": "INTEGER",
}
_NEW_COLUMNS = {
    "folders": {"looked_at": "REAL"},
    "photos": {"picture_rule": "INTEGER NOT NULL DEFAULT 1", "missing_seconds": "REAL NOT NULL DEFAULT 0"},
    "files": {
        "device": "INTEGER",
        "missing_seconds": "REAL NOT NULL DEFAULT 0",
        "metadata_rule": "INTEGER NOT NULL DEFAULT 0",
        **_METADATA,
        "keywords": "TEXT",
        "description": "TEXT",
    },
}
# With several files it is unknown which one gave the photo its date. A PNG's text chunks were not read before.
_HAND_DOWN = f"""
UPDATE files SET
    metadata_rule = NOT (lower(CAST(name AS TEXT)) LIKE '%.png' OR lower(CAST(name AS TEXT)) LIKE '%.apng'),
    ({", ".join(_METADATA)}) = (SELECT {", ".join(_METADATA)} FROM photos WHERE photos.id = files.photo_id)
WHERE photo_id IN (SELECT photo_id FROM files GROUP BY photo_id HAVING count(*) = 1)"""
_FILE_CAME_AGELESS = """
CREATE TRIGGER files_came AFTER INSERT ON files WHEN NEW.present BEGIN
    UPDATE photos SET missing_since = NULL, missing_seconds = 0
        WHERE id = NEW.photo_id AND missing_since IS NOT NULL;
END"""
_FILE_CHANGED_AGELESS = f"""
CREATE TRIGGER files_changed AFTER UPDATE OF present, photo_id ON files BEGIN
    UPDATE photos SET missing_since = NULL, missing_seconds = 0
        WHERE id = NEW.photo_id AND NEW.present AND missing_since IS NOT NULL;
    UPDATE photos SET missing_since = coalesce(NEW.missing_since, {_NOW})
        WHERE id IN (OLD.photo_id, NEW.photo_id) AND missing_since IS NULL
        AND NOT EXISTS (SELECT 1 FROM files WHERE photo_id = photos.id AND present);
END"""


_METADATA_OF_FILES = (
    *(
        f"ALTER TABLE {table} ADD COLUMN {name} {kind}"
        for table, columns in _NEW_COLUMNS.items()
        for name, kind in columns.items()
    ),
    _HAND_DOWN,
    *(f"ALTER TABLE photos DROP COLUMN {name}" for name in _METADATA),
    "DROP TRIGGER files_came",
    _FILE_CAME_AGELESS,
    "DROP TRIGGER files_changed",
    _FILE_CHANGED_AGELESS,
)

# Text folded by the program, see `store.text`: one row per file, and an index of trigrams that follows it.
_FILE_TEXTS = """
CREATE TABLE file_texts (
    file_id INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    added_folder INTEGER NOT NULL,
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    suffix TEXT NOT NULL,
    keywords TEXT NOT NULL,
    description TEXT NOT NULL
)"""
_TEXT = """
CREATE VIRTUAL TABLE text USING fts5(
    name, folder, keywords, description, content = 'file_texts', content_rowid = 'file_id', columnsize = 0,
    tokenize = 'trigram case_sensitive 1'
)"""
_INTO_TEXT = """INSERT INTO text (rowid, name, folder, keywords, description)
        VALUES (NEW.file_id, NEW.name, NEW.folder, NEW.keywords, NEW.description);"""
_OUT_OF_TEXT = """INSERT INTO text (text, rowid, name, folder, keywords, description)
        VALUES ('delete', OLD.file_id, OLD.name, OLD.folder, OLD.keywords, OLD.description);"""
_TEXT_CAME = f"CREATE TRIGGER texts_came AFTER INSERT ON file_texts BEGIN {_INTO_TEXT} END"
_TEXT_WENT = f"CREATE TRIGGER texts_went AFTER DELETE ON file_texts BEGIN {_OUT_OF_TEXT} END"
_TEXT_CHANGED = (
    f"CREATE TRIGGER texts_changed AFTER UPDATE ON file_texts BEGIN {_OUT_OF_TEXT} {_INTO_TEXT} END"
)
_TEXTS_DUE = "CREATE TABLE texts_due (file_id INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE)"
_TEXT_DUE_BY_COMING = """
CREATE TRIGGER files_came_with_text AFTER INSERT ON files BEGIN
    INSERT OR IGNORE INTO texts_due (file_id) VALUES (NEW.id);
END"""
_TEXT_DUE_BY_CHANGE = """
CREATE TRIGGER files_changed_text AFTER UPDATE OF folder_id, name, keywords, description ON files
WHEN OLD.folder_id <> NEW.folder_id OR OLD.name <> NEW.name OR OLD.keywords IS NOT NEW.keywords
    OR OLD.description IS NOT NEW.description
BEGIN
    INSERT OR IGNORE INTO texts_due (file_id) VALUES (NEW.id);
END"""
# Values derived from files can be cached until this number changes.
_REVISION = "CREATE TABLE revision (number INTEGER NOT NULL)"
_TELLING = ("folder_id", "name", "mtime_ns", "photo_id", "present", *_METADATA, "keywords", "description")
_REVISED = """
CREATE TRIGGER files_revised_by_{name} AFTER {event} ON files BEGIN
    UPDATE revision SET number = number + 1;
END"""
_REVISING = {"coming": "INSERT", "going": "DELETE", "change": f"UPDATE OF {', '.join(_TELLING)}"}
# Counts read these indexes instead of the table.
_COUNTED = (
    "CREATE INDEX file_texts_place ON file_texts (added_folder, folder, suffix)",
    "CREATE INDEX files_camera ON files (camera, photo_id, present) WHERE present AND camera IS NOT NULL",
    "CREATE INDEX files_keywords ON files (keywords, photo_id, present) WHERE present AND keywords IS NOT NULL",
    "CREATE INDEX files_unseen ON files (id) WHERE NOT present OR photo_id IS NULL",
)
# A row with a name is a saved search, with its position in the list; the others are history.
_SEARCHES = """
CREATE TABLE searches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    query TEXT NOT NULL,
    name TEXT,
    position INTEGER CHECK ((position IS NULL) = (name IS NULL)),
    used_at REAL NOT NULL,
    times INTEGER NOT NULL DEFAULT 1
)"""


_TEXTS_AND_SEARCHES = (
    *(_FILE_TEXTS, _TEXT, _TEXTS_DUE, _REVISION, _SEARCHES),
    *(_TEXT_CAME, _TEXT_WENT, _TEXT_CHANGED, _TEXT_DUE_BY_COMING, _TEXT_DUE_BY_CHANGE),
    *(_REVISED.format(name=name, event=event) for name, event in _REVISING.items()),
    *_COUNTED,
    "CREATE INDEX file_texts_name ON file_texts (name)",
    "CREATE UNIQUE INDEX searches_history ON searches (query) WHERE name IS NULL",
    "INSERT INTO revision (number) VALUES (0)",
    "INSERT INTO texts_due (file_id) SELECT id FROM files",
)

_MORE_METADATA = {
    "taken_subsecond": "TEXT", "altitude": "REAL", "direction": "REAL", "focal": "REAL", "focal35": "REAL", "aperture": "REAL",
    "exposure": "REAL", "iso": "INTEGER", "flash": "INTEGER", "label": "TEXT", "title": "TEXT", "creator": "TEXT",
    "copyright": "TEXT", "bits": "INTEGER", "colour_space": "TEXT", "edited": "INTEGER",
}  # fmt: skip
_LOOKED_UP = "CREATE INDEX files_{0} ON files ({0}, photo_id, present) WHERE present AND {0} IS NOT NULL"
_EXPOSURES_AND_TITLES = (
    *(f"ALTER TABLE files ADD COLUMN {name} {kind}" for name, kind in _MORE_METADATA.items()),
    "DROP TRIGGER files_revised_by_change",
    _REVISED.format(name="change", event=f"UPDATE OF {', '.join((*_TELLING, *_MORE_METADATA))}"),
    *(_LOOKED_UP.format(column) for column in ("place", "lens")),
)

# A title is searched like the description.
_TEXT_DUE_BY_TITLE = """
CREATE TRIGGER files_changed_text AFTER UPDATE OF folder_id, name, keywords, title, description ON files
WHEN OLD.folder_id <> NEW.folder_id OR OLD.name <> NEW.name OR OLD.keywords IS NOT NEW.keywords
    OR OLD.title IS NOT NEW.title OR OLD.description IS NOT NEW.description
BEGIN
    INSERT OR IGNORE INTO texts_due (file_id) VALUES (NEW.id);
END"""
_TITLES_AND_SIDECARS: Step = (
    "ALTER TABLE files ADD COLUMN beside INTEGER",
    "DROP TRIGGER files_changed_text",
    _TEXT_DUE_BY_TITLE,
    *(_LOOKED_UP.format(column) for column in ("label", "iso", "aperture", "focal")),
    write_due_texts,  # due since the step that added texts
)

# A space's index has its parts and photos, too.
_MOMENTS = (
    "ALTER TABLE vectors ADD COLUMN moment REAL",
    "DROP INDEX vectors_space",
    "CREATE INDEX vectors_rows ON vectors (space_id, id, part, photo_id)",
    "CREATE INDEX vectors_moments ON vectors (photo_id, space_id, part, moment) WHERE moment IS NOT NULL",
)


def _pair_edits(schema: sqlite3.Connection) -> None:
    """Pairs the edits of iPhones, which are due since the step that added pairs."""
    edits = schema.execute("SELECT folder_id, name FROM files WHERE instr(name, CAST('IMG_E' AS BLOB))")
    for folder_id, name in edits.fetchall():
        pair(schema, folder_id, name)


# A photo that is forgotten leaves no colours: its bytes in its block of 1024 photos are cleared.
_COLOURS_WENT = """
CREATE TRIGGER photos_colours_went AFTER DELETE ON photos BEGIN
    UPDATE colours SET codes = CAST(
        substr(codes, 1, OLD.id % 1024 * (length(codes) / 1024)) || zeroblob(length(codes) / 1024)
        || substr(codes, (OLD.id % 1024 + 1) * (length(codes) / 1024) + 1) AS BLOB)
    WHERE block = OLD.id / 1024;
END"""
# The vectors of long pictures without squares, and those of films, are by an older rule.
_DERIVED = (
    """
CREATE TABLE derived (
    photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    rule INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('done', 'nothing', 'failed')),
    tries INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (photo_id, kind)
) WITHOUT ROWID""",
    "INSERT INTO derived (photo_id, kind, rule, state) SELECT id, 'thumbnail', 1, 'done' FROM photos",
    """
INSERT INTO derived (photo_id, kind, rule, state)
SELECT id, 'likeness', 1, CASE WHEN phash IS NULL THEN 'nothing' ELSE 'done' END FROM photos""",
    """
INSERT INTO derived (photo_id, kind, rule, state)
SELECT photo_id, 'vectors ' || name, 2 - (moment IS NOT NULL OR max(width, height) > 2.2 * min(width, height)
    AND NOT EXISTS (SELECT 1 FROM vectors AS others WHERE others.photo_id = vectors.photo_id
        AND others.space_id = vectors.space_id AND others.part)), 'done'
FROM vectors JOIN spaces ON spaces.id = space_id JOIN photos ON photos.id = photo_id WHERE NOT part""",
    """
INSERT INTO derived (photo_id, kind, rule, state)
SELECT photos.id, 'colours', rule, 'done' FROM photos JOIN colours ON block = photos.id / 1024
WHERE substr(codes, photos.id % 1024 * (length(codes) / 1024) + 1, 1) <> x'00'""",
    # What was derived from a picture that was decoded in another way is due again.
    """
CREATE TRIGGER photos_outdated AFTER UPDATE OF picture_rule ON photos WHEN OLD.picture_rule < NEW.picture_rule BEGIN
    DELETE FROM derived WHERE photo_id = NEW.id;
END""",
    "DROP TRIGGER vectors_went",
    """
CREATE TRIGGER vectors_went AFTER DELETE ON vectors BEGIN
    UPDATE spaces SET deletions = deletions + 1 WHERE id = OLD.space_id;
    DELETE FROM derived WHERE photo_id = OLD.photo_id AND NOT OLD.part
        AND kind = (SELECT 'vectors ' || name FROM spaces WHERE id = OLD.space_id);
END""",
)


def _set_files_apart(schema: sqlite3.Connection) -> None:
    """A sentence of before is a template without values; the file that a problem names first becomes a value."""
    rows = schema.execute(
        "SELECT problems.rowid, path, name, message FROM problems JOIN folders ON folders.id = folder_id"
    ).fetchall()
    for row, folder, name, sentence in rows:
        path = as_text(file_path(Path(os.fsdecode(folder)), name))
        for template in ("{path} cannot be shown: {reason}", "{path} {reason}"):
            start = template.format(path=path, reason="")
            if sentence.startswith(start):
                message = Message(template, path=path, reason=Message(sentence[len(start) :]))
                put = "UPDATE problems SET message = ?, message_values = ? WHERE rowid = ?"
                schema.execute(put, (*written(message), row))
                break


MIGRATIONS: Steps = (
    (*_TABLES, *_INDEXES, *_TRIGGERS),
    _METADATA_OF_FILES,
    _TEXTS_AND_SEARCHES,
    # An index on dates: 1 ms instead of 22 for 100,000 photos.
    ("CREATE INDEX files_taken ON files (taken, photo_id) WHERE present",),
    TAG_STATEMENTS,
    REJECTING_STATEMENTS,
    # How a space's photos were preprocessed, NULL in an older library until it is opened.
    ("ALTER TABLE spaces ADD COLUMN preprocessing TEXT",),
    _EXPOSURES_AND_TITLES,
    _TITLES_AND_SIDECARS,
    # A file may join another file's photo as its pair, and keeps the photo that it shows itself.
    (
        "ALTER TABLE files ADD COLUMN single_id INTEGER REFERENCES photos (id) ON DELETE SET NULL",
        "CREATE INDEX files_single ON files (single_id) WHERE single_id IS NOT NULL",
    ),
    # What an older Picsight could not read is looked at again: JPEG XL, and RAW under other names.
    ("DELETE FROM problems WHERE code = 'unsupported'",),
    _MOMENTS,
    # How long films last, and which photos have one in their file or beside it.
    (
        "ALTER TABLE files ADD COLUMN duration REAL",
        "ALTER TABLE files ADD COLUMN live INTEGER",
        "CREATE INDEX files_live ON files (photo_id) WHERE present AND live",
        _pair_edits,
    ),
    # Which colours photos show, by a numbered rule, for blocks of photo ids.
    (
        "CREATE TABLE colours (block INTEGER PRIMARY KEY, rule INTEGER NOT NULL, codes BLOB NOT NULL)",
        _COLOURS_WENT,
    ),
    # The thresholds that are fitted to the library where a model brings none.
    ("ALTER TABLE spaces ADD COLUMN calibration TEXT",),
    _DERIVED,
    # Messages are templates with values.
    (
        "ALTER TABLE problems ADD COLUMN message_values TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE tag_runs ADD COLUMN words_values TEXT NOT NULL DEFAULT '{}'",
        _set_files_apart,
    ),
    # What an older Picsight called damaged is looked at again: it may be of a rare kind, or have sound only.
    ("UPDATE problems SET size = NULL, mtime_ns = NULL WHERE code = 'damaged'",),
)


def migrate(connection: sqlite3.Connection, steps: Steps = MIGRATIONS) -> None:
    """Applies the missing steps, each in its own transaction together with its number."""
    for number, step in enumerate(steps, start=1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been first.
            if connection.execute("PRAGMA user_version").fetchone()[0] < number:
                for part in step:
                    if callable(part):
                        part(connection)
                    else:
                        connection.execute(part)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
