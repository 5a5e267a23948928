"""What well-known positions are called."""

from __future__ import annotations

import re

import pytest

from picsight_engine.photos.decode import read_header
from picsight_engine.photos.geography import place_of

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
