"""Measures opening a photo for the screen: decoded in a separate process, and in the process of the window."""

from __future__ import annotations

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage
from report import interleaved, machine, milliseconds, table

from picsight.window.parts.picture import Pictures
from picsight_engine.photos.decoding.decode import decode
from picsight_engine.photos.reading import Limits, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable

SCREEN = QSize(1920, 1080)


def open_here(path: Path, fit: QSize | None) -> QImage:
    """Opens a photo as a window would that trusts every file."""
    side = 1 << 30 if fit is None else min(fit.width(), fit.height())
    image = decode(read_photo(path, Limits()), path, min_side=side, limits=Limits()).image
    whole = QImage(image.tobytes(), image.width, image.height, 3 * image.width, QImage.Format.Format_RGB888)
    target = whole.size() if fit is None else whole.size().scaled(fit, Qt.AspectRatioMode.KeepAspectRatio)
    if target.width() < whole.width():
        whole = whole.scaled(
            target, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
    return whole.convertToFormat(QImage.Format.Format_RGB32)


def write_photos(photo: Path, folder: Path) -> dict[str, Path]:
    """The photo with 12 megapixels and with 0.3, as JPEGs."""
    paths = {}
    with Image.open(photo) as opened:
        image = opened.convert("RGB")
    for name, size in (("12 megapixels", (4000, 3000)), ("0.3 megapixels", (640, 480))):
        paths[name] = folder / f"{size[0]}.jpg"
        image.resize(size).save(paths[name], quality=90)
    return paths


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="what is decoded, brought to both sizes")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    pictures = Pictures(Limits())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        paths = write_photos(arguments.photo, Path(folder))
        cases: list[tuple[str, QSize | None]] = [
            ("12 megapixels", SCREEN),
            ("0.3 megapixels", SCREEN),
            ("12 megapixels", None),
        ]
        for name, fit in cases:
            candidates: dict[str, Callable[[], object]] = {
                "own": partial(pictures.load, paths[name], fit, lambda: True),
                "here": partial(open_here, paths[name], fit),
            }
            interleaved(candidates, 1)
            seconds = interleaved(candidates, arguments.rounds)
            shown = "whole" if fit is None else f"fitted to {fit.width()} by {fit.height()}"
            rows.append([f"{name}, {shown}", milliseconds(seconds["own"]), milliseconds(seconds["here"])])
    pictures.close()
    print(f"{machine()}; {arguments.rounds} interleaved rounds, ms, median (range)\n")
    print(table(["a JPEG", "in a process of its own", "in the window's own"], rows))


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()
