"""What a text tower makes of the words of tags, kept so that ten thousand tags are not read anew after each indexing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

_STORED = np.dtype("<f4")  # as it came: what is suggested must not depend on whether it was kept

_KNOWN = """
SELECT text, vector FROM prompt_vectors WHERE tower = ? AND text IN (SELECT value FROM json_each(?))"""
_PUT = "INSERT OR REPLACE INTO prompt_vectors (tower, text, vector) VALUES (?, ?, ?)"
_DROP_OTHERS = "DELETE FROM prompt_vectors WHERE tower <> ?"


def kept_vectors(db: Database, tower: str, texts: Iterable[str]) -> dict[str, NDArray[np.float32]]:
    """The vectors [dim] of those of these texts that are kept."""
    with db.reading() as connection:
        rows = connection.execute(_KNOWN, (tower, json.dumps(list(texts)))).fetchall()
    return {text: np.frombuffer(blob, _STORED).astype(np.float32) for text, blob in rows}


def keep_vectors(
    connection: sqlite3.Connection, tower: str, vectors: Mapping[str, NDArray[np.float32]]
) -> None:
    """Keeps them; those of other towers are not needed any more."""
    connection.execute(_DROP_OTHERS, (tower,))
    rows = [(tower, text, vector.astype(_STORED).tobytes()) for text, vector in vectors.items()]
    connection.executemany(_PUT, rows)
