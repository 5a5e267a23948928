"""Why a photo matched: each part of the query, and in words how well the photo shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect, QSize, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QStyle, QVBoxLayout, QWidget

from picsight.window.parts.labels import LEADING, TRAILING, Words, paint_words, sized
from picsight.window.parts.words import cut_middle, isolated, plain, say
from picsight.window.search.wording import describe
from picsight.window.tokens import HALF, PAD, px, tones
from picsight_engine.models.commonness import commonness
from picsight_engine.search.query import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QPaintEvent

    from picsight.jobs import Jobs
    from picsight.window.search.controller import SearchController
    from picsight_engine.library import Library
    from picsight_engine.models.bundle import Manifest
    from picsight_engine.search.answer import Result, TermScore

LANE = "why"
LINE = 1.75  # em


@dataclass(frozen=True, slots=True)
class Reason:
    """A part of the query as it is typed, and in words how much of it is there."""

    token: str
    strength: str


def reasons_of(terms: Sequence[TermScore], manifest: Manifest, photos: int) -> list[Reason]:
    """Cosines in words; those without a calibration are left out."""
    reasons, calibration, likeness = [], manifest.calibration, manifest.likeness
    for term in terms:
        is_picture = term.text.lstrip("-").startswith("like")
        if is_picture and likeness is not None:
            level = (term.score >= likeness.weaker) + (term.score >= likeness.strong)
        elif not is_picture and calibration is not None:
            rise = calibration.rise(max(photos, 1), commonness(term.text.lstrip("-")))
            least = calibration.possible + rise - calibration.span
            level = (term.score >= least) + (term.score >= calibration.strong + rise)
        else:
            continue
        words = (
            ("not seen", "a little", "still there")
            if term.text[:1] == "-"
            else ("hardly", "weaker", "strong")
        )
        reasons.append(Reason(term.text, say(words[level])))
    return reasons


class WhySection(QWidget):
    """The reasons, one a line; hidden where there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, str]] = []
        self._heading = sized(Words(self.tr("Why it matched"), self), 1.0, semibold=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(px(self, HALF), 0, px(self, HALF), 0)
        column.addWidget(self._heading)
        column.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.hide()

    def rows(self) -> list[tuple[str, str]]:
        """What is said."""
        return list(self._rows)

    def say(self, rows: Sequence[tuple[str, str]]) -> None:
        """Parts of the query and their strengths."""
        self._rows = list(rows)
        self.setAccessibleName(self._heading.text())
        self.setAccessibleDescription(", ".join(f"{part}: {strength}" for part, strength in rows))
        self.setVisible(bool(rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As high as its lines."""
        lines = len(self._rows) * px(self, LINE)
        return QSize(px(self, 10), self._heading.sizeHint().height() + px(self, HALF) + lines)

    def minimumSizeHint(self) -> QSize:
        """May become narrow, not low."""
        return QSize(px(self, 4), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """What was asked for leading, how much of it is there trailing."""
        colours, painter, metrics = tones(self), QPainter(self), self.fontMetrics()
        direction, inset = self.layoutDirection(), px(self, HALF)
        top = self._heading.geometry().bottom() + px(self, HALF)
        for part, strength in self._rows:
            line = QRect(inset, top, self.width() - 2 * inset, px(self, LINE))
            painter.setPen(colours.dim_on_window)
            paint_words(painter, QStyle.visualRect(direction, self.rect(), line), TRAILING, strength)
            line.setRight(line.right() - metrics.horizontalAdvance(strength) - px(self, PAD))
            painter.setPen(colours.text)
            words = cut_middle(part, metrics, line.width())
            paint_words(painter, QStyle.visualRect(direction, self.rect(), line), LEADING, words)
            top += px(self, LINE)
        painter.end()


class Why(QObject):
    """Asks for the reasons why a photo is in an answer."""

    changed = Signal(bool)  # whether there is anything to say

    def __init__(self, section: WhySection, search: SearchController, jobs: Jobs) -> None:
        super().__init__(section)
        self._section, self._search, self._jobs = section, search, jobs
        self._library: Library | None = None
        search.library_changed.connect(self._use)

    def _use(self, library: Library) -> None:
        self._library = library

    def ask(self, photo: Result | None) -> None:
        """Tell of this photo, or of nothing."""
        library, shown, query = self._library, self._search.shown, self._search.query
        if library is None or photo is None or shown is None or not query:
            self._jobs.forget(LANE)
            self._take([])
            return
        manifest, photos = library.bundle.manifest, shown.answer.photos

        def work() -> list[Reason]:
            return reasons_of(library.explain(query, photo.id), manifest, photos)

        self._jobs.read(work, self._take, lambda _sentence: self._take([]), replaces=LANE)

    def _take(self, reasons: Sequence[Reason]) -> None:
        name = self._search.likes.name
        self._section.say([(_part_in_words(each.token, name), each.strength) for each in reasons])
        self.changed.emit(bool(reasons))


def _part_in_words(token: str, name_of: Callable[[str], str]) -> str:
    parts = parse(token).asides()
    if not parts:
        return plain(token)
    words, target = describe(parts[0])
    return words.format(name=isolated(name_of(target))) if target else words
