"""A batch of samples, as the loop gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

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
    """One step of one rank; the embeddings are those of the chosen view, caption and synthetic text.

    Without a second text `synthetic` is empty, and so m is 0; otherwise m is n. Of plain data D is 0.
    """

    keys: tuple[str, ...]
    pixels: Tensor  # [n, 3, size, size], uint8
    captions: tuple[str, ...]
    synthetic: tuple[str, ...]
    image_embeddings: Tensor  # [n, D]
    caption_embeddings: Tensor  # [n, D]
    synthetic_embeddings: Tensor  # [m, D]
    skipped: tuple[Skipped, ...]


class Said(NamedTuple):
    """A text with its embedding [D]."""

    text: str
    embedding: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Visit:
    """What is seen of one sample: a view with its embedding [D], a caption, and a second text if one is wanted."""

    key: str
    picture: PIL.Image.Image
    embedding: NDArray[np.float32]
    caption: Said
    synthetic: Said | None


def normalised(pixels: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """What a student sees [n, 3, size, size]: pixels from 0 to 1, less its mean [3], by its deviation [3]."""
    return (pixels - mean[:, None, None]) / std[:, None, None]


def collate(visits: Sequence[Visit], skipped: Sequence[Skipped]) -> Batch:
    """Joins visits into a batch; the pixels stay as a decoder gives them, which torch calls channels last."""
    pixels = np.stack([np.asarray(visit.picture) for visit in visits])  # [n, size, size, 3]
    second = [visit.synthetic for visit in visits if visit.synthetic is not None]
    width = len(visits[0].embedding)
    return Batch(
        keys=tuple(visit.key for visit in visits),
        pixels=torch.from_numpy(pixels).permute(0, 3, 1, 2),
        captions=tuple(visit.caption.text for visit in visits),
        synthetic=tuple(said.text for said in second),
        image_embeddings=_join([visit.embedding for visit in visits], width),
        caption_embeddings=_join([visit.caption.embedding for visit in visits], width),
        synthetic_embeddings=_join([said.embedding for said in second], width),
        skipped=tuple(skipped),
    )


def _join(rows: Sequence[NDArray[np.float32]], width: int) -> Tensor:
    return torch.from_numpy(np.array(rows, np.float32).reshape(len(rows), width))  # [n, D]
