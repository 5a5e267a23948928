"""The first page: what Picsight does, what it promises, and the one thing to do."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from picsight.window.parts.controls import Button, Weight
from picsight.window.parts.icons import Sign
from picsight.window.parts.labels import Words, sized
from picsight.window.tokens import HALF, ONE, PAD, WIDE, px


class FirstRun(QWidget):
    """Two promises and a way to add folders."""

    choose_requested = Signal()
    folders_chosen = Signal(object)  # list[Path]

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)  # as every page
        inner = QWidget(self)
        inner.setMaximumWidth(px(self, 32))
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(px(self, HALF))
        column.addStretch(2)
        title = sized(Words(self.tr("Find your photos by describing them."), inner), 1.3, semibold=True)
        title.setWordWrap(True)
        column.addWidget(title)
        column.addSpacing(px(self, PAD))
        for icon, words in (
            ("computer", self.tr("Everything stays on this computer: no account, no upload.")),
            ("read-only", self.tr("Your photos are only read, never changed.")),
        ):
            promise, label = QHBoxLayout(), Words(words, inner)
            label.setWordWrap(True)
            label.setMinimumHeight(px(self, WIDE))
            promise.setSpacing(px(self, PAD))
            promise.addWidget(Sign(icon, 1.25, inner, lambda colours: colours.accent))
            promise.addWidget(label, 1)
            column.addLayout(promise)
        column.addSpacing(px(self, ONE))
        column.addLayout(self._buttons())
        column.addSpacing(px(self, PAD))
        self._hint = sized(Words(self.tr("Or drop a folder here."), inner), 0.9)
        self._hint.setWordWrap(True)
        column.addWidget(self._hint)
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

    def say(self, sentence: str) -> None:
        """Why a folder could not be added."""
        self._hint.setText(sentence)
