"""What stands between photos: the fold, headings, and the scrubber that leads along them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QWidget

from picsight.window.grid.fold import FoldButton
from picsight.window.grid.geometry import JustifiedView
from picsight.window.tokens import PAD, px

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex

    from picsight.jobs import Jobs
    from picsight.window.grid.layout import Rows
    from picsight.window.grid.model import WallModel
    from picsight.window.grid.wall import Wall


class SectionedView(JustifiedView):
    """A wall with its sections."""

    fold_toggled = Signal()

    def __init__(
        self, model: WallModel, jobs: Jobs, row_height: float, parent: QWidget | None = None
    ) -> None:
        super().__init__(model, jobs, row_height, parent)
        self.fold = FoldButton(self.viewport())
        self.fold.clicked.connect(self.fold_toggled)
        self.fold.left.connect(self._leave_fold)

    def refold(self, wall: Wall) -> None:
        """Show or hide what is under the fold; everything above it stays as it is."""
        before = self._wall_model.rowCount()
        if len(wall.results) < before:
            self._wall_model.shrink(wall)
        else:
            self._wall_model.grow(wall)
        self._lay_out()

    def _take_rows(self, rows: Rows, anchor: tuple[int, int] | None) -> None:
        super()._take_rows(rows, anchor)
        self._place_fold()

    def _place_fold(self) -> None:
        """Where the fold's section begins."""
        fold = self._wall_model.wall.fold
        self.fold.setVisible(fold is not None)
        if fold is None:
            return
        self.fold.say(fold)
        margin = px(self, PAD)
        top = self._rows.block_tops[-1] + 2 * margin - self.verticalOffset()
        self.fold.setGeometry(margin, top, self._rows.measure.width, self.fold.sizeHint().height())

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """What lies between the photos moves with them."""
        super().scrollContentsBy(dx, dy)
        self._place_fold()

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Down from the last row of photos leads to the closed fold."""
        target = super().moveCursor(action, modifiers)
        down = action == QAbstractItemView.CursorAction.MoveDown
        fold, last = self._wall_model.wall.fold, len(self._rows.tops) - 1
        if down and fold and not fold.is_open and self._rows.row_of(self.currentIndex().row()) == last:
            self.fold.setFocus(Qt.FocusReason.TabFocusReason)
            bar = self.verticalScrollBar()
            bar.setValue(bar.maximum())
        return target

    def _leave_fold(self, step: int) -> None:
        """By an arrow key from the fold to the photos on its other side."""
        rows = self._wall_model.wall.sections[-1].start - (step < 0)
        index = self._wall_model.index(rows)
        if index.isValid():
            self.setFocus(Qt.FocusReason.TabFocusReason)
            self.setCurrentIndex(index)
            self.scrollTo(index)
