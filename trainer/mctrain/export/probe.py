"""What the drift of an export is measured on: photos and captions of a shard, or the packaged photographs where none is given."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from mctrain.data.shards import sound_groups
from mctrain.data.words import words_of
from mctrain.errors import DataError
from picsight_engine.runtime.agreement import eight_photos

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import PIL.Image

    from mctrain.data.shards import Group

_COUNT = 32
_THINGS = ("dog", "cat", "boat", "tree", "red car", "cup of coffee", "child", "mountain lake")
_PHRASES = ("a photo of a {}", "{} in the rain", "two people beside a {}", "{}")


@dataclass(frozen=True, slots=True)
class Subjects:
    """RGB pictures and texts, and where they are from: a shard's name, or "packaged photographs"."""

    pictures: tuple[PIL.Image.Image, ...]
    texts: tuple[str, ...]
    source: str


def subjects_of(shard: Path) -> Subjects:
    """The first photos of a shard that have a caption, with that.

    Raises:
        DataError: it cannot be read, or holds no photo with a caption.
    """
    found = list(islice(_captioned(shard), _COUNT))
    if len(found) < 2:
        raise DataError(f"{shard} holds fewer than two photos with captions; choose another shard.")
    return Subjects(
        tuple(own.image() for own, _ in found), tuple(caption for _, caption in found), shard.name
    )


def _captioned(shard: Path) -> Iterator[tuple[Group, str]]:
    """Each sample that has a caption, with the first."""
    for own in sound_groups(shard):
        captions = words_of(own.members, own.key).captions
        if captions:
            yield own, captions[0]


def packaged() -> Subjects:
    """The packaged photographs and the middle of each, whole and in three windows, and plain phrases; always the same."""
    pictures = []
    for photo in eight_photos():
        width, height = photo.size
        pictures += [photo, photo.crop((0, 0, width // 2, height))]
        pictures += [
            photo.crop((0, 0, width, height // 2)),
            photo.crop((width // 2, height // 2, width, height)),
        ]
    texts = tuple(phrase.format(thing) for phrase in _PHRASES for thing in _THINGS)
    return Subjects(tuple(pictures), texts, "packaged photographs")
