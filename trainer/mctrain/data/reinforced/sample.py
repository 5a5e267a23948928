"""One reinforced sample: a photo, its words, the views drawn of it, and what the teachers gave for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.data import words
from mctrain.data.augment.records import write_views
from mctrain.data.photo import decode_photo
from mctrain.data.reinforced.embeddings import pack_arrays
from mctrain.data.reinforced.layout import missing_role, name_role, role_of
from mctrain.errors import DataError, SampleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import PIL.Image
    from numpy.typing import NDArray

    from mctrain.data.augment.records import Slots, View
    from mctrain.data.reinforced.storage import Storage

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
        """What stands as the photo's captions."""
        return self.words.captions

    def texts_of(self, tag: str | None) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """The texts of a tag with their embeddings; without a tag the captions."""
        if tag is None:
            return self.captions, self.caption_embeddings
        return self.words.synthetic[tag], self.synthetic_embeddings[tag]

    def image(self) -> PIL.Image.Image:
        """The decoded photo, RGB, as the public teachers saw it: not turned upright, transparency dropped.

        Raises:
            SampleError: it cannot be decoded, is cut short or too large.
        """
        try:
            return decode_photo(self.photo)
        except DataError as fault:
            raise SampleError(f"The photo {self.key} cannot be decoded: {fault}.", "broken photo") from fault


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
        "syn.json": words.tags_of(sample.words),
        "paug.json": json.dumps({"param_aug": write_views(sample.views, slots)}).encode(),
        storage.suffix: pack_arrays(arrays, storage),
    }
    if role := missing_role(map(role_of, members)):
        raise lacking(sample.key, role)
    return members


def lacking(key: str, role: str) -> SampleError:
    """What is said of a sample without a member."""
    return SampleError(f"{key} has no {name_role(role)}.", f"no {role}")
