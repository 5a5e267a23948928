"""What both towers of the starter look like from outside: the preprocessing, the tokens, the names of inputs and outputs."""

from __future__ import annotations

from picsight_engine.models.bundle import ImageSpec, TextSpec

# The whole photo is squashed to the square, as the training photos are, and nothing at the edges is lost.
IMAGE_SPEC = ImageSpec(
    size=224,
    resize="squash",
    interpolation="bicubic",
    crop=None,
    mean=(127 / 255,) * 3,
    std=(128 / 255,) * 3,
    input="pixels",
    output="vector",
    dtype="float32",
)
# The averaged sentences of a short query; zero-shot evaluation and the search use the same seven.
TEMPLATES = (
    "a photo of a {}.",
    "a photo of the {}.",
    "a photo of {}.",
    "a picture of a {}.",
    "a close-up photo of a {}.",
    "a good photo of a {}.",
    "{}",
)
TEXT_SPEC = TextSpec(
    context=64,
    dynamic=True,
    pad_id=0,
    eot=102,
    tokenizer="tokenizer.json",
    clean="none",
    templates=TEMPLATES,
    input="ids",
    output="vector",
)
