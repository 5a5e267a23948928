"""The frame: every view of the window in its place. It shows pages and knows nothing of what they mean."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QSplitterHandle, QStackedWidget, QVBoxLayout, QWidget

from picsight.settings import DETAILS_NARROWEST, DETAILS_WIDEST, SIDEBAR_NARROWEST, SIDEBAR_WIDEST
from picsight.window.details.view import DetailsPanel
from picsight.window.grid.model import WallModel
from picsight.window.grid.page import WallPage
from picsight.window.grid.thumbnails import Thumbnails
from picsight.window.grid.view import PhotoView
from picsight.window.library.first_run import FirstRun
from picsight.window.library.problems_model import ProblemsModel
from picsight.window.library.problems_view import ProblemsView
from picsight.window.library.sidebar import Sidebar
from picsight.window.library.status import StatusLine
from picsight.window.models.hint import HintLine
from picsight.window.parts.busy import BusyLine
from picsight.window.parts.controls import IconButton
from picsight.window.parts.drops import DropVeil, dropped
from picsight.window.parts.notice import Notice
from picsight.window.search.box import SearchBox
from picsight.window.tokens import DARK, HALF, PAD, em, high_contrast, palette_of, px, tones
from picsight.window.viewer.view import ViewerPage

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPaintEvent, QResizeEvent

    from picsight.jobs import Jobs
    from picsight.settings import Settings
    from picsight.window.parts.picture import Pictures

STRIP_BUDGET = 16_000_000  # bytes of pixels: some 200 small pictures on a sharp screen
NARROW = 60  # em: under this sidebar and details make room
PHOTOS_NARROWEST = 26  # em


class Frame(QWidget):
    """Box above, sidebar and details beside the pages, status below; takes folders and models dropped anywhere."""

    folders_dropped = Signal(object)  # tuple[Path, ...]
    model_dropped = Signal(object)  # Path
    picture_dropped = Signal(object)  # Path or QImage

    def __init__(
        self, settings: Settings, pictures: Pictures, jobs: Jobs, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.sidebar_wanted, self.sidebar_width = settings.sidebar, settings.sidebar_width
        self.details_wanted, self.details_width = settings.details, settings.details_width
        self.model = WallModel(self)
        self.thumbnails = Thumbnails(jobs, pictures, self)
        self.problems_model = ProblemsModel(self)
        self.box, self.busy = SearchBox(self), BusyLine(self)
        self.grid = PhotoView(self.model, self.thumbnails, jobs, settings.row_height)
        self.wall_page = WallPage(self.grid)
        self.strip_thumbnails = Thumbnails(jobs, pictures, self, budget=STRIP_BUDGET, lane="strip")
        self.viewer_page = ViewerPage(self.strip_thumbnails)
        self.problems = ProblemsView(self.problems_model)
        self.first_run, self.failure = FirstRun(), Notice()
        self.failure.setAutoFillBackground(True)
        self.failure.setBackgroundRole(QPalette.ColorRole.Base)  # as every page
        self.sidebar, self.status, self.hint = Sidebar(self), StatusLine(self), HintLine(self)
        self.details = DetailsPanel(self)
        self.pages = QStackedWidget(self)
        self._beside_sidebar: list[QWidget] = [self.wall_page, self.problems]
        for page in (self.wall_page, self.viewer_page, self.problems, self.first_run, self.failure):
            self.pages.addWidget(page)
        self.setAcceptDrops(True)
        self._top, self._bottom = self._top_row(), self._bottom_lines()
        self._lay_out()
        self.veil = DropVeil(self)

    @property
    def page(self) -> QWidget:
        """The page that is shown."""
        return self.pages.currentWidget() or self.wall_page

    @property
    def _has_details(self) -> bool:
        return self.page in (self.wall_page, self.viewer_page)

    def add_page(self, page: QWidget) -> None:
        """One more page, made once somebody wants to see it; the sidebar stays beside it."""
        self.pages.addWidget(page)
        self._beside_sidebar.append(page)

    def show_page(self, page: QWidget) -> None:
        """Show a page; the first run and a failure stand alone."""
        self.pages.setCurrentWidget(page)
        self.show_chrome(shown=page not in (self.first_run, self.failure))

    def show_chrome(self, *, shown: bool) -> None:
        """Box, hint and status; in full screen only the photo is left."""
        for part in (self._top, self.busy):
            part.setVisible(shown)
        self._bottom.setVisible(shown or self.page is self.first_run)  # the last folder may have been removed
        self.viewer_page.show_bars(shown=shown)
        dark = self.page is self.viewer_page and not high_contrast()  # as the page beside it
        for part in (self.details, self._middle.handle(2)):
            part.setPalette(palette_of(DARK) if dark else QPalette())
        self.details_button.setEnabled(self._has_details)
        self._fit_sides()

    def toggle_sidebar(self) -> None:
        """Show or hide the sidebar until asked again."""
        self.sidebar_wanted = not self.sidebar.isVisible()
        if self.sidebar_wanted and self.width() < px(self, NARROW):
            self.details.hide()
        self.sidebar.setVisible(self.sidebar_wanted)

    def toggle_details(self) -> None:
        """Show or hide the details until asked again."""
        self.show_details(shown=not self.details.isVisible())

    def show_details(self, *, shown: bool) -> None:
        """Show or hide the details, beside the pages that have any."""
        if not self._has_details:
            return
        self.details_wanted = shown
        if shown and self.width() < px(self, NARROW):
            self.sidebar.hide()
        self.details.setVisible(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow windows keep the photos and put away what is beside them."""
        super().resizeEvent(event)
        self._fit_sides()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Folders, models and pictures may be dropped."""
        drop = dropped(event)
        sentence = drop.sentence()
        if sentence and (drop.folders or drop.models or self._top.isVisible()):
            self.veil.say(sentence)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """As before."""
        super().dragLeaveEvent(event)
        self.veil.say("")

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand on what was dropped; of several models the first, as each has a licence of its own."""
        self.veil.say("")
        drop = dropped(event)
        if drop.folders:
            self.folders_dropped.emit(drop.folders)
        if drop.models:
            self.model_dropped.emit(drop.models[0])
        if drop.picture is not None and not drop.folders and not drop.models:
            self.picture_dropped.emit(drop.picture)
        event.acceptProposedAction()

    def _fit_sides(self) -> None:
        is_wide, is_full_screen = self.width() >= px(self, NARROW), self._top.isHidden()
        self.sidebar.setVisible(self.sidebar_wanted and self.page in self._beside_sidebar and is_wide)
        self.details.setVisible(self.details_wanted and self._has_details and is_wide and not is_full_screen)

    def _note_widths(self) -> None:
        if self.sidebar.isVisible():
            self.sidebar_width = round(self.sidebar.width() / em(self), 2)
        if self.details.isVisible():
            self.details_width = round(self.details.width() / em(self), 2)

    def _top_row(self) -> QWidget:
        top = QWidget(self)
        row = QHBoxLayout(top)
        row.setContentsMargins(px(self, PAD), px(self, HALF), px(self, PAD), px(self, HALF))
        row.setSpacing(px(self, HALF))
        toggle = IconButton("sidebar", self.tr("Sidebar (F9)"))
        toggle.clicked.connect(self.toggle_sidebar)
        row.addWidget(toggle)
        row.addWidget(self.box, 1)
        self.details_button = IconButton("details", self.tr("Details (Ctrl+I)"))
        self.details_button.clicked.connect(self.toggle_details)
        row.addWidget(self.details_button)
        return top

    def _bottom_lines(self) -> QWidget:
        bottom = QWidget(self)
        column = QVBoxLayout(bottom)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.hint)
        column.addWidget(self.status)
        return bottom

    def _lay_out(self) -> None:
        self.sidebar.setMinimumWidth(px(self, SIDEBAR_NARROWEST))
        self.sidebar.setMaximumWidth(px(self, SIDEBAR_WIDEST))
        self.details.setMinimumWidth(px(self, DETAILS_NARROWEST))
        self.details.setMaximumWidth(px(self, DETAILS_WIDEST))
        self.pages.setMinimumWidth(px(self, PHOTOS_NARROWEST))
        self._middle = middle = LineSplitter()
        middle.addWidget(self.sidebar)
        middle.addWidget(self.pages)
        middle.addWidget(self.details)
        middle.setStretchFactor(1, 1)
        middle.setSizes([px(self, self.sidebar_width), px(self, NARROW), px(self, self.details_width)])
        middle.splitterMoved.connect(self._note_widths)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._top)
        column.addWidget(self.busy)
        column.addWidget(middle, 1)
        column.addWidget(self._bottom)
        order: tuple[QWidget, ...] = (
            self.box.line,
            self.box.keep_button,
            self.box.clear_button,
            self.details_button,
            self.wall_page.header.weaker,
            self.wall_page.header.order,
            self.wall_page.header.group,
            self.wall_page.header.slider,
            self.grid,
            self.hint.better,
            self.hint.dismiss,
            self.status,
            self.sidebar,
        )
        for before, after in itertools.pairwise(order):
            self.setTabOrder(before, after)


class LineSplitter(QSplitter):
    """Two parts side by side; the line between them is one pixel wide and easier to take hold of than it looks."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setHandleWidth(1)  # Qt takes a few pixels more for the mouse
        self.setChildrenCollapsible(False)

    def createHandle(self) -> QSplitterHandle:
        """The line."""
        return _Line(self.orientation(), self)


class _Line(QSplitterHandle):
    def paintEvent(self, _event: QPaintEvent) -> None:
        """Its middle pixel."""
        painter = QPainter(self)
        painter.fillRect(self.contentsRect(), tones(self).line)
        painter.end()
