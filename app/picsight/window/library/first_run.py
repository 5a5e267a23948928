"""The first page: what Picsight does, what it promises, and the one thing to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QStandardPaths, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from picsight.window.parts.controls import Button, Weight
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import sized
from picsight.window.parts.words import counted
from picsight.window.tokens import HALF, ONE, PAD, WIDE, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPaintEvent


class FirstRun(QWidget):
    """Three promises and a way to add folders; takes dropped ones."""

    choose_requested = Signal()
    folders_chosen = Signal(object)  # list[Path]
    models_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dropping = 0
        self.setAcceptDrops(True)
        inner = QWidget(self)
        inner.setMaximumWidth(px(self, 32))
        column = QVBoxLayout(inner)
        column.setSpacing(px(self, HALF))
        column.addStretch(2)
        title = sized(QLabel(self.tr("Find your photos by describing them."), inner), 1.3, semibold=True)
        title.setWordWrap(True)
        column.addWidget(title)
        column.addSpacing(px(self, PAD))
        for icon, words in (
            ("computer", self.tr("Everything stays on this computer.")),
            ("read-only", self.tr("Your photos are only read, never changed.")),
            ("not-sent", self.tr("Nothing is sent anywhere.")),
        ):
            column.addWidget(_Promise(icon, words, inner))
        column.addSpacing(px(self, ONE))
        column.addLayout(self._buttons())
        column.addSpacing(px(self, PAD))
        self._hint = sized(QLabel(self.tr("Or drop a folder here."), inner), 0.9)
        self._hint.setWordWrap(True)
        column.addWidget(self._hint)
        column.addSpacing(px(self, PAD))
        self._model = self._model_line(inner)
        column.addWidget(self._model)
        column.addStretch(3)
        row = QHBoxLayout(self)
        row.addStretch(1)
        row.addWidget(inner, 1000)
        row.addStretch(1)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(px(self, PAD))
        self.choose = Button(self.tr("Choose folders…"), Weight.PRIMARY, self)
        self.choose.clicked.connect(self.choose_requested)
        row.addWidget(self.choose)
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        if pictures and Path(pictures).is_dir() and Path(pictures) != Path.home():
            use = Button(self.tr("Use my Pictures folder"), Weight.QUIET, self)
            use.clicked.connect(lambda: self.folders_chosen.emit([Path(pictures)]))
            row.addWidget(use)
        row.addStretch(1)
        return row

    def _model_line(self, inner: QWidget) -> QWidget:
        line = QWidget(inner)
        words = sized(QLabel(self.tr("This small model knows everyday things."), line), 0.9)
        better = Button(self.tr("Get a better one…"), Weight.QUIET, line)
        better.setAccessibleDescription(words.text())
        better.clicked.connect(self.models_requested)
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(words)
        row.addWidget(better)
        row.addStretch(1)
        return line

    def say_model(self, *, small: bool) -> None:
        """Tell of better models while the one that comes with Picsight is the chosen one."""
        self._model.setVisible(small)

    def say(self, sentence: str) -> None:
        """Why a folder could not be added."""
        self._hint.setText(sentence)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Folders may be dropped."""
        folders = dropped_folders(event)
        if folders:
            self._dropping = len(folders)
            self._hint.setText(
                counted(self._dropping, "Drop to add this folder.", "Drop to add these %n folders.")
            )
            event.acceptProposedAction()
            self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """As before."""
        super().dragLeaveEvent(event)
        self._end_drop()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was dropped."""
        self.folders_chosen.emit(dropped_folders(event))
        event.acceptProposedAction()
        self._end_drop()

    def _end_drop(self) -> None:
        self._dropping = 0
        self._hint.setText(self.tr("Or drop a folder here."))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """An outline while something hovers that may be dropped."""
        colours, painter = tones(self), QPainter(self)
        painter.fillRect(self.rect(), colours.base)
        if self._dropping:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(colours.accent, 2, Qt.PenStyle.DashLine))
            inset, radius = px(self, PAD), px(self, HALF)
            painter.drawRoundedRect(
                QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius
            )
        painter.end()


class _Promise(QWidget):
    """An icon and a sentence."""

    def __init__(self, icon: str, words: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._icon = icon
        label = QLabel(words, self)
        label.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(px(self, 1.25 + PAD), 0, 0, 0)
        row.addWidget(label)
        self.setMinimumHeight(px(self, WIDE))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The icon in front."""
        painter, side = QPainter(self), px(self, 1.25)
        paint_icon(painter, QRect(0, (self.height() - side) // 2, side, side), self._icon, tones(self).accent)
        painter.end()


def dropped_folders(event: QDropEvent) -> list[Path]:
    """The folders among what is dragged or dropped."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if path.is_dir()]
