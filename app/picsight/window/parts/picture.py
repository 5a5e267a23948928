"""A photo for the screen: decoded by the engine (orientation, colour), as large as needed. Runs in threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from picsight_engine.foundation.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from picsight_engine.photos.decoding.screen_decoder import ScreenDecoder
    from picsight_engine.photos.reading import Limits


@dataclass(frozen=True, slots=True)
class ScreenPicture:
    """A decoded photo, or a film's frame at `moment` seconds, None for its poster; `size` is its full upright size, `image`
    may be smaller.
    """

    path: Path
    image: QImage
    size: QSize
    moment: float | None = None


def read_thumbnail(jpeg: bytes | None) -> QImage:
    """A thumbnail of the library, which the engine wrote, not a user's file; null if there is none. Runs in threads."""
    image = QImage()
    if jpeg:  # without the format, Qt asks its SVG plugin too, which can wait for the GUI thread for good
        image.loadFromData(jpeg, "JPEG")
    return image


class Pictures:
    """Reads photos in other processes, since a damaged file could crash the one that decodes it."""

    def __init__(self, limits: Limits) -> None:
        """`limits` apply to each photo."""
        self._limits = limits
        self._decoder: ScreenDecoder | None = None
        self._closed = False
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Start the processes, so that the first photo need not wait."""
        self._screen_decoder().warm_up()

    def load(
        self, path: Path, fit: QSize | None, is_wanted: Callable[[], bool], moment: float | None = None
    ) -> ScreenPicture:
        """Decode a photo, or a film's frame at `moment` seconds, to fit into `fit` device pixels, or in full size for None;
        cancelled if it takes long and `is_wanted` returns False.

        Raises:
            ImageError: the file cannot be shown.
            CancelledError: it was cancelled, or the window is closed.
        """
        place = None if fit is None else (max(fit.width(), 1), max(fit.height(), 1))
        decoded = self._screen_decoder().decode(path, place, is_wanted, moment)
        width, height = decoded.size
        shown = QImage(decoded.pixels, width, height, 3 * width, QImage.Format.Format_RGB888)
        # The conversion copies the pixels; the originals are freed with `decoded`.
        image = shown.convertToFormat(QImage.Format.Format_RGB32)
        return ScreenPicture(path, image, QSize(decoded.width, decoded.height), moment)

    def close(self) -> None:
        """Stop reading and end the processes; nothing can be read afterwards."""
        with self._lock:
            self._closed = True
        if self._decoder is not None:
            self._decoder.close()

    def _screen_decoder(self) -> ScreenDecoder:
        with self._lock:
            if self._closed:
                raise CancelledError("The window is closed.")
            if self._decoder is None:
                # 20 ms that the first frame does not pay
                from picsight_engine.photos.decoding.screen_decoder import ScreenDecoder

                self._decoder = ScreenDecoder(self._limits)
            return self._decoder
