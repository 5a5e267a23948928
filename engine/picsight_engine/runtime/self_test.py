"""Tries a model on four packaged photographs and four phrases: whether its towers work, and whether it seems trained.

A model with random weights matches most of the photographs with a wrong phrase: that is told, and nothing is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from picsight_engine.assets import find_asset
from picsight_engine.bundles.preprocess import preprocess
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
_FIRST_SCALE = 1 / 0.07  # where CLIP's training begins
_STEP = 0.01  # a logarithm as near as this to its beginning has not moved


@dataclass(frozen=True, slots=True)
class Impression:
    """Whether a model looks trained, and why one thinks so."""

    trained: bool
    reasons: tuple[str, ...]

    def sentence(self) -> str:
        """For a person."""
        return f"looks trained: {'yes' if self.trained else 'no'} ({'; '.join(self.reasons)})"


def try_towers(bundle: Bundle) -> None:
    """Lets both towers work once.

    Raises:
        BundleError: a tower cannot be loaded or run, does not fit the manifest, or gives vectors that cannot be compared.
    """
    if bundle.manifest.image is not None:
        load_image_encoder(bundle).encode(known_photos(bundle.manifest.image))
    if bundle.manifest.text is not None:
        TextEmbedder(bundle).embed_texts([*PHRASES.values(), _LONG_TEXT])


def look(bundle: Bundle) -> Impression | None:
    """Looks at a bundle of both towers; None where it has but one.

    Raises:
        BundleError: a file of the bundle is missing or damaged.
    """
    if bundle.manifest.image is None or bundle.manifest.text is None:
        return None
    photos = load_image_encoder(bundle).encode(known_photos(bundle.manifest.image))
    texts = TextEmbedder(bundle).embed_texts(list(PHRASES.values()))
    return judge(photos, texts, bundle.manifest.logit_scale)


def known_photos(spec: ImageSpec) -> NDArray[np.float32]:
    """The four photographs as an image tower's input, [4, 3, size, size], in the order of the phrases."""
    folder = find_asset("known")
    return np.stack([preprocess(Image.open(folder / f"{name}.jpg"), spec) for name in PHRASES])


def judge(photos: NDArray[np.float32], texts: NDArray[np.float32], scale: float) -> Impression:
    """Judges by the unit vectors of photographs and phrases, [4, dim] both, and by the factor of their cosines."""
    best = (photos @ texts.T).argmax(1)
    names = list(PHRASES)
    wrong = [name for place, name in enumerate(names) if best[place] != place]
    right = len(names) - len(wrong)
    answers = f"{right} of {len(names)} known photographs are named rightly"
    if wrong:
        answers += f", not {', '.join(wrong)}"
    moved = abs(math.log(max(scale, 1e-9) / _FIRST_SCALE)) > _STEP
    scale_note = f"the logit scale is {scale:.1f}" + ("" if moved else ", as before training")
    return Impression(moved and right >= _LEAST_RIGHT, (scale_note, answers))
