"""Photoshop documents (PSD and PSB) for Pillow: the merged picture that lies behind the layers, or the preview without one.

Pillow's reader knows neither 16 bits nor PSB. Transparency is not read: the merged picture is on white already.
"""

from __future__ import annotations

import io
import struct
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageChops, ImageFile
from PIL.JpegImagePlugin import JpegImageFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MODES = {1: "L", 2: "P", 3: "RGB", 4: "CMYK", 8: "L", 9: "LAB"}
_INFO = {1039: "icc_profile", 1058: "exif", 1060: "xmp"}
_PREVIEW, _PREVIEW_START = 1036, 28
_VERSION, _IS_MERGED = 1057, 4
_RAW, _PACKED = 0, 1


class NotMergedError(NotImplementedError):
    """A document has neither a merged picture nor a preview."""


class PsdImageFile(ImageFile.ImageFile):
    """The merged picture; its header is read at once, its pixels when they are loaded."""

    format = "PSD"
    bits: int  # of a channel

    def _open(self) -> None:
        assert self.fp is not None
        data = memoryview(self.fp.read())
        version, self._channels, height, width, self.bits, kind = struct.unpack(">4xH6xHIIHH", data[:26])
        if kind not in _MODES or self.bits not in {8, 16}:
            raise NotImplementedError
        self._mode = _MODES[kind]
        self._size, self._is_large = (width, height), version > 1
        self._palette, data = _block(data[26:])
        resources, data = _block(data)
        self._resources = dict(_resources(resources))
        self._merged = _block(data, length=8 if self._is_large else 4)[1]
        self.info = {name: self._resources[key] for key, name in _INFO.items() if key in self._resources}
        self.info["photoshop"] = self._resources

    def load(self) -> Any:
        """Decodes the picture, as Pillow wants it.

        Raises:
            NotMergedError: the document was saved without the picture of its layers.
        """
        if self._merged:
            version = self._resources.get(_VERSION, b"")
            picture = self._preview() if version[_IS_MERGED : _IS_MERGED + 1] == b"\0" else self._picture()
            self.im, self._mode, self._size = picture.im, picture.mode, picture.size
            self._merged = self._merged[:0]
        return super().load()

    def _preview(self) -> Image.Image:
        preview = self._resources.get(_PREVIEW, b"")[_PREVIEW_START:]
        if not preview:
            raise NotMergedError
        self.info.pop("icc_profile", None)  # previews are in sRGB
        return JpegImageFile(io.BytesIO(preview)).convert("RGB")

    def _picture(self) -> Image.Image:
        rows: Iterable[Image.Image] = islice(self._rows(), Image.getmodebands(self.mode))
        if self.bits == 16:  # the high bytes
            rows = (Image.fromarray(np.ascontiguousarray(np.asarray(band)[:, ::2])) for band in rows)
        bands = list(rows)
        if self.mode == "P":
            bands[0].putpalette(bytes(self._palette), "RGB;L")
            return bands[0]
        if self.mode == "CMYK":
            bands = [ImageChops.invert(band) for band in bands]
        return bands[0] if self.mode == "L" else Image.merge(self.mode, bands)

    def _rows(self) -> Iterator[Image.Image]:
        """Each channel as a picture [height, bytes of a row]."""
        size = self.width * self.bits // 8, self.height
        coding, data = int.from_bytes(self._merged[:2]), self._merged[2:]
        if coding == _RAW:
            for at in range(0, self._channels * size[0] * size[1], size[0] * size[1]):
                yield Image.frombytes("L", size, data[at : at + size[0] * size[1]])
        elif coding == _PACKED:
            kind = np.dtype(">u4" if self._is_large else ">u2")
            lengths = np.frombuffer(data, kind, self._channels * self.height).reshape(-1, self.height)
            data = data[lengths.nbytes :]
            for length in lengths.sum(axis=1, dtype=np.int64).tolist():
                yield Image.frombytes("L", size, bytes(data[:length]), "packbits", "L")
                data = data[length:]
        else:
            raise NotImplementedError


def _block(data: memoryview, length: int = 4) -> tuple[memoryview, memoryview]:
    """A block behind its length, and the rest."""
    end = length + int.from_bytes(data[:length])
    return data[length:end], data[end:]


def _resources(data: memoryview) -> Iterator[tuple[int, bytes]]:
    """The image resources by number: a signature, the number, a name, and the content, each of even length."""
    while len(data) > 7:
        number, name = int.from_bytes(data[4:6]), data[6]
        content, data = _block(data[7 + name + (name + 1) % 2 :])
        yield number, bytes(content)
        data = data[len(content) % 2 :]
