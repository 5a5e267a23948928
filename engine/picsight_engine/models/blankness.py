"""Pictures that show nothing: which photos they are by their vectors, and which words ask for them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
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

    A photo shows nothing where the product of its vector and `direction` reaches `cut`. Words ask for such pictures where the
    cosine of their vector with `mean`, that of those pictures, reaches `asked`.
    """

    direction: str
    cut: float
    mean: str
    asked: float

    def axis(self) -> NDArray[np.float32]:
        """The direction [dim]."""
        return _vector(self.direction)

    def is_asked_for(self, words: NDArray[np.float32]) -> bool:
        """Whether any of the unit vectors [m, dim] of words asks for pictures that show nothing."""
        return bool((words @ _vector(self.mean)).max() >= self.asked)


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
    for name in ("cut", "asked"):
        require(f"blankness.{name}", data[name], fits=is_number(data[name]))
    return Blankness(data["direction"], float(data["cut"]), data["mean"], float(data["asked"]))


@cache
def _vector(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), _NUMBERS).astype(np.float32)
