"""Squares of a panorama or a tall screenshot, of which the image tower sees too little at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

LONG = 2.2  # a picture whose sides differ by more than this factor has squares as its parts
_MOST = 4


def is_long(width: int, height: int) -> bool:
    """Whether a picture of this size has squares."""
    return max(width, height) > LONG * min(width, height)


def squares(image: Image.Image) -> list[Image.Image]:
    """Up to four squares as wide as the short side, evenly spread over the long one; up to 4 : 1 they overlap."""
    side, length = sorted(image.size)
    number = max(2, min(_MOST, length // side + 1))
    starts = [round(each * (length - side) / (number - 1)) for each in range(number)]
    if image.width < image.height:
        return [image.crop((0, start, side, start + side)) for start in starts]
    return [image.crop((start, 0, start + side, side)) for start in starts]
