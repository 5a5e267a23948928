"""A model's vectors of pictures, made one at a time: a vector must not depend on its neighbours in a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.foundation.errors import BundleError, VectorError
from picsight_engine.runtime.backend import load_image_encoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL import Image

    from picsight_engine.bundles.bundle import Bundle


class PictureEmbedder:
    """An image tower and its preprocessing."""

    def __init__(self, bundle: Bundle) -> None:
        """Loads the tower; raises BundleError."""
        self._tower = load_image_encoder(bundle, threads=1)
        self._spec = bundle.image_spec()

    def vectors(self, images: Iterable[Image.Image]) -> tuple[bytes, ...]:
        """The vectors, float16 little-endian [dim] each.

        Raises:
            VectorError: the tower gives one of the pictures no direction, though it works for others.
            BundleError: it gives no picture a direction.
        """
        try:
            inputs = (preprocess(image, self._spec) for image in images)
            return tuple(self._tower.encode(each[None])[0].astype("<f2").tobytes() for each in inputs)
        except VectorError as fault:
            # lazy: imports the tokenizer too, for one photo in a million
            from picsight_engine.runtime.self_test import known_photos

            try:
                self._tower.encode(known_photos(self._spec))
            except VectorError:
                raise BundleError(fault.message) from None
            raise
