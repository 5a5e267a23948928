"""The colour codes of photos, in blocks: a search reads those of 100,000 photos in a few milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

BLOCK = 1024  # photo ids, as in the trigger of `migrations`
_GET = "SELECT block, codes FROM colours WHERE rule = ?"
_GET_ONE = "SELECT codes FROM colours WHERE rule = ? AND block = ?"
_PUT = "INSERT OR REPLACE INTO colours (block, rule, codes) VALUES (?, ?, ?)"
_REVISE = "UPDATE revision SET number = number + 1"


def colour_codes_of(db: Database, photo_ids: NDArray[np.int64], rule: int, width: int) -> NDArray[np.uint8]:
    """The codes [n, width] of these photos by this rule; 0 for a photo that was not measured by it."""
    blocks = db.rows(_GET, rule)
    last = max(int(photo_ids.max(initial=0)) // BLOCK, *(block for block, _ in blocks), 0)
    codes = np.zeros((BLOCK * (1 + last), width), np.uint8)
    for block, content in blocks:
        codes[BLOCK * block : BLOCK * (block + 1)] = np.frombuffer(content, np.uint8).reshape(BLOCK, -1)
    return codes[photo_ids]


def put_colour_codes(
    connection: sqlite3.Connection, codes: Mapping[int, bytes | None], rule: int, width: int
) -> None:
    """Stores the codes [width] of photos by this rule in the caller's transaction; None deletes a photo's.

    Those by another rule in the same block are dropped.
    """
    for block in sorted({photo_id // BLOCK for photo_id in codes}):
        row = connection.execute(_GET_ONE, (rule, block)).fetchone()
        content = bytearray(row[0] if row else bytes(BLOCK * width))
        for photo_id in (each for each in codes if each // BLOCK == block):
            start = photo_id % BLOCK * width
            content[start : start + width] = codes[photo_id] or bytes(width)
        connection.execute(_PUT, (block, rule, bytes(content)))
    connection.execute(_REVISE)
