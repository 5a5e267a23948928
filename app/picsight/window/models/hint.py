"""The line about better models: it waits until a search has found nothing certain, and goes for good when dismissed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from picsight.window.parts.controls import Button, IconButton, Weight
from picsight.window.parts.labels import ElidedLabel
from picsight.window.parts.layouts import Ruled, filled
from picsight.window.tokens import HALF, PAD, px

if TYPE_CHECKING:
    from picsight.window.frame import Frame
    from picsight.window.library.controller import LibraryController
    from picsight.window.models.controller import ModelsController
    from picsight.window.search.controller import SearchController

LOOKED_AT_MS = 2000  # what is looked at for so long was meant: half a word finds nothing certain either


class HintLine(Ruled):
    """Under the photos, so that none of them moves when it comes."""

    models_requested = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = ElidedLabel(self)
        whole = self.tr("Not what you meant? This small model knows everyday things.")
        words.say(whole, self.tr("Not what you meant?"))
        words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.better = Button(self.tr("Get a better one…"), Weight.QUIET, self)
        self.better.setAccessibleDescription(words.text())
        self.better.clicked.connect(self.models_requested)
        self.dismiss = IconButton("clear", self.tr("Do not tell me of better models again"), self)
        self.dismiss.clicked.connect(self.dismissed)
        row = filled(QHBoxLayout(self), self, PAD - HALF, words, self.better, 1, self.dismiss, gap=HALF)
        row.setContentsMargins(px(self, HALF), 1, px(self, HALF), 0)
        self.hide()


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
