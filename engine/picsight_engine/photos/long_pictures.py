"""The pictures of a photo that a model sees: the whole and its parts. A panorama or a tall screenshot, of which the image tower
sees too little at once, has squares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

    from picsight_engine.photos.decode import DecodedPhoto

_LONG = 2.2  # a picture whose sides differ by more than this factor has squares as its parts
_MOST = 4


def pictures_of(photo: DecodedPhoto) -> list[tuple[Image.Image, float | None]]:
    """The whole picture and its parts, each with its moment in a film in seconds."""
    parts = [*photo.parts]
    if not parts and max(photo.width, photo.height) > _LONG * min(photo.width, photo.height):
        parts = [(square, photo.moment) for square in _squares(photo.image)]
    return [(photo.image, photo.moment), *parts]


def _squares(image: Image.Image) -> list[Image.Image]:
    """Up to four squares as wide as the short side, evenly spread over the long one; up to 4 : 1 they overlap."""
    side, length = sorted(image.size)
    number = max(2, min(_MOST, length // side + 1))
    starts = [round(each * (length - side) / (number - 1)) for each in range(number)]
    if image.width < image.height:
        return [image.crop((0, start, side, start + side)) for start in starts]
    return [image.crop((start, 0, start + side, side)) for start in starts]
