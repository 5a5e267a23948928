"""A batch of reinforced samples, as the loop gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import PIL.Image
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Skipped:
    """A sample that was replaced, and why."""

    key: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One step of one rank; the embeddings are those of the chosen view, caption and synthetic text."""

    keys: tuple[str, ...]
    pixels: Tensor  # [n, 3, size, size], uint8
    captions: tuple[str, ...]
    synthetic: tuple[str, ...]
    image_embeddings: Tensor  # [n, D]
    caption_embeddings: Tensor  # [n, D]
    synthetic_embeddings: Tensor  # [n, D]
    skipped: tuple[Skipped, ...]

    def photos(self, mean: Tensor, std: Tensor) -> Tensor:
        """What the student sees [n, 3, size, size]: pixels from 0 to 1, less its mean [3], by its deviation [3]."""
        return (self.pixels.float() / 255 - mean[:, None, None]) / std[:, None, None]


@dataclass(frozen=True, slots=True)
class Visit:
    """What is seen of one sample; the embeddings are rows [D]."""

    key: str
    picture: PIL.Image.Image
    caption: str
    synthetic: str
    image_embedding: NDArray[np.float32]
    caption_embedding: NDArray[np.float32]
    synthetic_embedding: NDArray[np.float32]


def collate(visits: Sequence[Visit], skipped: Sequence[Skipped]) -> Batch:
    """Joins visits into a batch; the pixels stay as a decoder gives them, which torch calls channels last."""
    pixels = np.stack([np.asarray(visit.picture) for visit in visits])  # [n, size, size, 3]
    return Batch(
        keys=tuple(visit.key for visit in visits),
        pixels=torch.from_numpy(pixels).permute(0, 3, 1, 2),
        captions=tuple(visit.caption for visit in visits),
        synthetic=tuple(visit.synthetic for visit in visits),
        image_embeddings=_join([visit.image_embedding for visit in visits]),
        caption_embeddings=_join([visit.caption_embedding for visit in visits]),
        synthetic_embeddings=_join([visit.synthetic_embedding for visit in visits]),
        skipped=tuple(skipped),
    )


def _join(rows: Sequence[NDArray[np.float32]]) -> Tensor:
    return torch.from_numpy(np.stack(rows))  # [n, D]
