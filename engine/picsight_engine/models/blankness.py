"""Pictures that show nothing: which photos they are by their vectors, and which words ask for them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from picsight_engine.models.fields import is_number, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class Blankness:
    """What parts flat, smeared and covered pictures from photos in one space; its vectors [dim] are float16 in base64.

    A photo loses `weight` of what the product of its vector and `direction` is beyond `cut`, unless words ask for such
    pictures: where the cosine of their vector with `mean`, that of those pictures, reaches `asked`.
    """

    direction: str
    cut: float
    weight: float
    mean: str
    asked: float

    def axis(self) -> NDArray[np.float32]:
        """The direction [dim]."""
        return _vector(self.direction)

    def asking(self, words: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which unit vectors [m, dim] of words ask for pictures that show nothing."""
        asking: NDArray[np.bool_] = words @ _vector(self.mean) >= self.asked
        return asking

    def losses(self, along: NDArray[np.float32]) -> NDArray[np.float32]:
        """What photos lose [n] that lie so far along the direction [n]."""
        beyond: NDArray[np.float32] = np.maximum(along - np.float32(self.cut), 0)
        return beyond * np.float32(self.weight)


def vector_text(vector: NDArray[np.float32]) -> str:
    """A vector as a manifest holds it."""
    return base64.b64encode(vector.astype(_NUMBERS).tobytes()).decode("ascii")


def parse_blankness(data: dict[str, Any], dim: int) -> Blankness:
    """What a manifest holds of it; a surplus key is ignored.

    Raises:
        KeyError: a field is missing.
        ValueError: a number is none, or a vector is no text of `dim` finite numbers.
    """
    for name in ("direction", "mean"):
        content = base64.b64decode(str(data[name]), validate=True)
        fits = len(content) == dim * _NUMBERS.itemsize and np.isfinite(np.frombuffer(content, _NUMBERS)).all()
        require(f"blankness.{name}", data[name], fits=bool(fits))
    for name in ("cut", "weight", "asked"):
        require(f"blankness.{name}", data[name], fits=is_number(data[name]))
    return Blankness(**{own.name: data[own.name] for own in fields(Blankness)})


@cache
def _vector(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), _NUMBERS).astype(np.float32)
