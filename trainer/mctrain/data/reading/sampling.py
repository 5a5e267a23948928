"""Chooses the order of the samples in a pass, and one view, one caption and one other text of each sample.

The order depends on epoch and seed, the choice on key, epoch and seed: neither depends on earlier reads, nor on the process
that reads.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.reading.batch import DrawnSample, EmbeddedText
from mctrain.data.reinforced.sample import PLAIN, REINFORCED, ReinforcedSample, parse_plain, parse_sample
from mctrain.data.replay import replay
from mctrain.data.shards import PHOTO_SUFFIXES
from mctrain.data.views import draw_view
from mctrain.errors import RecipeError, SampleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mctrain.data.reinforced.sample import Needs, PlainSample
    from mctrain.data.views import DrawnView
    from mctrain.recipes.tables import Augmentation


@dataclass(frozen=True, slots=True)
class StoredViews:
    """Uses the views in the shards, with the teachers' embeddings of views and texts.

    `widths` are the teachers' embedding widths, in order.
    """

    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TextChoice:
    """Which texts to use: a random caption or always the first; and a second text whose tag matches the pattern.

    An empty pattern means no second text.
    """

    captions: Literal["any", "first"]
    pattern: str

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as fault:
            raise RecipeError(
                f"The pattern of tags {self.pattern} is no regular expression: {fault}; give one such as ^syn_text."
            ) from fault


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """The student's settings; if `views` is an augmentation, each epoch draws new views and reads no embeddings.

    The fraction `held_out` of the photos is held out.
    """

    interpolation: Literal["bicubic", "bilinear"]
    texts: TextChoice
    views: StoredViews | Augmentation
    held_out: float = 0.0

    @property
    def needs(self) -> Needs:
        """What the samples need: stored views need embeddings."""
        return REINFORCED if isinstance(self.views, StoredViews) else PLAIN


@dataclass(frozen=True, slots=True)
class EpochPart:
    """A pass, or its steps from `start` up to but excluding `stop`, with images of `size` x `size` pixels.

    `batch` is the global batch size, which the ranks share.
    """

    epoch: int
    seed: int
    batch: int
    size: int
    start: int = 0
    stop: int | None = None
    rank: int = 0
    ranks: int = 1

    @property
    def rows(self) -> range:
        """The rows of a batch that this rank reads."""
        return range(self.batch * self.rank // self.ranks, self.batch * (self.rank + 1) // self.ranks)


class TextRow(NamedTuple):
    """The position of a text among those of a tag, or among the captions if there is no tag."""

    tag: str | None
    number: int


def order(count: int, epoch: int, seed: int) -> NDArray[np.int64]:
    """A permutation of all samples [count]."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def choose_view(key: str, epoch: int, seed: int, count: int) -> int:
    """Chooses uniformly from `count` views."""
    return _below(count, _draw(key, epoch, seed)[0])


def choose_texts(
    sample: PlainSample, epoch: int, seed: int, texts: TextChoice
) -> tuple[TextRow, TextRow | None]:
    """Chooses a caption uniformly; then a tag that matches the pattern, and a text of that tag.

    A photo without synthetic texts gives another of its captions instead.

    Raises:
        SampleError: the photo has synthetic texts, but none with a matching tag.
    """
    _, caption, tag, text = _draw(sample.key, epoch, seed)
    count = len(sample.captions) if texts.captions == "any" else 1
    first = _below(count, caption)
    if not texts.pattern:
        return TextRow(None, first), None
    synthetic = {each: made for each, made in sample.texts.synthetic.items() if made}
    if not synthetic:
        return TextRow(None, first), TextRow(None, (first + 1 + _below(max(1, count - 1), text)) % count)
    tags = [each for each in synthetic if re.search(texts.pattern, each)]
    if not tags:
        raise SampleError(
            f"{sample.key} has no synthetic text whose tag fits {texts.pattern}.", "no synthetic text"
        )
    chosen = tags[_below(len(tags), tag)]
    return TextRow(None, first), TextRow(chosen, _below(len(synthetic[chosen]), text))


def _draw(key: str, epoch: int, seed: int) -> tuple[int, int, int, int]:
    """Four 64-bit numbers."""
    digest = hashlib.sha256(f"{seed}/{epoch}/{key}".encode(errors="surrogatepass")).digest()
    first, second, third, fourth = (int.from_bytes(digest[at : at + 8], "little") for at in range(0, 32, 8))
    return first, second, third, fourth


def _below(count: int, number: int) -> int:
    """Scales 64 random bits to a number below `count`, with a bias of at most 2^-64."""
    return count * number >> 64


def draw_sample(
    key: str, members: Mapping[str, bytes], settings: ReaderSettings, part: EpochPart
) -> DrawnSample:
    """Draws a view and texts of a sample; the draw depends on the key, the epoch and the seed.

    Raises:
        SampleError: the sample is unusable, or is an evaluation photo.
    """
    known = shipped_digests()
    photos = (content for suffix, content in members.items() if suffix in PHOTO_SUFFIXES)
    if known.holds_key(key) or any(map(known.holds_photo, photos)):
        raise SampleError(f"{key} is an evaluation photo and never trained on.", "evaluation photo")
    sample = (
        parse_sample(key, members, settings.views.widths)
        if isinstance(settings.views, StoredViews)
        else parse_plain(key, members)
    )
    caption, other = choose_texts(sample, part.epoch, part.seed, settings.texts)
    image = sample.image()
    view, embedding = _view(sample, image.size, settings, part)
    return DrawnSample(
        key=key,
        picture=replay(image, view, part.size, settings.interpolation),
        embedding=embedding,
        caption=_embedded(sample, caption),
        synthetic=other and _embedded(sample, other),
    )


def _view(
    sample: PlainSample, size: tuple[int, int], settings: ReaderSettings, part: EpochPart
) -> tuple[DrawnView, NDArray[np.float32]]:
    """The view of a photo of this size (width, height), with its embedding [D]; D is 0 for a view drawn here."""
    if not isinstance(settings.views, StoredViews):
        # the whole photo is number 0: the first of a few views, and none of those drawn in each pass
        number = part.epoch + (settings.views.views == 1)
        view = draw_view(settings.views, sample.key, part.seed, number, size)
        return view, np.zeros(0, np.float32)
    assert isinstance(sample, ReinforcedSample), "so it was parsed"
    if not all(view.fits(*size) for view in sample.views):
        raise SampleError(
            f"A view of {sample.key} reaches beyond the photo of {size[0]} by {size[1]} pixels; take the photo in the size "
            "that it was drawn from.",
            "view beyond the photo",
        )
    number = choose_view(sample.key, part.epoch, part.seed, len(sample.views))
    return sample.views[number], sample.image_embeddings[number]


def _embedded(sample: PlainSample, row: TextRow) -> EmbeddedText:
    return EmbeddedText(sample.texts_of(row.tag)[row.number], sample.rows_of(row.tag)[row.number])
