"""What a pass over the data sees: the order of the samples, and of each sample one view, one caption, one other text.

The order follows from epoch and seed, the choice from key, epoch and seed: neither from what was read before, nor from
who reads it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mctrain.data.augment.draw import draw_view
from mctrain.data.augment.replay import replay
from mctrain.data.reading.batch import Said, Visit
from mctrain.data.reading.settings import Stored
from mctrain.data.refusal import shipped
from mctrain.data.reinforced.parse import parse_plain, parse_sample
from mctrain.data.shards import PHOTO_SUFFIXES
from mctrain.errors import SampleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mctrain.data.reading.settings import Pass, ReaderSettings, Texts
    from mctrain.data.reinforced.sample import PlainSample, ReinforcedSample


class Row(NamedTuple):
    """One of the texts of a tag; without a tag, of the captions."""

    tag: str | None
    number: int


def order(count: int, epoch: int, seed: int) -> NDArray[np.int64]:
    """A permutation of all samples [count]."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def choose_view(key: str, epoch: int, seed: int, count: int) -> int:
    """Uniform over so many."""
    return _below(count, _draw(key, epoch, seed)[0])


def choose_texts(sample: PlainSample, epoch: int, seed: int, texts: Texts) -> tuple[Row, Row | None]:
    """Uniform over the captions; and over the tags that fit the pattern, then over the texts of that tag.

    A photo that has a person's captions and nothing else gives another one of these in place of a synthetic text.

    Raises:
        SampleError: it has synthetic texts, and none has a tag that fits.
    """
    _, caption, tag, text = _draw(sample.key, epoch, seed)
    count = len(sample.captions) if texts.captions == "any" else 1
    said = _below(count, caption)
    if not texts.pattern:
        return Row(None, said), None
    synthetic = {own: made for own, made in sample.words.synthetic.items() if made}
    if not synthetic:
        return Row(None, said), Row(None, (said + 1 + _below(max(1, count - 1), text)) % count)
    tags = [own for own in synthetic if re.search(texts.pattern, own)]
    if not tags:
        raise SampleError(
            f"{sample.key} has no synthetic text whose tag fits {texts.pattern}.", "no synthetic text"
        )
    chosen = tags[_below(len(tags), tag)]
    return Row(None, said), Row(chosen, _below(len(synthetic[chosen]), text))


def _draw(key: str, epoch: int, seed: int) -> tuple[int, int, int, int]:
    """Four numbers of 64 bits."""
    digest = hashlib.sha256(f"{seed}/{epoch}/{key}".encode(errors="surrogatepass")).digest()
    first, second, third, fourth = (int.from_bytes(digest[at : at + 8], "little") for at in range(0, 32, 8))
    return first, second, third, fourth


def _below(count: int, number: int) -> int:
    """Scales 64 random bits to a row; no row is favoured by more than one in 2^64."""
    return count * number >> 64


def see(key: str, members: Mapping[str, bytes], settings: ReaderSettings, part: Pass) -> Visit:
    """What a pass sees of a sample; it follows from the key, the epoch and the seed.

    Raises:
        SampleError: the sample cannot be used, or only measures.
    """
    known = shipped()
    photos = (content for suffix, content in members.items() if suffix in PHOTO_SUFFIXES)
    if known.holds_key(key) or any(map(known.holds_photo, photos)):
        raise SampleError(f"{key} is an evaluation photo and never trained on.", "evaluation photo")
    if isinstance(settings.views, Stored):
        return _see_stored(parse_sample(key, members, settings.views.widths), settings, part)
    sample = parse_plain(key, members)
    caption, other = choose_texts(sample, part.epoch, part.seed, settings.texts)
    image = sample.image()
    # number 0 is the whole photo of every pass
    view = draw_view(settings.views, key, part.seed, part.epoch + 1, image.size)
    return Visit(
        key=key,
        picture=replay(image, view, part.size, settings.interpolation),
        embedding=np.zeros(0, np.float32),
        caption=_said(sample, caption),
        synthetic=other and _said(sample, other),
    )


def _see_stored(sample: ReinforcedSample, settings: ReaderSettings, part: Pass) -> Visit:
    caption, other = choose_texts(sample, part.epoch, part.seed, settings.texts)
    image = sample.image()
    if not all(view.fits(*image.size) for view in sample.views):
        raise SampleError(
            f"A view of {sample.key} reaches beyond the photo of {image.width} by {image.height} pixels; "
            "take the photo in the size that it was drawn from.",
            "view beyond the photo",
        )
    view = choose_view(sample.key, part.epoch, part.seed, len(sample.views))
    return Visit(
        key=sample.key,
        picture=replay(image, sample.views[view], part.size, settings.interpolation),
        embedding=sample.image_embeddings[view],
        caption=_said(sample, caption),
        synthetic=other and _said(sample, other),
    )


def _said(sample: PlainSample, row: Row) -> Said:
    return Said(sample.texts_of(row.tag)[row.number], sample.rows_of(row.tag)[row.number])
