"""Faces that other programs named in a file or its side-car: a name and a box in the upright picture.

The Metadata Working Group's regions come first, Microsoft's only without them: programs that write both write the same. Boxes of
the first kind count in the picture as it is stored, unless the dimensions beside them are those of the upright picture.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from picsight_engine.foundation.face import Box

if TYPE_CHECKING:
    from picsight_engine.photos.exif import Facts

REGIONS, DIMENSIONS = "XMP-mwg-rs:Region", "XMP-mwg-rs:AppliedToDimensions"
RECTANGLES = "XMP-MPReg:Rectangle"


class Region(NamedTuple):
    """A named face."""

    name: str
    box: Box


def regions_of(facts: Facts, beside: Facts, stored: tuple[int, int], orientation: int) -> tuple[Region, ...]:
    """The named faces of a picture whose `stored` width and height are still to be turned by an EXIF `orientation`; a side-car
    hides those of the file.
    """
    for source in (beside, facts):
        turn = 1 if _is_upright(source.get(DIMENSIONS), stored, orientation) else orientation
        centred = [_region(line, turn, centred=True) for line in _lines(source, REGIONS)]
        others = [_region(line, 1, centred=False) for line in _lines(source, RECTANGLES)]
        if found := tuple(filter(None, centred)) or tuple(filter(None, others)):
            return found
    return ()


def _lines(facts: Facts, name: str) -> tuple[str, ...]:
    value = facts.get(name, ())
    return value if isinstance(value, tuple) and all(isinstance(each, str) for each in value) else ()  # type: ignore[return-value]


def _is_upright(dimensions: object, stored: tuple[int, int], orientation: int) -> bool:
    """Whether a quarter turn was made before the boxes were drawn."""
    if orientation < 5 or not isinstance(dimensions, str):
        return False
    with suppress(ValueError):
        width, height = map(float, dimensions.split())
        return (width > height) != (stored[0] > stored[1])
    return False


def _region(line: str, orientation: int, *, centred: bool) -> Region | None:
    """A line of left, top, width, height and name; None if it is no box inside the picture."""
    try:
        *numbers, name = line.split(" ", 4)
        left, top, width, height = map(float, numbers)
    except ValueError:
        return None
    if centred:
        left, top = left - width / 2, top - height / 2
    ends = [min(max(edge, 0.0), 1.0) for edge in (left, top, left + width, top + height)]
    if not (name.strip() and ends[0] < ends[2] and ends[1] < ends[3]):  # also where a number is none
        return None
    return Region(
        name.strip(), _turned(Box(ends[0], ends[1], ends[2] - ends[0], ends[3] - ends[1]), orientation)
    )


def _turned(box: Box, orientation: int) -> Box:
    """The box in the upright picture, see the table of orientations in EXIF 2.32, 4.6.4."""
    x, y, width, height = box
    if orientation in {2, 3, 7, 8}:
        x = 1 - x - width
    if orientation in {3, 4, 6, 7}:
        y = 1 - y - height
    return Box(y, x, height, width) if orientation > 4 else Box(x, y, width, height)
