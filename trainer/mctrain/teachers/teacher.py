"""A teacher: whatever embeds photos and texts in one space; an ensemble is several of them in order.

Each member's embeddings have the length 1 by themselves and stand end to end; they are never normalised together, for the
softmax of each is taken at its own scale (MobileCLIP, dataset reinforcement).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import PIL.Image
    from numpy.typing import NDArray

    from picsight_engine.models.bundle import ImageSpec


class Teacher(Protocol):
    """One model that judges; `scale` is the factor of its cosines, `digest` names its weights."""

    @property
    def name(self) -> str:
        """What the manifest calls it."""
        ...

    @property
    def width(self) -> int:
        """Numbers in an embedding."""
        ...

    @property
    def scale(self) -> float:
        """The factor of its cosines."""
        ...

    @property
    def digest(self) -> str:
        """Changes with its weights."""
        ...

    @property
    def spec(self) -> ImageSpec:
        """Its preprocessing."""
        ...

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, width] of RGB pictures; `keys` are their photos', which a teacher may have been trained on."""
        ...

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, width]."""
        ...


class Ensemble:
    """Several teachers as one, in their order."""

    def __init__(self, members: Sequence[Teacher]) -> None:
        self.members = tuple(members)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sides of the pictures that members want, each once."""
        return tuple(sorted({own.spec.size for own in self.members}))

    def photos(self, pictures: dict[int, list[PIL.Image.Image]], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width] of the same pictures at each size that a member wants."""
        parts = [own.photos(pictures[own.spec.size], keys) for own in self.members]
        return np.concatenate(parts, axis=1)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return np.concatenate([own.texts(texts) for own in self.members], axis=1)
