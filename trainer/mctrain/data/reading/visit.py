"""One visit of one sample: its photo is decoded, one view of it made, and its texts chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.augment.draw import draw_view
from mctrain.data.augment.replay import replay
from mctrain.data.reading.batch import Said, Visit
from mctrain.data.reading.choice import choose_texts, choose_view
from mctrain.data.reading.settings import Stored
from mctrain.data.refusal import shipped
from mctrain.data.reinforced.parse import parse_plain, parse_sample
from mctrain.data.shards import PHOTO_SUFFIXES
from mctrain.errors import SampleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mctrain.data.reading.choice import Row
    from mctrain.data.reading.settings import Pass, ReaderSettings
    from mctrain.data.reinforced.sample import PlainSample, ReinforcedSample


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
