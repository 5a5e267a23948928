"""Colours in searches: measures the photos of a library, and lowers the scores of photos without the named colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.photos.colours import (
    NAMES,
    RULE,
    UNMEASURED,
    colour_codes,
    may_show,
    named_colours,
    nats_of,
)
from picsight_engine.store.colours import colour_codes_of, put_colour_codes
from picsight_engine.store.contents import photos_revision
from picsight_engine.store.selection import visible_photos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database
    from picsight_engine.store.thumbnails import ThumbnailStore

_AT_ONCE = 1024  # photos per transaction


def measure_colours(db: Database, thumbnails: ThumbnailStore) -> None:
    """Measures every visible photo that was not measured yet and has a thumbnail: 5 s for 10,000.

    Raises:
        StorageError: the disk is full or gone; earlier batches stay.
    """
    shown = visible_photos(db)
    waiting = shown[colour_codes_of(db, shown, RULE, len(NAMES))[:, 0] == UNMEASURED].tolist()
    for start in range(0, len(waiting), _AT_ONCE):
        jpegs = ((photo_id, thumbnails.get(photo_id)) for photo_id in waiting[start : start + _AT_ONCE])
        measured = {photo_id: colour_codes(jpeg) for photo_id, jpeg in jpegs if jpeg is not None}
        if known := {photo_id: codes for photo_id, codes in measured.items() if codes is not None}:
            with db.writer() as connection:
                put_colour_codes(connection, known, RULE)


@dataclass(frozen=True, slots=True)
class ColourMatch:
    """For a search that names colours: what each row loses in nats, and which rows show the colours, both [n]."""

    nats: NDArray[np.float32]
    shows: NDArray[np.bool_]


class Colours:
    """The colours of one library's photos; those of all rows are kept until the library changes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: tuple[int, NDArray[np.int64], NDArray[np.uint8]] | None = None

    def match(self, texts: Sequence[str], photo_ids: NDArray[np.int64]) -> ColourMatch | None:
        """How the photos in these rows match the alternatives; None if one of them names no colour.

        The alternative that suits a photo best counts.
        """
        columns = [named_colours(text) for text in texts]
        if not columns or not all(columns):
            return None
        revision, known = photos_revision(self._db), self._known
        if known is None or known[0] != revision or known[1] is not photo_ids:
            by_column = np.asfortranarray(colour_codes_of(self._db, photo_ids, RULE, len(NAMES)))
            self._known = known = revision, photo_ids, by_column
        codes = known[2]
        nats = np.stack([nats_of(codes, each) for each in columns]).min(axis=0)
        return ColourMatch(nats, np.logical_or.reduce([may_show(codes, each) for each in columns]))
