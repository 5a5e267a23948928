"""One model on the screen: words, size and time, its actions, and the progress of its installation."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QStyle, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis, ThinProgress
from picsight.window.models.rows import BEST, SPOKEN, ModelAction, ModelRow
from picsight.window.parts.icons import Icon
from picsight.window.parts.labels import CENTRE, LEADING, Label, LinkLabel, paint_plate, paint_words, sized
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import isolated, linked, size
from picsight.window.tokens import HAIR, HALF, ONE, PAD, SMALL, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent


class Quality(QWidget):
    """A model's quality as up to five filled dots; a screen reader gets the number with the row."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps = 0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_steps(self, steps: int) -> None:
        """Show this number of dots; nothing if the quality is unknown."""
        self._steps = steps
        self.setVisible(bool(steps))
        self.setToolTip(tr("Quality {quality} of {best}", quality=steps, best=BEST))
        self.update()

    def sizeHint(self) -> QSize:
        """A word and the dots."""
        word = self.fontMetrics().horizontalAdvance(tr("Finds"))
        return QSize(word + px(self, HALF + BEST * ONE), px(self, 1.5))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint filled and hollow dots, which differ without colour, too."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        direction, side = self.layoutDirection(), px(self, 0.625)
        painter.setPen(colours.dim)
        paint_words(painter, self.rect(), LEADING, tr("Finds"))
        left = self.fontMetrics().horizontalAdvance(tr("Finds")) + px(self, HALF)
        for step in range(BEST):
            dot = QRect(left + step * px(self, 0.875), (self.height() - side) // 2, side, side)
            dot = QStyle.visualRect(direction, self.rect(), dot)
            painter.setPen(QPen(colours.outline, 1))
            painter.setBrush(colours.text if step < self._steps else Qt.GlobalColor.transparent)
            painter.drawEllipse(QRectF(dot).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()


class Recommendation(Label):
    """A pill that recommends the model for most people."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Recommended"), parent)
        self.setAlignment(CENTRE)
        self.setContentsMargins(px(self, HALF), 0, px(self, HALF), 0)
        self.setFixedHeight(px(self, 1.5))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the pill in the accent's tone, then the word."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_plate(painter, self.rect(), (self.height() - 1) / 2, colours.pill, colours.rim, inset=0.5)
        painter.end()
        super().paintEvent(event)


class IconSentence(QWidget):
    """A sentence with an optional icon in front of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = Label(parent=self, wraps=True)
        self._sign = Icon("", 1.25, self, lambda colours: colours.text)
        self._sign.setFixedHeight(self.fontMetrics().height())
        row = filled(QHBoxLayout(self), self, self._sign, (self._label, 1), gap=SMALL, around=(0, 0, 0, 0))
        row.setAlignment(self._sign, Qt.AlignmentFlag.AlignTop)
        self.say("")

    def say(self, words: str, icon: str = "") -> None:
        """Show these words; hide for none."""
        self._sign.show_icon(icon)
        self._label.setText(words)
        self.setVisible(bool(words))

    def words(self) -> str:
        """The shown words."""
        return self._label.text()


class RowView(QWidget):
    """Shows a row of the list and signals its pressed button."""

    action_requested = Signal(object)  # ModelAction
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = sized(Label(parent=self, wraps=True), 1.0, semibold=True)
        self._words, self._details = Label(parent=self, wraps=True), sized(LinkLabel(self, dim=True), 0.9)
        self._quality, self._advice = Quality(self), Recommendation(self)
        self._facts, self._licence, self._far = (
            sized(Label(parent=self, wraps=True, dim=True), 0.9) for _label in range(3)
        )
        self._stands, self._fault = IconSentence(self), IconSentence(self)
        self._progress = ThinProgress("", self)
        self.cancel = Button(tr("Cancel"), Emphasis.PLAIN, self)
        self.cancel.clicked.connect(self.cancel_requested)
        self._buttons: dict[ModelAction, Button] = {}
        self._keyboard_due = self._is_card = False
        self._actions = filled(QHBoxLayout(), self, 1, self.cancel, gap=HAIR)
        self._lay_out()
        self._details.hide()
        self.show_transfer(None)
        self.show_fault("")

    def _lay_out(self) -> None:
        name = filled(QHBoxLayout(), self, self._title, self._advice, 1, gap=HALF)
        facts = self._words, self._quality, self._facts, self._licence, self._stands
        words = filled(QVBoxLayout(), self, name, *facts, 1, gap=HAIR)
        across = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top = filled(across, self, (words, 1), self._actions, gap=PAD)
        parts = (self._top, 1), self._progress, self._far, self._fault, self._details
        filled(QVBoxLayout(self), self, *parts, gap=HAIR, around=(PAD, PAD, PAD, PAD))
        # The words below align across models.
        self._title.setMinimumHeight(self._advice.height())
        self._progress.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_as_card(self, *, card: bool) -> None:
        """Show as a card beside others, with its buttons below the words, or as a line of a list."""
        self._is_card = card
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._top.setDirection(down if card else across)
        self._top.setAlignment(self._actions, Qt.AlignmentFlag(0) if card else Qt.AlignmentFlag.AlignTop)

    def show_row(self, row: ModelRow) -> None:
        """Show a row; a button that stays keeps the focus."""
        self.setAccessibleName(row.spoken)
        self._title.setText(row.title)
        self._words.setText(row.words)
        self._words.setVisible(bool(row.words))
        self._quality.show_steps(row.quality)
        self._advice.setVisible(row.recommended)
        facts = (row.facts, row.licence)
        if not row.in_front:  # there is room for both in a line
            facts = (" · ".join(filter(None, facts)), "")
        for label, words in zip((self._facts, self._licence), facts, strict=True):
            label.setText(words)
            label.setVisible(bool(words))
        self._stands.say(row.state, "tick" if row.in_use else "")
        self._details.setText(_details(row))
        self._progress.setAccessibleName(tr("Installing {model}", model=row.title))
        self.cancel.setAccessibleName(tr("Cancel installing {model}", model=row.title))
        self.show_fault(row.fault)
        self._show_actions(row)

    def _show_actions(self, row: ModelRow) -> None:
        for action in [action for action in self._buttons if action not in row.actions]:
            gone = self._buttons.pop(action)
            gone.hide()
            gone.deleteLater()
        for place, action in enumerate(row.actions):
            button = self._buttons.get(action)
            if button is None:
                advised = row.recommended and place == len(row.actions) - 1
                emphasis = Emphasis.PRIMARY if advised else Emphasis.PLAIN
                emphasis = Emphasis.QUIET if action is ModelAction.REMOVE else emphasis
                button = self._buttons[action] = Button(tr(action.value), emphasis, self)
                button.clicked.connect(partial(self.action_requested.emit, action))
            button.setAccessibleName(tr(SPOKEN[action], model=row.title))
            self._actions.removeWidget(button)
            self._actions.insertWidget(place + 1, button)  # the stretch is first
            button.setVisible(not self.cancel.isVisibleTo(self))
        if self._keyboard_due:
            self._take_keyboard()

    def button(self, action: ModelAction) -> Button | None:
        """The button of an action, None if there is none."""
        return self._buttons.get(action)

    def stops(self) -> list[Button]:
        """The buttons in tab order."""
        return [*self._buttons.values(), self.cancel]

    def let_install(self, *, may: bool) -> None:
        """Disable actions that would start or disturb an installation, since only one runs at a time."""
        for action, button in self._buttons.items():
            button.setEnabled(may or action is ModelAction.USE)

    def show_transfer(self, words: str | None, done: int = 0, total: int = 0) -> None:
        """Show the progress of the installation, None for none; a total of 0 is unknown."""
        going_on = words is not None
        had_focus = self.cancel.hasFocus()
        for part in (self._progress, self._far):
            part.setVisible(going_on)
        self.cancel.setVisible(going_on)
        self._stands.setVisible(not going_on and bool(self._stands.words()))
        for button in self._buttons.values():
            button.setVisible(not going_on)
        if going_on:
            self._far.setText(
                tr("{what} · {done} of {total}", what=words, done=size(done), total=size(total))
                if total
                else words or ""
            )
            self._progress.setMaximum(1000 if total else 0)
            self._progress.setValue(1000 * done // total if total else 0)
            self.show_fault("")
        elif had_focus:
            self._take_keyboard()

    def _take_keyboard(self) -> None:
        """Focus the most useful button, now or once there is one."""
        self._keyboard_due = not self._buttons
        if self._buttons:
            list(self._buttons.values())[-1].setFocus()

    def show_fault(self, sentence: str) -> None:
        """Show an error; empty for none."""
        self._fault.say(sentence, "problems")

    def show_details(self, *, shown: bool) -> None:
        """Show or hide name and licence."""
        self._details.setVisible(shown)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the outline of a card, or the line to the next model."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._is_card:
            edge = colours.accent if self._advice.isVisibleTo(self) else colours.line
            paint_plate(painter, self.rect(), px(self, HALF), line=QPen(edge, 1), inset=0.5)
        else:
            line = QRectF(px(self, PAD), self.height() - 1, self.width() - 2 * px(self, PAD), 1)
            painter.fillRect(line, colours.line)
        painter.end()


def _details(row: ModelRow) -> str:
    """Name and licence as HTML with a link; all text from files is escaped."""
    parts = [escape(isolated(row.given_title)), escape(isolated(row.name))]
    if row.licence_id:
        parts.append(tr("licence {licence}", licence=linked(row.licence_id, row.url)))
    return " · ".join(parts)
