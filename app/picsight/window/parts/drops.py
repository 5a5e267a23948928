"""Drags onto the window: folders of photos, models, or a picture to search by; and the veil that describes the drop's effect."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from picsight.texts import tr
from picsight.window.parts.labels import CENTRE, Label, paint_plate, sized_font
from picsight.window.parts.words import counted, isolated
from picsight.window.tokens import HALF, PAD, px, tones
from picsight_engine.photos.formats import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from PySide6.QtCore import QMimeData
    from PySide6.QtGui import QDropEvent, QPaintEvent
    from PySide6.QtWidgets import QWidget

PHOTOS = "application/x-picsight-photos"  # photo ids, within one window: a URL cannot express every file name
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")


@dataclass(frozen=True, slots=True)
class Drop:
    """The usable parts of a drop: folders to add, models to install, a picture to search by."""

    folders: tuple[Path, ...]
    models: tuple[Path, ...]
    picture: Path | QImage | None = None

    def sentence(self) -> str:
        """A sentence about the drop's effect; empty if it has none."""
        words = []
        if self.folders:
            words.append(
                counted(len(self.folders), "Drop to add this folder.", "Drop to add these %n folders.")
            )
        if len(self.models) == 1:
            words.append(tr("Drop to install this model."))
        elif self.models:
            name = isolated(f"“{self.models[0].name}”")
            words.append(tr("Drop to install {name}; the others one at a time.", name=name))
        if self.picture is not None and not words:
            words.append(tr("Drop to find photos like this one."))
        return " ".join(words)


def dropped_files(event: QDropEvent) -> list[Path]:
    """The local files and folders of a drag or drop."""
    return _files(event.mimeData())


def dropped_photos(event: QDropEvent) -> list[int | Path]:
    """The possible photos of the library in a drag or drop: by id if they come from the wall, else by path."""
    mime = event.mimeData()
    if event.source() is not None and mime.hasFormat(PHOTOS):
        return [int(number) for number in bytes(mime.data(PHOTOS).data()).split()]
    return [path for path in _files(mime) if path.suffix.lower() in IMAGE_SUFFIXES]


def _files(mime: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def picture_in(mime: QMimeData) -> Path | QImage | None:
    """The first picture in dragged, dropped or copied data: a file, an absolute path as text, else image data."""
    named = Path(mime.text().strip())
    for path in _files(mime) or ([named] if named.is_absolute() else []):
        if path.suffix.lower() in IMAGE_SUFFIXES and os.path.isfile(path):  # noqa: PTH113 - Path raises at long names
            return path
    image = mime.imageData() if mime.hasImage() else None
    return image if isinstance(image, QImage) and not image.isNull() else None


def dropped(event: QDropEvent) -> Drop:
    """The usable parts of a drag or drop."""
    paths = dropped_files(event)
    models = tuple(path for path in paths if _is_model(path))
    folders = tuple(path for path in paths if path.is_dir() and path not in models)
    # Photos of this window's wall are dragged out of it, not onto it; the box accepts them.
    return Drop(folders, models, None if event.source() is not None else picture_in(event.mimeData()))


def _is_model(path: Path) -> bool:
    """A folder with a model, or an archive: photos do not come in archives."""
    from picsight_engine.bundles.bundle import MANIFEST  # only needed for a drop
    from picsight_engine.installation.layouts import find_published

    if path.is_dir():
        return (path / MANIFEST).is_file() or find_published(path) is not None
    return path.name.lower().endswith(ARCHIVES) and path.is_file()


class DropOverlay(Label):
    """Covers the window during an acceptable drag: one outlined target, one sentence."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("", parent, wraps=True)
        self._over = parent
        self.setAlignment(CENTRE)
        self.setMargin(px(self, 3 * PAD))
        self.setFont(sized_font(self, 1.15, semibold=True))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def say(self, sentence: str) -> None:
        """Show the veil with this sentence; hide it for none."""
        self.setText(sentence)
        self.setGeometry(self._over.rect())
        self.setVisible(bool(sentence))
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a translucent cover and the outline of the target."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(colours.base)
        veil.setAlphaF(0.96)
        painter.fillRect(self.rect(), veil)
        edge, inset = QPen(colours.accent, 2, Qt.PenStyle.DashLine), self.margin() // 3
        paint_plate(painter, self.rect(), px(self, HALF), line=edge, inset=inset)
        painter.end()
        super().paintEvent(event)
