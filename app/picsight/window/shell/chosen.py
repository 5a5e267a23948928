"""The photos that an action applies to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint

    from picsight.window.shell.frame import Frame
    from picsight.window.viewer.controller import ViewerController
    from picsight_engine.search.answer import Result


class ChosenPhotos:
    """The chosen photos on any page: the one in the viewer, else those selected on the wall."""

    def __init__(self, frame: Frame, viewer: ViewerController) -> None:
        self._frame, self._viewer = frame, viewer

    @property
    def in_viewer(self) -> bool:
        """Whether the viewer is open."""
        return self._frame.page is self._frame.viewer_page

    def all(self) -> list[Result]:
        """The photos that an action applies to."""
        if self.in_viewer:
            return [self._viewer.photo] if self._viewer.photo is not None else []
        return self._frame.grid.chosen_photos()

    def current(self) -> Result | None:
        """The current photo."""
        return self._viewer.photo if self.in_viewer else self._frame.grid.current_photo()

    def point(self) -> QPoint:
        """The screen position of a menu opened by key."""
        if self.in_viewer:
            stage = self._frame.viewer_page.stage
            return stage.mapToGlobal(stage.rect().center())
        grid = self._frame.grid
        return grid.viewport().mapToGlobal(grid.visualRect(grid.currentIndex()).center())
