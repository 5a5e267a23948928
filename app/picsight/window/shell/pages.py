"""Navigation between the pages: wall, viewer, problems; going back, full screen, and focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from picsight.texts import tr
from picsight.window.sidebar.model import SidebarAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from picsight.window.search.controller import SearchController
    from picsight.window.search.place import Place
    from picsight.window.shell.frame import Frame
    from picsight.window.shell.photo_actions import PhotoActions
    from picsight.window.viewer.controller import ViewerController
    from picsight_engine.search.answer import Result


class Pages(QObject):
    """Shows a page and focuses it."""

    def __init__(
        self,
        window: QWidget,
        frame: Frame,
        search: SearchController,
        viewer: ViewerController,
        photos: PhotoActions,
    ) -> None:
        super().__init__(window)
        self._window, self._frame, self._search, self._viewer = window, frame, search, viewer
        self._was_maximised = False
        # Pages beside the sidebar other than the wall, each with its focus widget and the function that leaves it.
        self._others: dict[QWidget, tuple[QWidget, Callable[[], None]]] = {
            frame.problems: (frame.problems.table, self.show_photos)
        }
        self._connect_wall(photos)
        self._connect_viewer(photos)
        sidebar, problems = frame.sidebar, frame.problems
        sidebar.place_requested.connect(self.go)
        sidebar.problems_requested.connect(self.show_problems)
        frame.status.problems_requested.connect(self.show_problems)
        problems.left.connect(self.show_photos)
        problems.reveal_requested.connect(photos.reveal_file)

    def _connect_wall(self, photos: PhotoActions) -> None:
        frame, search, grid = self._frame, self._search, self._frame.grid
        search.place_changed.connect(lambda _place: self._mark_place())
        search.photos_requested.connect(self._return_to_wall)
        search.problems_requested.connect(self.show_problems)
        search.busy_changed.connect(frame.busy.set_busy)
        frame.box.edited.connect(lambda _text: self.show_wall())
        frame.box.emptied.connect(self._leave_box)
        grid.open_requested.connect(self.open_photo)
        grid.similar_requested.connect(lambda row: self.more_like(frame.model.photo(row)))
        grid.copy_requested.connect(photos.copy)
        grid.paste_requested.connect(frame.box.paste_picture)
        grid.menu_requested.connect(photos.show_menu)
        grid.typed.connect(self._type)
        grid.left.connect(self._leave_grid)
        photos.open_requested.connect(self.open_photo)
        photos.similar_requested.connect(self.more_like)
        photos.unlike_requested.connect(self.less_like)
        grid.unlike_requested.connect(lambda row: self.less_like(frame.model.photo(row)))
        frame.picture_dropped.connect(search.like_picture)

    def _connect_viewer(self, photos: PhotoActions) -> None:
        page, model = self._frame.viewer_page, self._frame.model
        page.closed.connect(self.close_viewer)
        self._viewer.emptied.connect(self._leave_viewer)
        page.similar_requested.connect(lambda: self.more_like(self._viewer.photo))
        page.copy_requested.connect(photos.copy)
        page.menu_requested.connect(photos.show_menu)
        page.reveal_requested.connect(photos.reveal)
        page.full_screen_requested.connect(self.toggle_full_screen)
        self._viewer.moved.connect(lambda row: self._frame.grid.setCurrentIndex(model.index(row)))

    def find(self) -> None:
        """Focus the box and select its words."""
        self._leave_full_screen()
        self._frame.box.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._frame.box.line.selectAll()

    def _type(self, letters: str) -> None:
        """Begin a search with letters typed elsewhere."""
        self.find()
        self._frame.box.line.insert(letters)

    def go(self, place: Place) -> None:
        """Show other photos."""
        self.show_wall()
        self._search.go(place)
        self._frame.grid.setFocus()

    def replace_place(self, place: Place) -> None:
        """Update the wall after its place was renamed or removed, without leaving another page."""
        if self._frame.page is self._frame.wall_page:
            self.go(place)
        else:
            self._search.go(place)
        if self._frame.page in self._others:
            self._search.clear_box()

    def show_wall(self) -> None:
        """Show the wall without moving the focus."""
        self._viewer.close()
        self._frame.show_page(self._frame.wall_page)

    def show_photos(self) -> None:
        """Show the wall unchanged, and focus it."""
        self._search.fill_box()
        self.show_wall()
        self._mark_place()
        self._frame.grid.setFocus()

    def add_page(self, page: QWidget, focus: QWidget, leave: Callable[[], None]) -> None:
        """Add a page, made on first use."""
        self._frame.pages.addWidget(page)
        self._others[page] = focus, leave

    def show_page(self, page: QWidget) -> None:
        """Show an added page, and empty the box, whose words do not relate to it."""
        self._viewer.close()
        self._search.clear_box()
        self._frame.show_page(page)
        self._frame.sidebar.mark(None)
        self._others[page][0].setFocus()

    def show_problems(self) -> None:
        """Show the problems, and empty the box, whose words do not relate to them."""
        self.show_page(self._frame.problems)
        self._frame.sidebar.mark(SidebarAction.PROBLEMS)

    def back(self) -> None:
        """Go back one step."""
        if self._frame.page is self._frame.viewer_page:
            self.close_viewer()
        elif other := self._others.get(self._frame.page):
            other[1]()
        else:
            self._search.go_back()

    def open_photo(self, row: int) -> None:
        """Open a photo of the wall in the viewer."""
        self._frame.show_page(self._frame.viewer_page)
        self._viewer.show(row)
        self._frame.viewer_page.setFocus()

    def close_viewer(self) -> None:
        """Leave full screen, or, in the window, return to the wall."""
        if self._window.isFullScreen():
            self._leave_full_screen()
        else:
            self.show_photos()

    def _leave_viewer(self) -> None:
        """Return to the wall at once, even from full screen, since there is no photo left."""
        self._leave_full_screen()
        self.show_photos()

    def more_like(self, photo: Result | None) -> None:
        """Show photos similar to one."""
        if photo is not None:
            self._leave_full_screen()
            self.show_wall()
            self._search.more_like(photo)
            self._frame.grid.setFocus()

    def less_like(self, photo: Result) -> None:
        """Search for less like one photo; needs an existing search."""
        if self._search.place.is_search:
            self._search.less_like(photo)
        else:
            self._frame.status.show_sentence(tr("Search for something first; then ask for less like this."))

    def toggle_full_screen(self) -> None:
        """Show only the photo, or everything again."""
        if self._window.isFullScreen():
            self._leave_full_screen()
        elif self._frame.page is self._frame.viewer_page:
            self._was_maximised = self._window.isMaximized()
            self._frame.show_chrome(shown=False)
            self._window.showFullScreen()

    def _leave_full_screen(self) -> None:
        if self._window.isFullScreen():
            self._frame.show_chrome(shown=True)
            self._window.showMaximized() if self._was_maximised else self._window.showNormal()

    def _leave_grid(self) -> None:
        if self._search.place.is_search:
            self._search.go_back()

    def _return_to_wall(self) -> None:
        """Return from another page; on the wall itself, the words in the box stay."""
        if self._frame.page is not self._frame.wall_page:
            self.show_photos()

    def leave_details(self) -> None:
        """Return to the photos."""
        frame = self._frame
        (frame.viewer_page if frame.page is frame.viewer_page else frame.grid).setFocus()

    def _leave_box(self) -> None:
        """Return to the shown page."""
        if self._frame.page is self._frame.viewer_page:
            self._frame.viewer_page.setFocus()
        elif other := self._others.get(self._frame.page):
            other[0].setFocus()
        else:
            self._frame.grid.setFocus()
            self._leave_grid()

    def _mark_place(self) -> None:
        if self._frame.page is self._frame.wall_page:
            place = self._search.place
            self._frame.sidebar.mark(place.folder or place.words)
