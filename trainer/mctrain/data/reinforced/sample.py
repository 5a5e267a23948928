"""One sample: a photo and its words; reinforced, the views drawn of it too, and what the teachers gave for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data import words
from mctrain.data.augment.records import write_views
from mctrain.data.photo import decode_photo
from mctrain.data.reinforced.embeddings import pack_arrays
from mctrain.data.reinforced.layout import REINFORCED, name_role, role_of
from mctrain.errors import DataError, SampleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import PIL.Image
    from numpy.typing import NDArray

    from mctrain.data.augment.records import Slots, View
    from mctrain.data.reinforced.layout import Storage

IMAGES, CAPTIONS, OF_TAG = "image_emb", "text_emb", "_emb"  # names of arrays, the last behind a tag's


@dataclass(frozen=True, slots=True)
class PlainSample:
    """A photo, as the bytes of its file, and its words."""

    key: str
    suffix: str
    photo: bytes
    words: words.Words

    @property
    def captions(self) -> tuple[str, ...]:
        """What stands as the photo's captions."""
        return self.words.captions

    def texts_of(self, tag: str | None) -> tuple[str, ...]:
        """The texts of a tag; without a tag the captions."""
        return self.captions if tag is None else self.words.synthetic[tag]

    def rows_of(self, tag: str | None) -> NDArray[np.float32]:
        """Their embeddings [texts, D]; nobody gave any of a plain sample, and so D is 0."""
        return np.zeros((len(self.texts_of(tag)), 0), np.float32)

    def image(self) -> PIL.Image.Image:
        """The decoded photo, RGB, as the public teachers saw it: not turned upright, transparency dropped.

        Raises:
            SampleError: it cannot be decoded, is cut short or too large.
        """
        try:
            return decode_photo(self.photo)
        except DataError as fault:
            raise SampleError(f"The photo {self.key} cannot be decoded: {fault}.", "broken photo") from fault


@dataclass(frozen=True, slots=True)
class ReinforcedSample(PlainSample):
    """The rows of `image_embeddings` [A, D] belong to `views`, of `caption_embeddings` to `captions`, of a tag's to its texts."""

    views: tuple[View, ...]
    image_embeddings: NDArray[np.float32]
    caption_embeddings: NDArray[np.float32]
    synthetic_embeddings: Mapping[str, NDArray[np.float32]]

    def rows_of(self, tag: str | None) -> NDArray[np.float32]:
        """The embeddings [texts, D] of the texts of a tag; without a tag of the captions."""
        return self.caption_embeddings if tag is None else self.synthetic_embeddings[tag]


def members_of(sample: ReinforcedSample, storage: Storage, slots: Slots) -> dict[str, bytes]:
    """The members of a sample by suffix, in their order; equal samples give equal bytes.

    Raises:
        SampleError: it has no text at all, or its photo cannot be decoded.
    """
    photo = words.Photo(sample.suffix, sample.photo, *sample.image().size)
    arrays = {IMAGES: sample.image_embeddings, CAPTIONS: sample.caption_embeddings}
    arrays |= {tag + OF_TAG: rows for tag, rows in sample.synthetic_embeddings.items()}
    members = {
        **words.members_of(sample.words, photo),
        "syn.json": words.tags_member(sample.words.synthetic),
        "paug.json": json.dumps({"param_aug": write_views(sample.views, slots)}).encode(),
        storage.suffix: pack_arrays(arrays, storage),
    }
    if role := REINFORCED.missing(map(role_of, members)):
        raise lacking(sample.key, role)
    return members


def lacking(key: str, role: str) -> SampleError:
    """What is said of a sample without a member."""
    return SampleError(f"{key} has no {name_role(role)}.", f"no {role}")
