"""What opens above the status line: how far indexing is, how fast, how long it takes, what could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from picsight.window.parts.labels import Words
from picsight.window.parts.words import counted
from picsight.window.tokens import PAD, SMALL, px

if TYPE_CHECKING:
    from picsight_engine.indexing.events import Progress


class IndexingFigures(QWidget):
    """Two lines about the run: how far and how fast, what can be searched already and what could not be read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._far, self._long = Words(parent=self), Words(parent=self)
        column = QVBoxLayout(self)
        column.setContentsMargins(px(self, PAD), px(self, PAD), px(self, PAD), 0)
        column.setSpacing(px(self, SMALL))
        column.addWidget(self._far)
        column.addWidget(self._long)

    def show_progress(self, progress: Progress, done: str, folders: int, photos: int) -> None:
        """Say the figures; `done` is how far it is in words."""
        where = counted(folders, "Looking through %n folder", "Looking through %n folders")
        rate = counted(round(progress.photos_per_second), "%n photo a second", "%n photos a second")
        gap = "   "
        self._far.setText(gap.join((where, done, rate) if progress.photos_per_second >= 1 else (where, done)))
        ready = counted(photos, "You can already search %n photo", "You can already search %n photos")
        ready = ready if photos else ""
        problems = counted(progress.problems, "%n problem", "%n problems") if progress.problems else ""
        self._long.setText(" · ".join(filter(None, (ready, problems))))
