"""Pictures that show nothing: which photos they are by their vectors, and which words ask for them."""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from picsight_engine.bundles.fields import is_number, require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BYTES = 2  # of a float16
_FARTHEST = 10  # along a direction on which the means of what it parts lie 1 apart


@dataclass(frozen=True, slots=True)
class Blankness:
    """What parts flat, smeared and covered pictures from photos in one space; its vectors [dim] are float16 in base64.

    A photo loses `weight` of what the product of its vector and `direction` is beyond `cut`, unless words ask for such
    pictures: where the product of their vector and `words` reaches `asked`.
    """

    direction: str
    cut: float
    weight: float
    words: str
    asked: float

    def axis(self) -> NDArray[np.float32]:
        """The direction [dim]."""
        return _vector(self.direction)

    def asking(self, words: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which unit vectors [m, dim] of words ask for pictures that show nothing."""
        asking: NDArray[np.bool_] = words @ _vector(self.words) >= self.asked
        return asking

    def losses(self, along: NDArray[np.float32]) -> NDArray[np.float32]:
        """What photos lose [n] that lie so far along the direction [n]."""
        return ((along - self.cut).clip(min=0) * self.weight).astype(along.dtype)


def vector_text(vector: NDArray[np.float32]) -> str:
    """A vector as a manifest holds it."""
    return base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")


def parse_blankness(data: dict[str, Any], dim: int) -> Blankness:
    """What a manifest holds of it; a surplus key is ignored.

    Raises:
        KeyError: a field is missing.
        ValueError: a number is none or out of its range, or a vector is no text of `dim` finite numbers.
    """
    for name in ("direction", "words"):
        require(f"blankness.{name}", data[name], fits=_is_vector(data[name], dim))
    for name, least, most in (
        ("cut", -_FARTHEST, _FARTHEST),
        ("weight", 0, 1),
        ("asked", -_FARTHEST, _FARTHEST),
    ):
        fits = is_number(data[name]) and least <= data[name] <= most
        require(f"blankness.{name}", data[name], fits=fits)
    return Blankness(**{each.name: data[each.name] for each in fields(Blankness)})


def _is_vector(text: object, dim: int) -> bool:
    if not isinstance(text, str):
        return False
    content = base64.b64decode(text, validate=True)
    return len(content) == dim * _BYTES and all(map(math.isfinite, struct.unpack(f"<{dim}e", content)))


@cache
def _vector(text: str) -> NDArray[np.float32]:
    import numpy as np  # 60 ms that a list of models does not pay

    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)
