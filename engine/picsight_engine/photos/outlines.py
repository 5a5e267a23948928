"""The outlines of the world's countries, by Natural Earth at 1:50 million: for maps, and for the country of a position."""

from __future__ import annotations

import io
import lzma
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.assets import find_asset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

UNITS = 100  # of the file's grid, in one degree


@dataclass(frozen=True, slots=True)
class Outline:
    """A country and its rings, each [n, 2] longitudes and latitudes in degrees, its last point joined to its first.

    A point is inside where an odd number of rings surrounds it: a ring may be a hole. No ring crosses the antimeridian.
    `boxes` has for each ring the least longitude and latitude, then the greatest.
    """

    country: str
    rings: tuple[NDArray[np.float32], ...]
    boxes: tuple[tuple[float, float, float, float], ...]


@cache
def outlines() -> tuple[Outline, ...]:
    """Every country with its outline, read once: some 15 ms. A country with disputed parts may occur twice."""
    with np.load(io.BytesIO(lzma.decompress(find_asset("places/outlines.npz.xz").read_bytes()))) as file:
        names, countries, lengths, steps = (file[key] for key in ("names", "countries", "lengths", "steps"))
    # The sum of 16-bit steps runs over and back again.
    points = np.cumsum(steps, axis=1, dtype=np.int16).T.astype(np.float32) / np.float32(UNITS)
    begins = np.append(0, np.cumsum(lengths)[:-1])
    boxes = np.hstack([edge.reduceat(points, begins) for edge in (np.minimum, np.maximum)]).tolist()
    rings = np.split(points, begins[1:])
    firsts = np.searchsorted(countries, np.arange(len(names) + 1))
    return tuple(
        Outline(str(name), tuple(rings[first:after]), tuple(map(tuple, boxes[first:after])))
        for name, first, after in zip(names, firsts, firsts[1:], strict=False)
    )


def country_at(lat: float, lon: float) -> str | None:
    """The country in whose outline a position lies; None at sea. The outlines are off by a few kilometres."""
    for outline in outlines():
        around = [
            ring
            for ring, (west, south, east, north) in zip(outline.rings, outline.boxes, strict=True)
            if west <= lon <= east and south <= lat <= north
        ]
        if is_inside(around, lon, lat):
            return outline.country
    return None


def is_inside(rings: Sequence[NDArray[np.floating]], lon: float, lat: float) -> bool:
    """Whether an odd number of rings surrounds a position: how often each crosses the parallel east of it."""
    return sum(_crossings(ring, lon, lat) for ring in rings) % 2 == 1


def _crossings(ring: NDArray[np.floating], lon: float, lat: float) -> int:
    east, north = ring[:, 0], ring[:, 1]
    above = north > lat
    (ends,) = np.nonzero(above != np.roll(above, 1))
    starts = ends - 1
    across = east[starts] + (lat - north[starts]) / (north[ends] - north[starts]) * (
        east[ends] - east[starts]
    )
    return int(np.count_nonzero(across > lon))
