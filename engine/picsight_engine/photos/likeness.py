"""Whether two thumbnails show the same picture: encoded anew or resized, but neither cropped nor moved nor another moment."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 32  # pixels; finer details are lost where a small picture is halved, and say nothing about copies
_NOISE = 4.0  # grey levels of slope that every picture is granted, so that dark and flat ones do not divide by nothing
_MOST_APART = 0.2  # pixels of 32: 97 of 100 copies lie below, a picture cropped or moved by a hundredth above


def miniature(jpeg: bytes) -> NDArray[np.float32] | None:
    """A thumbnail squeezed to [32, 32, 3]; None where its bytes are damaged."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.HAMMING)
    except (OSError, SyntaxError, ValueError):
        return None
    return np.asarray(small, dtype=np.float32)


def apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How far one picture would have to be moved to differ so much from itself, in pixels of a miniature.

    The difference is divided by the slope of the flatter of both: what encoding changes grows with the details that
    there are, and so does what moving changes, but far more.
    """
    difference = float(np.mean((one - other) ** 2))
    return math.sqrt(difference / (min(_slope(one), _slope(other)) + _NOISE**2))


def same_picture(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether two miniatures are of one picture."""
    return apart(one, other) <= _MOST_APART


def _slope(picture: NDArray[np.float32]) -> float:
    """The mean square of what neighbouring pixels differ by, across and down."""
    return float(np.mean(np.diff(picture, axis=0) ** 2) + np.mean(np.diff(picture, axis=1) ** 2))
