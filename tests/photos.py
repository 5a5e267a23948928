"""Photos for tests: parts of the four photographs in `assets/known`, all different, with captions."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWN = Path(__file__).resolve().parent.parent / "assets" / "known"
SIDE = 224  # pixels of a part
LEAST_DIFFERENCE = 12  # of the 64 bits that compare neighbours; at a difference of 4 photos are near copies
CAPTIONS = {
    "astronaut": (
        "A smiling astronaut in an orange suit", "A woman in a space suit beside a flag",
        "Portrait of an astronaut before her flight", "An astronaut with short brown hair", "The astronaut smiles",
    ),
    "cat": (
        "A tabby cat looks up", "The face of a brown cat with green eyes", "A cat with long whiskers rests",
        "A striped cat lies on a blanket", "Close view of a cat's fur and eyes",
    ),
    "coffee": (
        "A cup of coffee on a saucer", "Black coffee in a white cup beside a spoon",
        "An espresso on a wooden table", "A coffee cup seen from above", "Coffee with a silver spoon",
    ),
    "rocket": (
        "A rocket stands on its launch pad", "A white rocket before dawn", "The launch tower holds a rocket",
        "A rocket between four lightning masts", "Space flight begins at this launch pad",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A square part of a known photograph as JPEG, what it shows and five captions."""

    subject: str
    jpeg: bytes
    captions: tuple[str, ...]


@cache
def parts(count: int) -> tuple[Part, ...]:
    """The first parts, of one photograph after another; equal on each call."""
    drawing = _draw()
    return tuple(next(drawing) for _ in range(count))


def _draw() -> Iterator[Part]:
    chance = random.Random(8)
    pictures = {subject: Image.open(KNOWN / f"{subject}.jpg") for subject in CAPTIONS}
    seen: list[int] = []
    while True:
        for subject, captions in CAPTIONS.items():
            while True:
                image = _part_of(pictures[subject], chance)
                differences = _differences(image)
                if all((differences ^ other).bit_count() >= LEAST_DIFFERENCE for other in seen):
                    break
            seen.append(differences)
            jpeg = io.BytesIO()
            image.save(jpeg, "JPEG", quality=80)
            words = tuple(f"{caption}, picture {len(seen)}" for caption in captions)
            yield Part(subject, jpeg.getvalue(), words)


def _part_of(picture: Image.Image, chance: random.Random) -> Image.Image:
    side = chance.randint(180, min(280, *picture.size))
    left, top = (chance.randint(0, length - side) for length in picture.size)
    part = picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return ImageOps.mirror(part) if chance.random() < 0.5 else part


def _differences(image: Image.Image) -> int:
    """A bit for each of 8 by 8 places: whether it gets brighter to the right."""
    grey = list(image.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes())
    bits = (grey[9 * row + column + 1] > grey[9 * row + column] for row in range(8) for column in range(8))
    return sum(bit << place for place, bit in enumerate(bits))


def write_parts(folder: Path, count: int) -> dict[Path, Part]:
    """Writes the first parts into a folder, as IMG_0000.jpg and so on; returns them by their paths."""
    written = {folder / f"IMG_{number:04}.jpg": part for number, part in enumerate(parts(count))}
    for path, part in written.items():
        path.write_bytes(part.jpeg)
    return written
