"""JPEG XL for Pillow, decoded by libjxl."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageFile

_MODES = {(1, False): "L", (1, True): "LA", (3, False): "RGB", (3, True): "RGBA"}


class JxlImageFile(ImageFile.ImageFile):
    """The first picture of a file, upright; its header is read at once, its pixels when they are loaded."""

    format = "JXL"
    bits: int  # of a channel

    def _open(self) -> None:
        try:
            from pyjpegxl import probe  # 43 ms, and most libraries hold no JPEG XL
        except ImportError as fault:  # there is no wheel for Linux on ARM
            raise NotImplementedError from fault
        assert self.fp is not None
        self._coded = self.fp.read()
        header = probe(self._coded)
        self._size = header.width, header.height
        self._mode = _MODES[header.num_color_channels, header.has_alpha]
        self.bits = header.bits_per_sample
        exif = header.exif or b""  # the length of a prefix, that, a TIFF structure
        found = {"icc_profile": header.icc, "exif": exif[4 + int.from_bytes(exif[:4]) :], "xmp": header.xmp}
        self.info.update({name: value for name, value in found.items() if value})

    def load(self) -> Any:
        """Decodes the picture, as Pillow wants it."""
        if self._coded:
            from pyjpegxl import decode

            _, pixels = decode(self._coded, dtype="uint8")
            self.im = Image.frombytes(self.mode, self.size, pixels).im
            self._coded = b""
        return super().load()
