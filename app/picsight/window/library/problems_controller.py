"""What is done about problems: tried again, ignored, and put back on the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.window.parts.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.window.history import History, Step
    from picsight.window.library.controller import LibraryController
    from picsight.window.library.problems_view import ProblemsView
    from picsight_engine.store.problems import Problem


class ProblemsController(QObject):
    """Joins the list of problems to the library."""

    def __init__(self, view: ProblemsView, library: LibraryController, history: History) -> None:
        super().__init__(view)
        self._library, self._history = library, history
        view.retry_all_requested.connect(lambda: library.index(retry_problems=True))
        view.retry_requested.connect(self._retry)
        view.ignore_requested.connect(self._ignore)

    def _retry(self, problems: Sequence[Problem]) -> None:
        self._library.change(lambda library: library.retry(problems), self._library.index)

    def _ignore(self, problems: Sequence[Problem]) -> None:
        words = counted(len(problems), "Ignored %n file.", "Ignored %n files.")
        self._history.do(words, self._ignoring(problems, True), self._ignoring(problems, False))

    def _ignoring(self, problems: Sequence[Problem], ignored: bool) -> Step:
        return self._library.step(lambda library: library.ignore(problems, ignored=ignored))
