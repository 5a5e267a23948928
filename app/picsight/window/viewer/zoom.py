"""What stands beside the strip: how large the photo is shown, and ways to change that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from picsight.window.parts.controls import IconButton
from picsight.window.parts.labels import Words
from picsight.window.parts.words import number
from picsight.window.tokens import HAIR, px
from picsight.window.viewer.stage import STEP, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

ACTUAL = 1.0  # a pixel of the screen for each one of the photo


class ZoomBar(QWidget):
    """Smaller, how large, larger; fitted, a pixel for each pixel."""

    def __init__(self, stage: Stage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = Words(parent=self)
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.label.setMinimumWidth(self.fontMetrics().horizontalAdvance(f"{number(800)} %"))
        acts: tuple[tuple[str, str, Callable[[], None], str], ...] = (
            ("smaller", self.tr("Smaller (-)"), lambda: stage.zoom_by(1 / STEP), ""),
            ("add", self.tr("Larger (+)"), lambda: stage.zoom_by(STEP), ""),
            ("fit", self.tr("Fitted (Z)"), stage.fit, self.tr("Fit")),
            ("actual", self.tr("Actual size (Z)"), lambda: stage.zoom_to(ACTUAL), f"{number(100)} %"),
        )
        self._buttons = [IconButton(icon, name, self, words=words) for icon, name, _, words in acts]
        for button, (_, _, act, _) in zip(self._buttons, acts, strict=True):
            button.clicked.connect(act)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(px(self, HAIR))
        smaller, larger, fit, actual = self._buttons
        for part in (smaller, self.label, larger, fit, actual):
            row.addWidget(part)
        stage.zoom_changed.connect(self._follow)

    def show_words(self, *, shown: bool) -> None:
        """Icons with words, or alone."""
        for button in self._buttons:
            button.show_words(shown=shown)

    def _follow(self, zoom: int) -> None:
        self.label.setText(f"{number(zoom)} %" if zoom else "")
        for button in self._buttons:
            button.setEnabled(bool(zoom))
