"""The frame: the layout of the window's views. It shows pages without knowing their meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from picsight.settings import DETAILS_NARROWEST, DETAILS_WIDEST, SIDEBAR_NARROWEST, SIDEBAR_WIDEST
from picsight.texts import tr
from picsight.window.controls.buttons import IconButton
from picsight.window.controls.notice import FirstRun, HintLine, Notice
from picsight.window.details.view import DetailsPanel
from picsight.window.grid.model import WallModel
from picsight.window.grid.page import WallPage
from picsight.window.grid.sections.view import PhotoView
from picsight.window.grid.thumbnails import Thumbnails
from picsight.window.parts.drops import DropOverlay, dropped
from picsight.window.parts.focus import focus_next, tab_stops
from picsight.window.parts.labels import Drawn
from picsight.window.parts.layouts import LineSplitter, filled
from picsight.window.problems.model import ProblemsModel
from picsight.window.problems.view import ProblemsView
from picsight.window.search.box import SearchBox
from picsight.window.sidebar.view import Sidebar
from picsight.window.status.line import StatusLine
from picsight.window.tokens import DARK, HALF, PAD, em, high_contrast, palette_of, px
from picsight.window.viewer.view import ViewerPage

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QResizeEvent

    from picsight.jobs import Jobs
    from picsight.settings import Settings
    from picsight.window.parts.picture import Pictures
    from picsight.window.tokens import Tones

STRIP_BUDGET = 16_000_000  # bytes of pixels: about 200 small pictures on a high-resolution screen
NARROW = 60  # em: in a narrower window, sidebar and details are hidden
PHOTOS_NARROWEST = 26  # em
# A moving part, a third of the line, crosses it in ROUND frames, after PATIENCE empty ones.
FRAME_MS, ROUND, PATIENCE = 33, 45, -10


class Frame(QWidget):
    """Box above, sidebar and details beside the pages, status below; accepts folders and models dropped anywhere."""

    folders_dropped = Signal(object)  # tuple[Path, ...]
    model_dropped = Signal(object)  # Path
    picture_dropped = Signal(object)  # Path or QImage
    arranged = Signal()  # the user has shown, hidden or resized a side

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
        self.strip_thumbnails = [Thumbnails(jobs, pictures, self, budget=STRIP_BUDGET) for _ in range(2)]
        of_photos, of_frames = self.strip_thumbnails
        self.viewer_page = ViewerPage(of_photos, of_frames)
        self.problems = ProblemsView(self.problems_model)
        self.first_run, self.failure = FirstRun(), Notice()
        self.failure.setAutoFillBackground(True)
        self.failure.setBackgroundRole(QPalette.ColorRole.Base)  # as every page
        self.sidebar, self.status, self.hint = Sidebar(self), StatusLine(self), HintLine(self)
        self.details = DetailsPanel(self)
        self.pages = QStackedWidget(self)
        self._alone = self.first_run, self.failure
        self.has_folders = True  # without any, the first run stands where the wall would
        for page in (self.wall_page, self.viewer_page, self.problems, *self._alone):
            self.pages.addWidget(page)
        self.setAcceptDrops(True)
        self._top, self._bottom = self._top_row(), self._bottom_lines()
        self._lay_out()
        self.drop_overlay = DropOverlay(self)

    @property
    def page(self) -> QWidget:
        """The shown page."""
        return self.pages.currentWidget() or self.wall_page

    @property
    def _has_details(self) -> bool:
        return self.page in (self.wall_page, self.viewer_page)

    def show_page(self, page: QWidget) -> None:
        """Show a page; the first run and a failure are shown alone."""
        if page is self.wall_page and not self.has_folders:
            page = self.first_run
        self.pages.setCurrentWidget(page)
        self.show_chrome(shown=page not in self._alone)

    def show_chrome(self, *, shown: bool) -> None:
        """Show or hide box, hint and status; in full screen only the photo remains."""
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
        """Show or hide the sidebar."""
        self.sidebar_wanted = not self.sidebar.isVisible()
        if self.sidebar_wanted and self.width() < px(self, NARROW):
            self.details.hide()
        self.sidebar.setVisible(self.sidebar_wanted)
        self.arranged.emit()

    def toggle_details(self) -> None:
        """Show or hide the details."""
        self.show_details(shown=not self.details.isVisible())

    def show_details(self, *, shown: bool) -> None:
        """Show or hide the details beside the pages that have them."""
        if not self._has_details:
            return
        self.details_wanted = shown
        if shown and self.width() < px(self, NARROW):
            self.sidebar.hide()
        self.details.setVisible(shown)
        self.arranged.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window, hide sidebar and details."""
        super().resizeEvent(event)
        self._fit_sides()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept folders, models and pictures."""
        drop = dropped(event)
        sentence = drop.sentence()
        if sentence and (drop.folders or drop.models or self._top.isVisible()):
            self.drop_overlay.say(sentence)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Hide the drop overlay."""
        super().dragLeaveEvent(event)
        self.drop_overlay.say("")

    def dropEvent(self, event: QDropEvent) -> None:
        """Pass on the dropped items; of several models only the first, since each has its own licence."""
        self.drop_overlay.say("")
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
        has_sidebar = self.page not in (self.viewer_page, *self._alone)
        self.sidebar.setVisible(self.sidebar_wanted and has_sidebar and is_wide)
        self.details.setVisible(self.details_wanted and self._has_details and is_wide and not is_full_screen)

    def _note_widths(self) -> None:
        if self.sidebar.isVisible():
            self.sidebar_width = round(self.sidebar.width() / em(self), 2)
        if self.details.isVisible():
            self.details_width = round(self.details.width() / em(self), 2)
        self.arranged.emit()

    def _top_row(self) -> QWidget:
        toggle = IconButton("sidebar", tr("Sidebar (F9)"))
        toggle.clicked.connect(self.toggle_sidebar)
        self.details_button = IconButton("details", tr("Details (Ctrl+I)"))
        self.details_button.clicked.connect(self.toggle_details)
        top, around = QWidget(self), (PAD, HALF, PAD, HALF)
        filled(QHBoxLayout(top), self, toggle, (self.box, 1), self.details_button, gap=HALF, around=around)
        return top

    def _bottom_lines(self) -> QWidget:
        bottom = QWidget(self)
        filled(QVBoxLayout(bottom), self, self.hint, self.status, gap=0, around=(0, 0, 0, 0))
        return bottom

    def _lay_out(self) -> None:
        self.sidebar.setMinimumWidth(px(self, SIDEBAR_NARROWEST))
        self.sidebar.setMaximumWidth(px(self, SIDEBAR_WIDEST))
        self.details.setMinimumWidth(px(self, DETAILS_NARROWEST))
        self.details.setMaximumWidth(px(self, DETAILS_WIDEST))
        self.pages.setMinimumWidth(px(self, PHOTOS_NARROWEST))
        self._middle = middle = LineSplitter()
        for part in (self.sidebar, self.pages, self.details):
            middle.addWidget(part)
        middle.setStretchFactor(1, 1)
        middle.setSizes([px(self, self.sidebar_width), px(self, NARROW), px(self, self.details_width)])
        middle.splitterMoved.connect(self._note_widths)
        parts = self._top, self.busy, (middle, 1), self._bottom
        filled(QVBoxLayout(self), self, *parts, gap=0, around=(0, 0, 0, 0))

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Move the focus in reading order through the box, the page, the details, the status and the sidebar."""
        parts = (self._top, self.pages, self.details, self._bottom, self.sidebar)
        return focus_next([stop for part in parts for stop in tab_stops(part)], forward=forward)


class BusyLine(Drawn, QWidget):
    """A thin line below the box that shows running work. It is empty for the first 300 ms; it always takes two pixels, so
    that nothing below it moves.
    """

    smooth = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(2)
        self.setAccessibleName(tr("Searching"))
        self._frame = PATIENCE
        self._frames = QTimer(self, interval=FRAME_MS)
        self._frames.timeout.connect(self._advance)

    def set_busy(self, busy: bool) -> None:
        """Begin or end waiting."""
        if busy and not self._frames.isActive():
            self._frames.start()
        elif not busy:
            self._frames.stop()
            self._frame = PATIENCE
            self.update()

    def _advance(self) -> None:
        self._frame = (self._frame + 1) % ROUND if self._frame >= 0 else self._frame + 1
        self.update()

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint a separator, and the moving part on it."""
        painter.fillRect(0, self.height() - 1, self.width(), 1, colours.line)
        if self._frame >= 0:
            part = max(self.width() // 3, px(self, 4))
            left = (self.width() + part) * self._frame // ROUND - part
            painter.fillRect(left, 0, part, self.height(), colours.accent)
