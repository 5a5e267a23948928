"""A bundle as a teacher: its graphs in the engine's own code, int8 where they are int8."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.shards import file_digest
from picsight_engine.models.backend import load_image_encoder
from picsight_engine.models.bundle import MANIFEST, open_bundle
from picsight_engine.models.preprocess import preprocess
from picsight_engine.models.text import TextEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray


class BundleTeacher:
    """What the application would say of the same pictures and texts."""

    def __init__(self, folder: Path) -> None:
        """Opens the bundle and checks every hash.

        Raises:
            BundleError: it is damaged, or holds one tower only.
        """
        bundle = open_bundle(folder, hashes=True)
        self.name = bundle.manifest.name
        self.width = bundle.manifest.dim
        self.scale = bundle.manifest.logit_scale
        self.digest = file_digest(folder / MANIFEST)[:16]  # which holds the digests of all its files
        self.spec = bundle.image_spec()
        self.blankness = bundle.manifest.blankness
        self._image = load_image_encoder(bundle)
        self._text = TextEmbedder(bundle, threads=1)

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width], one picture at a time as the indexer does it."""
        del keys  # it has the same answer for every photo
        rows = [self._image.encode(preprocess(picture, self.spec)[None]) for picture in pictures]
        return np.concatenate(rows)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return self._text.embed_texts(texts)

    def terms(self, terms: Sequence[str]) -> NDArray[np.float32]:
        """[n, width], as the application embeds what is typed."""
        return np.stack([self._text.embed_term(own) for own in terms])
