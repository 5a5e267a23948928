"""The names of well-known positions, and the outlines of countries compared with known areas."""

from __future__ import annotations

import re

import numpy as np
import pytest

from picsight_engine.photos.decoding.decode import read_header
from picsight_engine.photos.metadata.geography import country_at, outlines, place_of

KNOWN = """
48.8584    2.2945  Paris, Île-de-France, France
48.8049    2.1204  Versailles, Yvelines, France
43.6970    7.2760  Nice, Alpes-Maritimes, France
48.5730    7.8150  Kehl, Baden-Wurttemberg, Germany
43.7350    7.4210  Monaco
41.9022   12.4539  Vatican City
41.9031   12.4663  Rome, Lazio, Italy
41.8902   12.4922  Rome, Lazio, Italy
43.9367   12.4464  San Marino
51.5007   -0.1246  London, England, United Kingdom
51.4839   -0.6044  Windsor, England, United Kingdom
52.4042   13.0385  Potsdam, Brandenburg, Germany
64.1466  -21.9426  Reykjavík, Capital Region, Iceland
78.2232   15.6267  Longyearbyen, Svalbard, Svalbard and Jan Mayen
40.6892  -74.0445  New York City, New York, United States
34.1341 -118.3215  Los Angeles, California, United States
38.8977  -77.0365  Washington, District of Columbia, United States
43.0792  -79.0747  Niagara Falls, Ontario, Canada
43.0845  -79.0610  Niagara Falls, New York, United States
-22.9519  -43.2105  Rio de Janeiro, Brazil
-27.1212 -109.3664  Hanga Roa, Valparaíso, Chile
31.7781   35.2360  Jerusalem, Israel
25.1972   55.2744  Business Bay, Dubai, United Arab Emirates
1.2868  103.8545  Singapore
39.9163  116.3972  Beijing, China
-33.8568  151.2153  Sydney, New South Wales, Australia
-18.1416  178.4419  Suva, Central, Fiji
-44.6414  167.8974  New Zealand
25.0000    3.0000  Algeria
-24.0000  126.0000  Australia
-90.0000    0.0000  Antarctica
90.0000    0.0000  None
40.0000  -40.0000  None
0.0000 -180.0000  None
-16.8000 -180.0000  Fiji
-16.8000  180.0000  Fiji
"""
POSITIONS = [re.split(r"  (?=[A-Z])", line) for line in KNOWN.strip().splitlines()]


@pytest.mark.parametrize(("position", "place"), POSITIONS)
def test_a_well_known_position_has_the_name_that_people_give_it(position, place):
    assert str(place_of(*map(float, position.split()))) == place


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("camera/canon_600d_gps_keywords.jpg", "Yosemite Valley, California, United States"),
        ("camera/stonehenge_gps_west.heic", "Lark Hill, England, United Kingdom"),
        ("camera/gps_zero_zero_galaxy_s.jpg", None),
        ("formats/gps_dateline_west.jpg", "Fiji"),
    ],
)
def test_a_file_with_a_position_has_a_place(shared, name, place):
    path = shared / name
    assert read_header(path.read_bytes(), path).metadata.place == place


EARTH = 6371.0  # kilometres


def area(rings):
    """Square kilometres on the sphere; a hole runs the other way and counts against its ring."""
    total = 0.0
    for ring in rings:
        points = np.radians(ring.astype(np.float64))
        following = np.roll(points, -1, axis=0)
        total += (
            np.sum((following[:, 0] - points[:, 0]) * (np.sin(following[:, 1]) + np.sin(points[:, 1]))) / 2
        )
    return abs(total) * EARTH**2


@pytest.mark.parametrize(
    ("country", "square_kilometres"),
    [
        ("Russia", 17_098_000),
        ("Antarctica", 12_270_000),  # without its ice shelves
        ("Brazil", 8_516_000),
        ("South Africa", 1_221_000),  # Lesotho is a hole in it
        ("Italy", 301_300),
        ("Fiji", 18_300),  # on both sides of the antimeridian
    ],
)
def test_a_country_is_as_large_as_it_is_known_to_be(country, square_kilometres):
    rings = [ring for outline in outlines() if outline.country == country for ring in outline.rings]
    assert area(rings) == pytest.approx(square_kilometres, rel=0.06)


def test_all_land_lies_on_the_map_and_no_ring_goes_around_the_world():
    rings = [ring for outline in outlines() for ring in outline.rings]
    assert area(rings) == pytest.approx(148_900_000, rel=0.02)
    for ring in rings:
        assert ring.shape[1:] == (2,)
        assert np.all(np.abs(ring) <= (180, 90))
        jumps = np.abs(np.diff(ring[:, 0], append=ring[:1, 0])) > 180
        assert np.all(np.abs(ring[jumps, 1]) == 90)  # but along a pole


@pytest.mark.parametrize(
    ("lat", "lon", "country"),
    [
        (48.86, 2.35, "France"),
        (4.0, -53.0, "France"),  # in South America
        (-29.5, 28.2, "Lesotho"),
        (66.0, -172.0, "Russia"),  # east of the antimeridian
        (-17.8, 178.0, "Fiji"),
        (40.0, -40.0, None),
        (90.0, 0.0, None),
    ],
)
def test_a_position_lies_in_its_country(lat, lon, country):
    assert country_at(lat, lon) == country
