"""What people call a position: "Nice, Alpes-Maritimes, France". By GeoNames' table of towns; nothing is asked of a network."""

from __future__ import annotations

import io
import lzma
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.assets import find_asset
from picsight_engine.photos.outlines import country_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNITS = 300  # of the file's grid, in one degree
SIZES = 4  # of the file's sizes of towns, while their people double

_EARTH = 6371.0  # kilometres
_FARTHEST = 50.0  # kilometres from the middle of a town up to which a photo may be of it
_OUTSIDE = 30.0  # ... and from its edge
_PEOPLE = 6000  # on a square kilometre of a town, for how far its edge is from the middle
# Kilometres: what a village has around its houses; the figures of the largest cities are those of whole provinces.
_NARROWEST, _WIDEST = 1.2, 25.0
_SHORE = 0.1  # degrees by which the outlines may be off


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
    """The town, its region and country, or the country alone where no town is near; None at sea.

    The town is the one whose edge is nearest, or in which the position lies deepest: a photo in the middle of a city is of
    the city, not of its nearest quarter.
    """
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
    """How far a town of so many people reaches from its middle, in kilometres."""
    wide: NDArray[np.float64] = np.clip(np.sqrt(np.divide(people, _PEOPLE * np.pi)), _NARROWEST, _WIDEST)
    return wide


def _country_near(lat: float, lon: float) -> str | None:
    around = ((0, 0), (_SHORE, 0), (-_SHORE, 0), (0, _SHORE), (0, -_SHORE))
    return next(filter(None, (country_at(lat + north, lon + east) for north, east in around)), None)


@cache
def _towns() -> _Towns:
    with np.load(io.BytesIO(lzma.decompress(find_asset("places/towns.npz.xz").read_bytes()))) as file:
        names, people, region, regions = (file[key] for key in ("names", "people", "region", "regions"))
        lons, lats = np.cumsum(file["steps"], axis=1).astype(np.float32) / np.float32(UNITS)
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
