"""Tries a model on four packaged photos and four phrases: whether its towers work, and whether it seems trained.

A model with random weights matches most of the photos with a wrong phrase; this is reported, but the model is not refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.foundation.assets import find_asset
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.text_embedder import TextEmbedder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle, ImageSpec

PHRASES = {
    "cat": "a photo of a cat",
    "coffee": "a photo of a cup of coffee",
    "rocket": "a photo of a rocket",
    "astronaut": "a photo of an astronaut",
}
_LONG_TEXT = "a photo of a dog beside the sea, " * 50  # longer than any tower's context
_LEAST_RIGHT = 3
_FIRST_SCALE = 1 / 0.07  # CLIP's initial logit scale
_STEP = 0.01  # a log scale this close to its initial value is untrained


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Whether a model looks trained, and the reason."""

    trained: bool
    reasons: tuple[str, ...]

    def sentence(self) -> str:
        """For a person."""
        return f"looks trained: {'yes' if self.trained else 'no'} ({'; '.join(self.reasons)})"


def try_towers(bundle: Bundle) -> None:
    """Runs both towers once.

    Raises:
        BundleError: a tower cannot be loaded or run, does not fit the manifest, or gives vectors that cannot be compared.
    """
    if bundle.manifest.image is not None:
        load_image_encoder(bundle).encode(known_photos(bundle.manifest.image))
    if bundle.manifest.text is not None:
        TextEmbedder(bundle).embed_texts([*PHRASES.values(), _LONG_TEXT])


def judge_model(bundle: Bundle) -> SelfTest | None:
    """Judges a bundle with both towers; None if it has only one.

    Raises:
        BundleError: a file of the bundle is missing or damaged.
    """
    if bundle.manifest.image is None or bundle.manifest.text is None:
        return None
    photos = load_image_encoder(bundle).encode(known_photos(bundle.manifest.image))
    texts = TextEmbedder(bundle).embed_texts(list(PHRASES.values()))
    return judge_vectors(photos, texts, bundle.manifest.logit_scale)


def known_photos(spec: ImageSpec) -> NDArray[np.float32]:
    """The four photographs as an image tower's input, [4, 3, size, size], in the order of the phrases."""
    folder = find_asset("known")
    return np.stack([preprocess(Image.open(folder / f"{name}.jpg"), spec) for name in PHRASES])


def judge_vectors(photos: NDArray[np.float32], texts: NDArray[np.float32], scale: float) -> SelfTest:
    """Judges by the unit vectors of photos and phrases, [4, dim] each, and by the logit scale."""
    best = (photos @ texts.T).argmax(1)
    names = list(PHRASES)
    wrong = [name for place, name in enumerate(names) if best[place] != place]
    right = len(names) - len(wrong)
    answers = f"{right} of {len(names)} known photographs are named correctly"
    if wrong:
        answers += f", not {', '.join(wrong)}"
    moved = abs(math.log(max(scale, 1e-9) / _FIRST_SCALE)) > _STEP
    scale_note = f"the logit scale is {scale:.1f}" + ("" if moved else ", as before training")
    return SelfTest(moved and right >= _LEAST_RIGHT, (scale_note, answers))
