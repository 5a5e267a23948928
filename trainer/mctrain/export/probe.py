"""What a family export's drift is measured on: photos and captions of a shard, or drawn patterns where none is given."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import PIL.Image
import torch
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.data.shards import samples
from mctrain.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_COUNT = 32
_SIDE = 256
_THINGS = ("dog", "cat", "boat", "tree", "red car", "cup of coffee", "child", "mountain lake")
_PHRASES = ("a photo of a {}", "{} in the rain", "two people beside a {}", "{}")


@dataclass(frozen=True, slots=True)
class Subjects:
    """RGB pictures and texts, and where they are from: a shard's name, or "patterns"."""

    pictures: tuple[PIL.Image.Image, ...]
    texts: tuple[str, ...]
    source: str


def subjects_of(shard: Path) -> Subjects:
    """The first photos and captions of a shard.

    Raises:
        DataError: it cannot be read, or holds no photo with a caption.
    """
    found = list(islice((own for own in samples(shard) if own.words.get("captions")), _COUNT))
    if len(found) < 2:
        raise DataError(f"{shard} holds fewer than two photos with captions; choose another shard.")
    texts = tuple(str(sample.words["captions"][0]) for sample in found)
    return Subjects(tuple(sample.image() for sample in found), texts, shard.name)


def patterns() -> Subjects:
    """Smooth random colours of several coarsenesses, and plain phrases; the same every time."""
    draw = torch.Generator().manual_seed(0)
    pictures = []
    for number in range(_COUNT):
        cells = torch.rand(1, 3, 2 + number, 2 + number, generator=draw)
        smooth = F.interpolate(cells, (_SIDE, _SIDE), mode="bicubic").clamp(0, 1)[0]
        values = (smooth * 255).byte().permute(1, 2, 0).numpy()  # [256, 256, 3]
        pictures.append(PIL.Image.fromarray(values))
    texts = tuple(phrase.format(thing) for phrase in _PHRASES for thing in _THINGS)
    return Subjects(tuple(pictures), texts, "patterns")
