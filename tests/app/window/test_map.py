"""A map shows all positions and enough land around them to know where they are."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from PySide6.QtGui import QColor

from picsight.window.parts.map import PlacesMap, read_land, view_of
from picsight.window.tokens import tones

ASPECT = 2.0


def sight(positions):
    """What is in sight: degrees north from and to, and how many degrees of longitude lie on each side of the middle."""
    middle, high = view_of(positions, read_land(), ASPECT)
    beside = high * ASPECT / 2 / max(math.cos(math.radians(middle.y())), 0.2)
    return -middle.y() - high / 2, -middle.y() + high / 2, middle.x(), beside


@pytest.mark.parametrize(
    ("position", "corners"),
    [
        ((43.70, 7.27), [(51, 2.5), (42.4, 3), (48.4, -4.7)]),  # Nice, on the coast: all of France
        ((46.0, 8.95), [(47.7, 8.5), (46.2, 6.1)]),  # Lugano: Switzerland
        ((64.15, -21.94), [(66.4, -16), (63.4, -19)]),  # Reykjavik: Iceland
        ((-40.0, -20.0), [(-34, 18.4), (-33, -53)]),  # the ocean: Africa and America
        ((4.17, 73.5), [(8.1, 77.5)]),  # Malé, on an island too small to be seen: the tip of India
        ((55.75, 37.6), [(60, 30), (50.5, 30.5)]),  # Moscow: not all of Russia, but its west
    ],
)
def test_the_land_around_a_position_is_seen(position, corners):
    south, north, middle, beside = sight([position])
    for lat, lon in (position, *corners):
        assert south < lat < north
        assert abs(lon - middle) < beside
    assert north - south < 90


def test_every_position_is_in_sight_also_on_both_sides_of_the_antimeridian():
    draw = random.Random(3)
    for _ in range(30):
        wide = draw.choice((1, 10, 100))
        north, east = draw.uniform(-80, 80), draw.uniform(-180, 180)
        positions = [
            (max(-89, min(89, north + draw.uniform(-9, 9))), (east + draw.uniform(0, wide) + 180) % 360 - 180)
            for _ in range(5)
        ]
        low, high, middle, beside = sight(positions)
        for lat, lon in positions:
            assert low <= lat <= high
            assert abs((lon - middle + 180) % 360 - 180) <= beside
        assert beside < 180 or wide > 10 or abs(north) > 70


def test_positions_all_around_the_world_are_seen_as_maps_of_the_world_have_it():
    assert abs(sight([(0, -175), (40, -75), (45, 5), (35, 140), (-18, 178)])[2]) < 5


def test_the_mark_is_where_the_position_is(qtbot):
    shown = PlacesMap()
    qtbot.addWidget(shown)
    shown.resize(252, 126)
    shown.show_positions([(-17.8, 177.97)], read_land(), "The map shows Fiji.")
    picture, accent = shown.grab().toImage(), tones(shown).accent
    pixels = itertools.product(range(picture.width()), range(picture.height()))
    found = [pixel for pixel in pixels if QColor(picture.pixel(*pixel)) == accent]
    middle, high = view_of([(-17.8, 177.97)], read_land(), 2.0)
    ratio = picture.width() / 252
    x, y = (sum(each) / len(found) / ratio for each in zip(*found, strict=True))
    scale = 126 / high
    assert x == pytest.approx(126 + (177.97 - middle.x()) * math.cos(math.radians(17.8)) * scale, abs=1.5)
    assert y == pytest.approx(63 + (17.8 - middle.y()) * scale, abs=1.5)
    assert "GeoNames" in shown.toolTip()  # its licence asks for that
    shown.show_positions([], read_land(), "")
    assert shown.isHidden()
