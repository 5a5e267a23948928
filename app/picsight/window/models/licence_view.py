"""A licence, to be read and accepted before anything is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from picsight.window.parts.controls import Button, Weight, flatten
from picsight.window.parts.labels import Links, Words, sized
from picsight.window.parts.words import WEB, isolated, linked, say
from picsight.window.tokens import HALF, PAD, px

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent


class LicencePage(QWidget):
    """Shows whose terms hold and what they are; says whether a person accepts them."""

    accepted = Signal()
    declined = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.link = sized(Words(parent=self), 1.15, semibold=True), Links(self)
        self.title.setWordWrap(True)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        flatten(self.text)
        self.text.setAccessibleName(self.tr("Licence"))
        self.accept = Button(self.tr("Accept and install"), Weight.PRIMARY, self)
        self.decline = Button(self.tr("Back"), Weight.PLAIN, self)
        self.accept.clicked.connect(self.accepted)
        self.decline.clicked.connect(self.declined)
        for button in (self.accept, self.decline):
            button.setAutoDefault(False)
        self._lay_out()

    def _lay_out(self) -> None:
        gap = px(self, PAD)
        self.text.document().setDocumentMargin(gap)
        buttons = QHBoxLayout()
        buttons.setSpacing(px(self, HALF))
        buttons.addStretch(1)
        buttons.addWidget(self.decline)
        buttons.addWidget(self.accept)
        column = QVBoxLayout(self)
        column.setContentsMargins(gap, gap, gap, gap)
        column.setSpacing(gap)
        for part in (self.title, self.link):
            column.addWidget(part)
        column.addWidget(self.text, 1)
        column.addLayout(buttons)

    def say(self, model: str, licence: str, url: str, text: str) -> None:
        """Show the licence of a model; where there is no text, only where it can be read."""
        self.title.setText(self.tr("{model} has a licence").format(model=isolated(model)))
        page = f" · {linked(say('Read the licence on the web'), url)}" if url.startswith(WEB) else ""
        self.link.setText(linked(licence, "") + page)
        self.text.setPlainText(text or self.tr("Its text is at {url}").format(url=url))

    def showEvent(self, event: QShowEvent) -> None:
        """From its first line."""
        super().showEvent(event)
        self.text.verticalScrollBar().setValue(0)
