"""Finds photos that show the same picture: copies that were re-encoded, resized or saved by another program.

Stacks belong to the library, not to an answer: each photo is compared once, with the first photo of every stack, and
later photos do not change the result. Bursts and crops count as different photos.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.store.derived.thumbnails import MOST_BITS
from picsight_engine.store.files import dates_of
from picsight_engine.store.photos import sketches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from picsight_engine.photos.thumbnail import Miniature
    from picsight_engine.store.database import Database
    from picsight_engine.store.derived.thumbnails import Sketch, ThumbnailStore

    Judge = Callable[[Sketch, Sketch], bool]

RULE = 1  # of what counts as the same; if it is raised, every photo is compared again
_AT_ONCE = 1024  # photos per transaction


def find_stacks(db: Database, thumbnails: ThumbnailStore) -> None:
    """Compares every visible photo that was not compared yet and has a thumbnail.

    Raises:
        StorageError: the disk is full or gone; earlier batches stay.
    """
    shown = sketches(db)
    known = thumbnails.stacks(RULE)
    outdated = {sketch.id for sketch in known.keys() - set(shown)}
    if outdated:  # hidden behind another photo, or read anew by another rule
        thumbnails.dissolve_stacks(outdated)
        known = thumbnails.stacks(RULE)
    new = [sketch for sketch in shown if sketch not in known]
    if not new:
        return
    pictured = set(thumbnails.ids())
    firsts = Firsts(len(shown), ((sketch, known[sketch]) for sketch in shown if sketch in known))
    judge = _judge(db, thumbnails)
    waiting = [sketch for sketch in new if sketch.id in pictured]
    for start in range(0, len(waiting), _AT_ONCE):
        found = [(sketch, firsts.stack_of(sketch, judge)) for sketch in waiting[start : start + _AT_ONCE]]
        thumbnails.put_stacks(found, RULE)


class Firsts:
    """The first photo of every stack, with which the others are compared."""

    def __init__(self, capacity: int, known: Iterable[tuple[Sketch, int]] = ()) -> None:
        """`known` are photos with their stacks, in order of ids; `capacity` is the maximum number of photos."""
        self._phashes = np.empty(capacity, np.int64)
        self._firsts: list[tuple[Sketch, int]] = []
        seen: set[int] = set()
        for sketch, stack in known:
            if stack not in seen:
                seen.add(stack)
                self._add(sketch, stack)

    def stack_of(self, sketch: Sketch, same: Judge) -> int:
        """The stack of a photo; a new one if no first photo shows the same picture."""
        for first, stack in self._near(sketch):
            if same(first, sketch):
                return stack
        self._add(sketch, sketch.id)
        return sketch.id

    def _near(self, sketch: Sketch) -> Iterator[tuple[Sketch, int]]:
        """The first photos of stacks with a similar hash and shape."""
        bits = np.bitwise_count(self._phashes[: len(self._firsts)] ^ np.int64(sketch.phash))
        for place in np.flatnonzero(bits <= MOST_BITS).tolist():
            first, stack = self._firsts[place]
            if same_shape(first, sketch):
                yield first, stack

    def _add(self, sketch: Sketch, stack: int) -> None:
        self._phashes[len(self._firsts)] = sketch.phash
        self._firsts.append((sketch, stack))


def same_shape(one: Sketch, other: Sketch) -> bool:
    """Whether one size is the other resized, with each side rounded to whole pixels."""
    small, large = sorted((one, other), key=lambda sketch: sketch.width * sketch.height)
    scale = max(small.width, small.height) / max(large.width, large.height)
    return abs(large.width * scale - small.width) <= 1 and abs(large.height * scale - small.height) <= 1


def _judge(db: Database, thumbnails: ThumbnailStore) -> Judge:
    """Compares two photos by their pixels and their dates."""
    from picsight_engine.photos.thumbnail import (  # lazy: Pillow takes 30 ms
        miniature,
        same_picture,
    )

    @lru_cache(maxsize=_AT_ONCE)
    def small(photo_id: int) -> Miniature | None:
        jpeg = thumbnails.get(photo_id)
        return None if jpeg is None else miniature(jpeg)

    def same(one: Sketch, other: Sketch) -> bool:
        first, second = small(one.id), small(other.id)
        if first is None or second is None or not same_picture(first, second):
            return False
        dates = dates_of(db, [one.id, other.id])
        return not (dates[one.id] and dates[other.id]) or bool(dates[one.id] & dates[other.id])

    return same
