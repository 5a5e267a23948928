"""Lets both towers of a model work once on what everybody has: packaged photographs, and phrases about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.models.backend import load_image_encoder
from picsight_engine.models.self_test import PHRASES, known_photos
from picsight_engine.models.text import TextEmbedder

if TYPE_CHECKING:
    from picsight_engine.models.bundle import Bundle

_LONG_TEXT = "a photo of a dog beside the sea, " * 50  # longer than any tower's context


def try_towers(bundle: Bundle) -> None:
    """Whether what a model gives can be compared.

    Raises:
        BundleError: a tower cannot be loaded or run, does not fit the manifest, or gives no usable vectors.
    """
    if bundle.manifest.image is not None:
        load_image_encoder(bundle).encode(known_photos(bundle.manifest.image))
    if bundle.manifest.text is not None:
        TextEmbedder(bundle).embed_texts([*PHRASES.values(), _LONG_TEXT])
