"""One reinforced sample: a photo, its words, the views drawn of it, and what the teachers gave for all of them."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import PIL.Image

from mctrain.data import words
from mctrain.data.augment.records import write_views
from mctrain.data.reinforced.embeddings import pack_arrays
from mctrain.data.reinforced.layout import missing_role, name_role, role_of
from mctrain.errors import SampleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mctrain.data.augment.records import Slots, View
    from mctrain.data.reinforced.embeddings import Storage

_MOST_PIXELS = 100_000_000  # 300 MB decoded; Pillow's own bound depends on who else set it
IMAGES, CAPTIONS, OF_TAG = "image_emb", "text_emb", "_emb"  # names of arrays, the last behind a tag's


@dataclass(frozen=True, slots=True)
class ReinforcedSample:
    """The rows of `image_embeddings` [A, D] belong to `views`, of `caption_embeddings` to `captions`, of a tag's to its texts."""

    key: str
    suffix: str
    photo: bytes
    words: words.Words
    views: tuple[View, ...]
    image_embeddings: NDArray[np.float32]
    caption_embeddings: NDArray[np.float32]
    synthetic_embeddings: Mapping[str, NDArray[np.float32]]

    @property
    def captions(self) -> tuple[str, ...]:
        """What people wrote; where nobody did, the first caption that was made."""
        return self.words.human or self.words.synthetic.get(words.CAPTIONS, ())[:1]

    def image(self) -> PIL.Image.Image:
        """The decoded photo, RGB, as the public teachers saw it: not turned upright, transparency dropped.

        Raises:
            SampleError: it cannot be decoded, is cut short or too large.
        """
        try:
            return _decode(self.photo)
        # The outer border to foreign decoders: on damaged bytes they raise whatever these lead to.
        except Exception as fault:
            raise SampleError(f"The photo {self.key} cannot be decoded: {fault}.", "broken photo") from fault


def _decode(photo: bytes) -> PIL.Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what decoders complain about and read all the same
        image = PIL.Image.open(io.BytesIO(photo), formats=("JPEG", "PNG", "WEBP"))
        if image.width * image.height > _MOST_PIXELS:
            raise ValueError(f"it has {image.width} by {image.height} pixels")
        image.load()
        return image if image.mode == "RGB" else image.convert("RGB")


def members_of(sample: ReinforcedSample, storage: Storage, slots: Slots) -> dict[str, bytes]:
    """The members of a sample by suffix, in their order; equal samples give equal bytes.

    Raises:
        SampleError: it has no caption or no synthetic text at all, or its photo cannot be decoded.
    """
    photo = words.Photo(sample.suffix, sample.photo, *sample.image().size)
    arrays = {IMAGES: sample.image_embeddings, CAPTIONS: sample.caption_embeddings}
    arrays |= {tag + OF_TAG: rows for tag, rows in sample.synthetic_embeddings.items()}
    members = {
        **words.members_of(sample.words, photo),
        "paug.json": json.dumps({"param_aug": write_views(sample.views, slots)}).encode(),
        storage.suffix: pack_arrays(arrays, storage),
    }
    if role := missing_role(map(role_of, members)):
        raise lacking(sample.key, role)
    return members


def lacking(key: str, role: str) -> SampleError:
    """What is said of a sample without a member."""
    return SampleError(f"{key} has no {name_role(role)}.", f"no {role}")
