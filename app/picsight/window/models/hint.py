"""The line about better models."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from picsight.window.parts.controls import Button, IconButton, Weight
from picsight.window.parts.labels import ElidedLabel
from picsight.window.parts.layouts import Ruled, filled
from picsight.window.tokens import HALF, PAD, px


class HintLine(Ruled):
    """A line below the photos, so that none of them moves when it appears."""

    models_requested = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = ElidedLabel(self)
        whole = self.tr("Not what you meant? This small model knows everyday things.")
        words.say(whole, self.tr("Not what you meant?"))
        words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.better = Button(self.tr("Get a better one…"), Weight.QUIET, self)
        self.better.setAccessibleDescription(words.text())
        self.better.clicked.connect(self.models_requested)
        self.dismiss = IconButton("clear", self.tr("Do not mention better models again"), self)
        self.dismiss.clicked.connect(self.dismissed)
        row = filled(QHBoxLayout(self), self, PAD - HALF, words, self.better, 1, self.dismiss, gap=HALF)
        row.setContentsMargins(px(self, HALF), 1, px(self, HALF), 0)
        self.hide()
