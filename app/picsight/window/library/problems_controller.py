"""What is done about problems: tried again, ignored, and put back on the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.window.parts.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.window.library.controller import LibraryController
    from picsight.window.library.problems_view import ProblemsView
    from picsight.window.library.status import StatusLine
    from picsight_engine.store.problems import Problem


class ProblemsController(QObject):
    """Joins the list of problems to the library."""

    def __init__(self, view: ProblemsView, library: LibraryController, status: StatusLine) -> None:
        super().__init__(view)
        self._library, self._status = library, status
        view.retry_all_requested.connect(lambda: library.index(retry_problems=True))
        view.retry_requested.connect(self._retry)
        view.ignore_requested.connect(self._ignore)

    def _retry(self, problems: Sequence[Problem]) -> None:
        self._library.change(lambda library: library.retry(problems), self._library.index)

    def _ignore(self, problems: Sequence[Problem]) -> None:
        def tell() -> None:
            words = counted(len(problems), "Ignored %n file.", "Ignored %n files.")
            self._status.show_undoable(words, lambda: self._put_back(problems))

        self._library.change(lambda library: library.ignore(problems), tell)

    def _put_back(self, problems: Sequence[Problem]) -> None:
        self._library.change(lambda library: library.ignore(problems, ignored=False), self._status.end_news)
