"""The small JPEG that stands for a photo on the wall."""

from __future__ import annotations

import io

from PIL import Image

_QUALITY = 85


def thumbnail(image: Image.Image, side: int = 256) -> bytes:
    """A JPEG whose long side is at most `side` pixels, of an upright RGB picture; a smaller picture keeps its size."""
    scale = side / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
