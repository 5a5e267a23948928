"""When better models are mentioned: after a search finds nothing certain, until the user declines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from picsight.settings import SettingsStore
    from picsight.window.models.controller import ModelsController
    from picsight.window.search.controller import SearchController
    from picsight.window.session.controller import LibraryController
    from picsight.window.shell.frame import Frame

LOOKED_AT_MS = 2000  # until an answer counts: unfinished words find nothing certain either


class BetterModels(QObject):
    """Decides when the line is shown, until the user declines."""

    def __init__(
        self,
        frame: Frame,
        library: LibraryController,
        search: SearchController,
        models: ModelsController,
        store: SettingsStore,
    ) -> None:
        super().__init__(frame)
        self._store = store
        self._frame, self._library, self._search = frame, library, search
        self.looked_at = QTimer(self, singleShot=True, interval=LOOKED_AT_MS)
        self.looked_at.timeout.connect(self._suggest)
        search.place_changed.connect(lambda _place: self._look())
        library.model_chosen.connect(self._follow)
        frame.hint.models_requested.connect(models.show)
        frame.hint.dismissed.connect(self._dismiss)

    def _look(self) -> None:
        """Hide the hint as soon as an answer is shown that no model improves."""
        if not self._is_weak():
            self._frame.hint.hide()
        self.looked_at.start()

    def _is_weak(self) -> bool:
        """Whether a calibrated model compares photos and finds no strong match.

        A better model does not improve searches by name, words in pictures, time or tag, nor those whose filters find nothing.
        """
        place, shown = self._search.place, self._search.shown
        is_compared = place.asked.alternatives and shown is not None and shown.answer.photos
        return bool(is_compared) and all(
            photo.match in {"weaker", "none"} and photo.found_by != "words"
            for photo in self._frame.model.wall.results
        )

    def _suggest(self) -> None:
        if self._is_weak():
            wanted = self._store.settings.better_models
            self._frame.hint.setVisible(wanted and self._library.has_small_model())

    def _follow(self) -> None:
        if not self._library.has_small_model():
            self._frame.hint.hide()

    def _dismiss(self) -> None:
        self._store.change(better_models=False)
        self._frame.hint.hide()
        self._frame.box.line.setFocus()
