"""The line over the wall: its title, the actions on chosen photos, and the choice of order, headings and size."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from picsight.settings import ROW_LARGEST, ROW_SMALLEST
from picsight.texts import tr
from picsight.window.controls.action import below
from picsight.window.controls.buttons import Button, Emphasis, FlatSlider, IconButton
from picsight.window.controls.choice import Choice, Toggle
from picsight.window.controls.keys import photo_menu
from picsight.window.grid.arrangement import Arrangement, Group, Order, Tally
from picsight.window.parts.labels import ElidedLabel, Label
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import counted
from picsight.window.tokens import HALF, PAD, px

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from PySide6.QtGui import QResizeEvent

    from picsight.window.controls.action import Action
    from picsight.window.grid.sections.view import PhotoView

STEPS = 10  # the slider's steps in one em
NARROW = 52  # em: in a narrower header the choices are icons and the slider is hidden
WIDEST = 888  # photos: the number of digits of most selections


class WallHeader(QWidget):
    """Shows the title of the wall, with news behind it, and signals the user's choices."""

    order_chosen = Signal(object)  # Order
    group_chosen = Signal(object)  # Group
    weaker_toggled = Signal()

    def __init__(self, view: PhotoView, news: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.selection = ElidedLabel(self), SelectionBar(self)
        self.offered = Button("", Emphasis.QUIET, self)
        self.translated = Button("", Emphasis.QUIET, self)
        self.hint = Label(parent=self)
        self.weaker, self.culling = Toggle(self), Toggle(self)
        self.order: Choice[Order] = Choice(tr("Sort"), "sort", self.order_chosen.emit, self)
        self.group: Choice[Group] = Choice(tr("Group"), "group", self.group_chosen.emit, self)
        self.slider = FlatSlider(tr("Size of photos"), self)
        self.weaker.clicked.connect(self.weaker_toggled)
        self._has_choices = False
        self._connect(view)
        # The scroll bar at the photos' trailing edge.
        beside = view.verticalScrollBar().sizeHint().width()
        signs = self.hint, self.offered, self.translated, self.culling
        choices = self.weaker, self.order, self.group, self.slider
        parts = (self.title, 1), (self.selection, 3), news, *signs, *choices
        row = filled(QHBoxLayout(self), self, *parts, gap=HALF, around=(PAD, 0, PAD, 0))
        row.addSpacing(beside)
        for sign in signs:
            sign.hide()
        self.setMinimumHeight(px(self, 2.25))
        self.hide_choices()

    def offer_choices(self, arrangement: Arrangement, count: Tally, *, is_ranked: bool, sorts: bool) -> None:
        """Show the choices for this wall; unless it `sorts`, its order is fixed."""
        order = arrangement.ranked if is_ranked else arrangement.listed
        orders = [(tr("Match"), Order.MATCH)] if is_ranked else []
        orders += [(tr("Date"), Order.DATE), (tr("Folder"), Order.FOLDER)]
        self.order.offer(orders, order)
        groups = (
            (tr("Day"), Group.DAY),
            (tr("Month"), Group.MONTH),
            (tr("Year"), Group.YEAR),
            (tr("None"), Group.NONE),
        )
        self.group.offer(groups, arrangement.group)
        words = counted(count.weaker, "Include weaker (%n)", "Include weaker (%n)")
        self.weaker.say(words, on=bool(arrangement.weaker))
        self._has_choices = True
        self.order.setVisible(sorts)
        self.group.setVisible(order is Order.DATE and sorts)
        mixes = is_ranked and order is not Order.MATCH
        self.weaker.setVisible(mixes and bool(count.strong and count.weaker))
        self._fit()

    def offer(self, words: str) -> None:
        """Offer another search; "" hides the offer."""
        self.offered.setText(words)
        self.offered.setVisible(bool(words))

    def say_translation(self, words: str, whole: str) -> None:
        """Show what was searched instead of the typed words, and the `whole` of it as the tooltip; "" hides it."""
        self.translated.setText(words)
        self.translated.setToolTip(whole)
        self.translated.setVisible(bool(words))

    def say_hint(self, words: str) -> None:
        """Show a hint about the shown photos; a narrow header hides it."""
        self.hint.setText(words)
        self._fit()

    def show_culling(self, *, on: bool) -> None:
        """Show which letters act in culling mode."""
        self.culling.setVisible(on)
        self._fit()

    def hide_choices(self) -> None:
        """Hide the choices, since there is nothing to order."""
        self._has_choices = False
        for part in (self.weaker, self.order, self.group, self.slider):
            part.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow header, keep the title and shorten the choices."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        narrow = self.width() < px(self, NARROW)
        for choice in (self.order, self.group):
            choice.set_short(short=narrow)
        self.slider.setVisible(self._has_choices and not narrow)
        keys = tr("Culling: P pick, X reject, 0 to 5 stars, Esc ends")
        self.culling.say(tr("Culling") if narrow else keys, on=True)
        self.culling.setToolTip(keys)
        self.hint.setVisible(bool(self.hint.text()) and not narrow)

    def _connect(self, view: PhotoView) -> None:
        slider = self.slider
        slider.setRange(round(ROW_SMALLEST * STEPS), round(ROW_LARGEST * STEPS))
        slider.setValue(round(view.row_height() * STEPS))
        slider.setFixedWidth(px(self, 8))
        slider.valueChanged.connect(lambda value: view.set_row_height(value / STEPS))
        view.row_height_changed.connect(self._follow_height)
        view.selection_counted.connect(self.selection.show_count)

    def _follow_height(self, height: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(height * STEPS))


class SelectionBar(QWidget):
    """Stands behind the title of the wall while photos are selected."""

    cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[Action, IconButton] = {}
        self._groups: dict[QWidget, Sequence[Action]] = {}
        self._left_out: Collection[Action] = ()
        self._hidden: Sequence[Action] = ()
        self._photos = 0
        self._count = Label(parent=self)
        self._clear = IconButton("clear", tr("Select none (Esc)"), self)
        self._more = IconButton("more", tr("More"), self)
        self._clear.clicked.connect(self.cleared)
        self._more.clicked.connect(self._show_more)
        self._row = filled(QHBoxLayout(self), self, self._count, self._clear, gap=0, around=(0, 0, 0, 0))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.hide()

    def offer(self, groups: Sequence[Sequence[Action]]) -> None:
        """Show these actions with a gap before each group."""
        for actions in groups:
            group = QWidget(self)
            for action in actions:
                self._buttons[action] = button = IconButton(action.icon, action.name(), group)
                button.clicked.connect(partial(self._do, action, button))
            buttons = [self._buttons[action] for action in actions]
            filled(QHBoxLayout(group), self, PAD, *buttons, gap=0, around=(0, 0, 0, 0))
            self._groups[group] = actions
        filled(self._row, self, *self._groups, self._more, 1)
        self._fit()

    def leave_out(self, actions: Collection[Action]) -> None:
        """Hide these actions for now."""
        self._left_out = actions
        self._fit()

    def show_count(self, photos: int) -> None:
        """Show the number of chosen photos; hide the bar for 0."""
        self._photos = photos
        self._count.setText(counted(photos, "%n selected", "%n selected"))
        # The actions behind the number do not move as it grows.
        least = counted(WIDEST, "%n selected", "%n selected")
        self._count.setMinimumWidth(self.fontMetrics().horizontalAdvance(least))
        self._fit()
        self.setVisible(photos > 0)

    def offered(self) -> list[str]:
        """The visible actions, by their accessible names."""
        return [button.accessibleName() for button in self._buttons.values() if not button.isHidden()]

    def minimumSizeHint(self) -> QSize:
        """Room for the number and the menu of all actions."""
        side = self._clear.sizeHint().width()
        return QSize(self._count.minimumSizeHint().width() + 2 * side, side)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many actions as fit."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as many actions as fit behind the number; the menu of the others takes the room of one."""
        actions = [action for action in self._buttons if action not in self._left_out]
        side, gap = self._clear.sizeHint().width(), px(self, PAD)
        gaps = gap * sum(not set(actions).isdisjoint(group) for group in self._groups.values())
        room = (self.width() - self.minimumSizeHint().width() - gaps) // side  # beside the menu
        shown = actions if len(actions) <= room + 1 else actions[: max(room, 0)]
        for action, button in self._buttons.items():
            button.setVisible(action in shown)
        for group, its_actions in self._groups.items():
            group.setVisible(not set(shown).isdisjoint(its_actions))
        self._hidden = actions[len(shown) :]
        self._more.setVisible(bool(self._hidden))
        self._row.activate()

    def _do(self, action: Action, button: IconButton) -> None:
        action.run(below(button))

    def _show_more(self) -> None:
        point = below(self._more)
        photo_menu(self, [action.entry(self._photos, point) for action in self._hidden]).popup(point)
