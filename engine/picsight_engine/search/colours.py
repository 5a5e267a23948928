"""Colours in searches: lowers the scores of photos without the named colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.photos.colours import (
    NAMES,
    RULE,
    may_show,
    named_colours,
    nats_of,
)
from picsight_engine.store.derived.colours import colour_codes_of
from picsight_engine.store.overview.counts import photos_revision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database


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
