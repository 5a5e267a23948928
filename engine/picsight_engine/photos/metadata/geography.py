"""Names the place of a position, by GeoNames' table of towns and the outlines of countries, without network."""

from __future__ import annotations

import io
import lzma
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.assets import find_asset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


OUTLINE_UNITS = 100  # grid units of outlines per degree


@dataclass(frozen=True, slots=True)
class Outline:
    """A country and its rings, each [n, 2] longitudes and latitudes in degrees, its last point joined to its first.

    A point is inside if an odd number of rings surrounds it: a ring may be a hole. No ring crosses the antimeridian.
    `boxes` has for each ring the smallest longitude and latitude, then the largest.
    """

    country: str
    rings: tuple[NDArray[np.float32], ...]
    boxes: tuple[tuple[float, float, float, float], ...]


@cache
def outlines() -> tuple[Outline, ...]:
    """Every country with its outline, read once: some 15 ms. A country with disputed parts may occur twice."""
    with np.load(io.BytesIO(lzma.decompress(find_asset("places/outlines.npz.xz").read_bytes()))) as file:
        names, countries, lengths, steps = (file[key] for key in ("names", "countries", "lengths", "steps"))
    # The sum of 16-bit steps wraps around and back again.
    points = np.cumsum(steps, axis=1, dtype=np.int16).T.astype(np.float32) / np.float32(OUTLINE_UNITS)
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


TOWN_UNITS = 300  # grid units of towns per degree
SIZES = 4  # of the file's sizes of towns, while their people double

_EARTH = 6371.0  # kilometres
_FARTHEST = 50.0  # kilometres: the largest distance of a photo from the middle of its town
_OUTSIDE = 30.0  # ... and from its edge
_PEOPLE = 6000  # on a square kilometre of a town, for how far its edge is from the middle
# Kilometres: what a village has around its houses; the figures of the largest cities are those of whole provinces.
_NARROWEST, _WIDEST = 1.2, 25.0
_SHORE = 0.1  # degrees: the largest error of the outlines


@dataclass(frozen=True, slots=True)
class _Towns:
    """All towns by latitude: degrees [n], points on the unit sphere [n, 3], radii in kilometres [n], where their names
    begin and end in `text`, the number of the region.
    """

    lats: NDArray[np.float32]
    points: NDArray[np.float32]
    radii: NDArray[np.float32]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    region: NDArray[np.uint16]
    text: bytes
    regions: NDArray[np.str_]

    def named(self, town: int) -> list[str]:
        """A town's name, its region if it has one, its country."""
        name = self.text[self.begins[town] : self.ends[town]].decode()
        return [name, *str(self.regions[self.region[town]]).split(", ")]


def place_of(lat: float, lon: float) -> str | None:
    """The town, its region and country, or the country alone if no town is near; None at sea.

    The town is the one whose edge is nearest, or in which the position lies deepest: a photo in the middle of a city
    belongs to the city, not to its nearest quarter.
    """
    lon = -180.0 if lon == 180 else lon  # the outlines have the first of the two, which are one meridian
    towns = _towns()
    band = np.degrees(_FARTHEST / _EARTH)
    first, after = np.searchsorted(towns.lats, [lat - band, lat + band])
    chords = np.linalg.norm(towns.points[first:after] - _on_sphere(lat, lon), axis=1)
    distances = 2 * _EARTH * np.arcsin(np.minimum(chords / 2, 1))
    outside = np.where(distances <= _FARTHEST, distances - towns.radii[first:after], np.inf)
    if not outside.size or outside.min() > _OUTSIDE:
        return _country_near(lat, lon)
    chosen, nearest = (towns.named(first + int(each.argmin())) for each in (outside, distances))
    if nearest[0] == nearest[-1] and distances.min() <= _NARROWEST / 2:
        chosen = nearest  # a town that is a country, inside another: Vatican City
    return chosen[0] if chosen[0] == chosen[-1] else ", ".join(dict.fromkeys(chosen))


def radius(people: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The radius in kilometres of a town with this many people."""
    wide: NDArray[np.float64] = np.clip(np.sqrt(np.divide(people, _PEOPLE * np.pi)), _NARROWEST, _WIDEST)
    return wide


def _country_near(lat: float, lon: float) -> str | None:
    around = ((0, 0), (_SHORE, 0), (-_SHORE, 0), (0, _SHORE), (0, -_SHORE))
    return next(filter(None, (country_at(lat + north, lon + east) for north, east in around)), None)


@cache
def _towns() -> _Towns:
    with np.load(io.BytesIO(lzma.decompress(find_asset("places/towns.npz.xz").read_bytes()))) as file:
        names, people, region, regions = (file[key] for key in ("names", "people", "region", "regions"))
        lons, lats = np.cumsum(file["steps"], axis=1).astype(np.float32) / np.float32(TOWN_UNITS)
    order = np.argsort(lats, kind="stable")
    ends = np.append(np.flatnonzero(names == ord("\n")), len(names))
    begins = np.append(0, ends[:-1] + 1)
    radii = radius(np.exp2(people / SIZES)).astype(np.float32)
    return _Towns(
        lats[order], _on_sphere(lats, lons)[order], radii[order], begins[order], ends[order], region[order],
        names.tobytes(), regions,
    )  # fmt: skip


def _on_sphere(lats: NDArray[np.float32] | float, lons: NDArray[np.float32] | float) -> NDArray[np.float32]:
    north, east = np.radians(lats), np.radians(lons)
    across = np.cos(north)
    return np.stack([across * np.cos(east), across * np.sin(east), np.sin(north)], axis=-1).astype(np.float32)
