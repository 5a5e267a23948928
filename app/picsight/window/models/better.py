"""When better models are spoken of: once a search has found nothing certain, until a person says no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from picsight.window.frame import Frame
    from picsight.window.library.controller import LibraryController
    from picsight.window.models.controller import ModelsController
    from picsight.window.search.controller import SearchController

LOOKED_AT_MS = 2000  # what is looked at for so long was meant: half a word finds nothing certain either


class BetterModels(QObject):
    """Decides when the line is shown; `wanted` until a person says no."""

    def __init__(
        self,
        frame: Frame,
        library: LibraryController,
        search: SearchController,
        models: ModelsController,
        *,
        wanted: bool,
    ) -> None:
        super().__init__(frame)
        self.wanted = wanted
        self._frame, self._library, self._search = frame, library, search
        self.looked_at = QTimer(self, singleShot=True, interval=LOOKED_AT_MS)
        self.looked_at.timeout.connect(self._suggest)
        search.place_changed.connect(lambda _place: self._look())
        library.model_chosen.connect(self._follow)
        frame.hint.models_requested.connect(models.show)
        frame.hint.dismissed.connect(self._dismiss)

    def _look(self) -> None:
        """Take the hint away as soon as a stronger answer is shown."""
        if not self._is_weak():
            self._frame.hint.hide()
        self.looked_at.start()

    def _is_weak(self) -> bool:
        """Whether the answer has nothing strong, by a model that knows what strong is."""
        return all(photo.match in ("weaker", "none") for photo in self._frame.model.wall.results)

    def _suggest(self) -> None:
        # Of names, times and tags no model knows more.
        by_meaning = self._search.place.asked.alternatives
        if self._is_weak() and by_meaning and self._library.overview.photos:
            self._frame.hint.setVisible(self.wanted and self._library.has_small_model())

    def _follow(self) -> None:
        if not self._library.has_small_model():
            self._frame.hint.hide()

    def _dismiss(self) -> None:
        self.wanted = False
        self._frame.hint.hide()
        self._frame.box.line.setFocus()
