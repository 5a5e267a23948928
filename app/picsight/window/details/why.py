"""Why a photo matched: each part of the query, and in words how well the photo shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from picsight.window.parts.words import isolated, plain, say
from picsight.window.search.wording import describe
from picsight_engine.models.commonness import commonness
from picsight_engine.search.query import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsight.jobs import Jobs
    from picsight.window.search.controller import SearchController
    from picsight_engine.library import Library
    from picsight_engine.models.bundle import Manifest
    from picsight_engine.search.answer import Result, TermScore

LANE = "why"


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


class Why(QObject):
    """Asks for the reasons why a photo is in an answer."""

    told = Signal(
        object
    )  # list[str]: each part of the query and how much of it is there, empty where there is nothing to say

    def __init__(self, search: SearchController, jobs: Jobs) -> None:
        super().__init__(search)
        self._search, self._jobs = search, jobs
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
        self.told.emit([f"{_part_in_words(each.token, name)}: {each.strength}" for each in reasons])


def _part_in_words(token: str, name_of: Callable[[str], str]) -> str:
    parts = parse(token).asides()
    if not parts:
        return plain(token)
    words, target = describe(parts[0])
    return words.format(name=isolated(name_of(target))) if target else words
