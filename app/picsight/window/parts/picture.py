"""A photo for the screen: decoded by the engine (orientation, colour), as large as is needed. Runs in threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image


@dataclass(frozen=True, slots=True)
class ScreenPicture:
    """A decoded photo; `size` is its full upright size, `image` perhaps smaller."""

    path: Path
    image: QImage
    size: QSize


def load_picture(path: Path, fit: QSize | None) -> ScreenPicture:
    """Decode a photo to fit into `fit` device pixels, or whole where that is None.

    Raises:
        ImageError: the file cannot be shown.
    """
    from picsight_engine.photos.decode import Limits, decode, read_photo  # Pillow, 30 ms, at the first photo

    limits = Limits()
    data = read_photo(path, limits)
    side = 100_000 if fit is None else max(min(fit.width(), fit.height()), 64)
    picture = decode(data, path, min_side=side, limits=limits)
    image = to_qimage(picture.image)
    size = QSize(picture.width, picture.height)
    if fit is not None:
        target = size.scaled(fit, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
        if target.width() < image.width():
            image = image.scaled(
                target, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
    return ScreenPicture(path, image.convertToFormat(QImage.Format.Format_RGB32), size)


def to_qimage(image: Image.Image) -> QImage:
    """An RGB picture as a QImage with memory of its own."""
    data = image.convert("RGB").tobytes()
    return QImage(data, image.width, image.height, 3 * image.width, QImage.Format.Format_RGB888).copy()
