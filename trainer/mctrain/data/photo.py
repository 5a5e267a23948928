"""Decodes the photos of shards as the public teachers saw them, for drawing and for replaying views."""

from __future__ import annotations

import base64
import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import PIL.Image

from mctrain.data.texts import StoredPhoto
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_PIXELS = 100_000_000  # 300 MB decoded; Pillow's own bound depends on who else set it
_QUALITY = 92
_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}


def decode_photo(photo: bytes, key: str) -> PIL.Image.Image:
    """RGB; not turned upright, transparency dropped. `key` is for error messages only.

    Raises:
        DataError: it cannot be decoded, is cut short or too large.
    """
    with _opened(photo, key) as image:
        image.load()
        return image if image.mode == "RGB" else image.convert("RGB")


def data_uri(picture: PIL.Image.Image) -> str:
    """The picture as a JPEG inside an address."""
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()


def describe_photo(photo: bytes, key: str) -> StoredPhoto:
    """The photo with the suffix and size from its header, whatever the name of its file; it is not decoded.

    Raises:
        DataError: it describes no picture that `decode_photo` accepts.
    """
    with _opened(photo, key) as image:
        return StoredPhoto(_SUFFIXES.get(str(image.format), "jpg"), photo, image.width, image.height)


@contextmanager
def _opened(photo: bytes, key: str) -> Iterator[PIL.Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what decoders complain about and read all the same
            image = PIL.Image.open(io.BytesIO(photo), formats=tuple(_SUFFIXES))
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError(f"it has {image.width} by {image.height} pixels")  # noqa: TRY301 (one sentence for all)
            yield image
    # The outer border to foreign decoders: on damaged bytes they raise whatever these lead to.
    except Exception as fault:
        raise DataError(f"The photo {key} cannot be decoded: {fault}.") from fault


def encode_jpeg(image: PIL.Image.Image) -> bytes:
    """The photo as JPEG, for readers that accept nothing else."""
    content = io.BytesIO()
    image.save(content, "JPEG", quality=_QUALITY, subsampling=0)
    return content.getvalue()
