"""The outlines of countries against what geography books say."""

from __future__ import annotations

import numpy as np
import pytest

from picsight_engine.photos.geography import country_at, outlines

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
        ("Australia", 7_692_000),
        ("South Africa", 1_221_000),  # Lesotho is a hole in it
        ("Italy", 301_300),
        ("Fiji", 18_300),  # on both sides of the antimeridian
        ("Luxembourg", 2_586),
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
        (-89.0, 10.0, "Antarctica"),
        (40.0, -40.0, None),
        (90.0, 0.0, None),
        (0.0, 180.0, None),
    ],
)
def test_a_position_lies_in_its_country(lat, lon, country):
    assert country_at(lat, lon) == country
