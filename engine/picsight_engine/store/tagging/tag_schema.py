"""The tables of tags: definitions, decisions and suggestions; and the user's stars.

Every change is a run (`tag_runs`), which is undone as a whole. Decisions and ratings are only ever added, and count while
their run is not undone; `before` and `after` hold the definitions that a run changed. The resulting states are in
`tag_photos`, one row for each photo that is decided or suggested.
"""

from __future__ import annotations

_TAGS = """
CREATE TABLE tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    parent_id INTEGER REFERENCES tags (id),
    kind TEXT NOT NULL CHECK (kind IN ('tag', 'album', 'favourite')),
    threshold REAL CHECK (threshold BETWEEN 0 AND 1),
    suggests INTEGER NOT NULL DEFAULT 0 CHECK (suggests IN (0, 1)),
    created_at REAL NOT NULL,
    removed_at REAL,
    merged_into INTEGER REFERENCES tags (id)
)"""
_PROMPTS = """
CREATE TABLE tag_prompts (
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (tag_id, position)
) WITHOUT ROWID"""
# Cached text embeddings, so that ten thousand tags are not embedded again after each indexing.
_PROMPT_VECTORS = """
CREATE TABLE prompt_vectors (
    tower TEXT NOT NULL,
    text TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (tower, text)
)"""
_EXAMPLES = """
CREATE TABLE tag_examples (
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    against INTEGER NOT NULL CHECK (against IN (0, 1)),
    PRIMARY KEY (tag_id, photo_id)
) WITHOUT ROWID"""
_RUNS = """
CREATE TABLE tag_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    words TEXT NOT NULL,
    made_at REAL NOT NULL,
    undone_at REAL,
    before TEXT NOT NULL DEFAULT '[]',
    after TEXT NOT NULL DEFAULT '[]'
)"""
# `score` is the suggestion's score at the time of the decision, NULL if the photo was not suggested.
_DECISIONS = """
CREATE TABLE tag_decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected', 'withdrawn')),
    source TEXT NOT NULL,
    run_id INTEGER NOT NULL REFERENCES tag_runs (id) ON DELETE CASCADE,
    decided_at REAL NOT NULL,
    score REAL
)"""
# The rows of a merged tag belong to the tag that it was merged into.
_PHOTOS = """
CREATE TABLE tag_photos (
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    verdict TEXT CHECK (verdict IN ('accepted', 'rejected')),
    score REAL,
    PRIMARY KEY (tag_id, photo_id)
) WITHOUT ROWID"""
# A run's changes to scores: records of photo, score before and score after, see `suggestions`.
_RUN_SCORES = """
CREATE TABLE tag_run_scores (
    run_id INTEGER NOT NULL REFERENCES tag_runs (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    space TEXT NOT NULL,
    scores BLOB NOT NULL,
    PRIMARY KEY (run_id, tag_id)
)"""
# NULL withdraws the stars, so that the file's rating counts again.
_RATINGS = """
CREATE TABLE {name} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    stars INTEGER CHECK (stars BETWEEN {least} AND 5),
    run_id INTEGER NOT NULL REFERENCES tag_runs (id) ON DELETE CASCADE,
    rated_at REAL NOT NULL
)"""
# One row. `revision` changes with every change of these tables; scores cover the vectors of `space` up to `scored_row`;
# `filed` is the revision last written to the file beside the database, `filed_hash` is that file's xxh3-128.
_STATE = """
CREATE TABLE tag_state (
    revision INTEGER NOT NULL,
    space TEXT,
    scored_row INTEGER NOT NULL,
    filed INTEGER NOT NULL,
    filed_hash BLOB
)"""
# The file beside the database names photos; forgotten ones must be removed from it.
_FORGOTTEN = """
CREATE TRIGGER photos_forgotten BEFORE DELETE ON photos
WHEN EXISTS (SELECT 1 FROM tag_decisions WHERE photo_id = OLD.id)
    OR EXISTS (SELECT 1 FROM tag_examples WHERE photo_id = OLD.id)
    OR EXISTS (SELECT 1 FROM ratings WHERE photo_id = OLD.id)
BEGIN
    UPDATE tag_state SET revision = revision + 1;
END"""
_RATING_INDEXES = (
    "CREATE INDEX ratings_photo ON ratings (photo_id, id)",
    "CREATE INDEX ratings_run ON ratings (run_id)",
)
_INDEXES = (
    "CREATE INDEX tags_called ON tags (key) WHERE removed_at IS NULL",
    "CREATE INDEX tags_below ON tags (parent_id)",
    "CREATE INDEX tags_merged ON tags (merged_into) WHERE merged_into IS NOT NULL",
    "CREATE INDEX tag_examples_photo ON tag_examples (photo_id)",
    "CREATE INDEX tag_decisions_pair ON tag_decisions (tag_id, photo_id, id)",
    "CREATE INDEX tag_decisions_photo ON tag_decisions (photo_id)",
    "CREATE INDEX tag_decisions_run ON tag_decisions (run_id)",
    "CREATE INDEX tag_photos_counted ON tag_photos (tag_id, verdict)",
    "CREATE INDEX tag_photos_photo ON tag_photos (photo_id)",
    *_RATING_INDEXES,
)
FAVOURITES = """
INSERT INTO tags (name, key, kind, created_at)
VALUES ('Favourites', 'favourites', 'favourite', CAST(strftime('%s', 'now') AS REAL))"""
_FIRST_STATE = "INSERT INTO tag_state (revision, space, scored_row, filed) VALUES (0, NULL, 0, 0)"

TAG_STATEMENTS = (
    _TAGS,
    _PROMPTS,
    _PROMPT_VECTORS,
    _EXAMPLES,
    _RUNS,
    _DECISIONS,
    _PHOTOS,
    _RUN_SCORES,
    _RATINGS.format(name="ratings", least=0),
    _STATE,
    *_INDEXES,
    _FORGOTTEN,
    FAVOURITES,
    _FIRST_STATE,
)

# A rejected photo has -1 stars.
REJECTING_STATEMENTS = (
    "DROP TRIGGER photos_forgotten",  # it refers to the table, which is recreated
    _RATINGS.format(name="new_ratings", least=-1),
    "INSERT INTO new_ratings SELECT * FROM ratings",
    "DROP TABLE ratings",
    "ALTER TABLE new_ratings RENAME TO ratings",
    *_RATING_INDEXES,
    _FORGOTTEN,
)
