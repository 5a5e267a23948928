"""One shard in, one reinforced shard out: photos decoded once, views drawn and replayed, everything shown to the teachers."""

from __future__ import annotations

import itertools
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image

from mctrain.data.photo import decode_photo, encode_jpeg
from mctrain.data.phrasing import Phrasing
from mctrain.data.reinforced.sample import ReinforcedSample
from mctrain.data.replay import picture_digest, replay
from mctrain.data.shards import grouped
from mctrain.data.views import PUBLIC_SIZE, draw_views
from mctrain.data.workers import ahead
from mctrain.errors import DataError, TrainerError
from mctrain.reinforce.maker import admitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from concurrent.futures import ProcessPoolExecutor
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.data.views import View
    from mctrain.data.words import Words
    from mctrain.recipes.tables import Augmentation
    from mctrain.reinforce.shard_report import ShardOutcome
    from mctrain.teachers.teacher import Ensemble

_AHEAD = 16  # photos that are decoded while the teachers look at others
_REPLAYED = 100  # of so many photos one view's pixels are remembered


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of each photo, and at which sizes the teachers see it; `jpeg` encodes other photos as JPEG."""

    augmentation: Augmentation
    seed: int
    sizes: tuple[int, ...]
    phrasing: Phrasing
    jpeg: bool

    def without_words(self) -> Drawing:
        """What a process needs that makes pictures alone: the phrasing may hold thousands of captions, and is sent with each photo."""
        return replace(self, phrasing=Phrasing())


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo as the teachers get it: its views at each size."""

    key: str
    suffix: str
    photo: bytes
    size: tuple[int, int]
    views: tuple[View, ...]
    pictures: dict[int, tuple[bytes, ...]]
    replayed: str | None  # the digest of the last view at 224 pixels, where it is remembered


@dataclass(frozen=True, slots=True)
class _Told:
    """The words of a sample, and which of the shard's groups it is: a key may come again with another photo."""

    number: int
    words: Words


@dataclass(frozen=True, slots=True)
class Unfit:
    """A photo that cannot be reinforced, and why."""

    key: str
    reason: str


def reinforce(
    shard: Path,
    drawing: Drawing,
    ensemble: Ensemble,
    pool: ProcessPoolExecutor,
    outcome: ShardOutcome,
    *,
    limit: int | None = None,
) -> Iterator[ReinforcedSample]:
    """The samples of a shard, in its order, with all that the teachers give; what cannot be used is told in `outcome`.

    `limit` is the most samples that are looked at.

    Raises:
        DataError: the shard itself is missing, or damaged at its beginning.
    """
    told = _read_words(shard, drawing, outcome, limit)
    texts = sorted({text for own in told.values() for said in _tagged(own.words).values() for text in said})
    vectors = dict(zip(texts, ensemble.texts(texts), strict=True)) if texts else {}
    for shown in _shown_ahead(pool, _photos(shard, told), drawing):
        if isinstance(shown, Unfit):
            outcome.miss(shown.key, shown.reason)
            continue
        if shown.replayed is not None:
            outcome.replays[shown.key] = (len(shown.views) - 1, shown.replayed)
        yield _judged(shown, told[shown.key].words, vectors, ensemble)


def _read_words(shard: Path, drawing: Drawing, outcome: ShardOutcome, limit: int | None) -> dict[str, _Told]:
    """The words of each sample that may be trained on: whole, with a caption, no photo that only measures."""
    found: dict[str, _Told] = {}
    for number, group in admitted(shard, outcome, found, limit):
        try:
            words = drawing.phrasing.words_of(group.key, group.members)
        except DataError:
            outcome.miss(group.key, "broken words")
            continue
        if _tagged(words)[""]:
            found[group.key] = _Told(number, words)
        else:
            outcome.miss(group.key, "no text")
    return found


def _tagged(words: Words) -> dict[str, tuple[str, ...]]:
    """The texts by tag, under "" those that stand as captions."""
    return {"": words.captions, **words.synthetic}


def _photos(shard: Path, told: Mapping[str, _Told]) -> Iterator[tuple[str, str, bytes]]:
    """Key, suffix and bytes of the photos that have words."""
    numbers = {own.number for own in told.values()}
    groups = itertools.islice(grouped(shard), max(numbers, default=-1) + 1)
    for number, group in enumerate(groups):
        if number in numbers:
            yield group.key, group.suffix, group.photo


def _shown_ahead(
    pool: ProcessPoolExecutor, photos: Iterable[tuple[str, str, bytes]], drawing: Drawing
) -> Iterator[Shown | Unfit]:
    """Decoded photos in order, some of them before they are asked for.

    Raises:
        TrainerError: a process that decodes was ended.
    """
    drawing = drawing.without_words()
    work = (pool.submit(_show, *own, number % _REPLAYED == 0, drawing) for number, own in enumerate(photos))
    try:
        for shown in ahead(work, _AHEAD):
            yield shown.result()
    except BrokenProcessPool as fault:
        raise TrainerError(
            "A process that decodes photos was ended from outside, as happens when memory is full; "
            "take fewer --processes and type the same command again."
        ) from fault


def _show(key: str, suffix: str, photo: bytes, remembered: bool, drawing: Drawing) -> Shown | Unfit:
    """Decodes a photo and makes its views; runs in a process of its own."""
    try:
        image = decode_photo(photo)
        if drawing.jpeg and suffix not in {"jpg", "jpeg"}:
            suffix, photo = "jpg", encode_jpeg(image)
            image = decode_photo(photo)  # what a reader will see
    except DataError:
        return Unfit(key, "broken photo")
    views = draw_views(drawing.augmentation, key, drawing.seed, image.width, image.height)
    pictures = {size: tuple(replay(image, view, size).tobytes() for view in views) for size in drawing.sizes}
    replayed = picture_digest(replay(image, views[-1], PUBLIC_SIZE)) if remembered else None
    return Shown(key, suffix, photo, image.size, views, pictures, replayed)


def _judged(
    shown: Shown,
    words: Words,
    vectors: Mapping[str, NDArray[np.float32]],
    ensemble: Ensemble,
) -> ReinforcedSample:
    """A sample with the teachers' embeddings of its views, and of its texts [texts, D] from `vectors`."""
    pictures = {
        size: [PIL.Image.frombytes("RGB", (size, size), own) for own in pixels]
        for size, pixels in shown.pictures.items()
    }
    rows = {
        tag: np.stack([vectors[text] for text in texts]) for tag, texts in _tagged(words).items() if texts
    }
    return ReinforcedSample(
        key=shown.key,
        suffix=shown.suffix,
        photo=shown.photo,
        words=words,
        views=shown.views,
        image_embeddings=ensemble.photos(pictures, [shown.key] * len(shown.views)),
        caption_embeddings=rows.pop(""),
        synthetic_embeddings=rows,
    )
