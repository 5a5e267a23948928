"""Looks for new photos of the shown place while they are indexed, in a tenth of the time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsight.jobs import Jobs
    from picsight.window.search.contents import WallChange

LANE = "news"
_SHARE = 10  # it rests nine times as long as it worked


class Arrivals(QObject):
    """Compares when photos have arrived and the place is at rest; in between, it remembers that it is due."""

    found = Signal(object)  # News

    def __init__(
        self, jobs: Jobs, comparison: Callable[[], Callable[[], WallChange] | None], parent: QObject
    ) -> None:
        """`comparison` returns what to do in the background, None while it would come too early."""
        super().__init__(parent)
        self._jobs, self._comparison = jobs, comparison
        self._is_due = self._is_comparing = False
        self._rest = QTimer(self, singleShot=True)
        self._rest.timeout.connect(self.look_if_due)

    def look(self) -> None:
        """Look for new photos, now or after the rest."""
        self._is_due = True
        self.look_if_due()

    def look_if_due(self) -> None:
        """Look for photos that have arrived since the last comparison, if there are any, unless it rests."""
        if not self._is_due or self._is_comparing or self._rest.isActive():
            return
        compare, started = self._comparison(), time.monotonic()
        if compare is None:
            return
        self._is_due, self._is_comparing = False, True

        def fail(sentence: str) -> None:
            self._is_comparing = False
            self._jobs.failed.emit(sentence)

        def take(news: WallChange) -> None:
            took, self._is_comparing = time.monotonic() - started, False
            self._rest.start(round(1000 * max(1.0, _SHARE * took)))
            self.found.emit(news)

        self._jobs.read(compare, take, fail, replaces=LANE)

    def stop(self) -> None:
        """Drop a pending comparison, since another place is wanted."""
        self._jobs.forget(LANE)
        self._is_comparing = False
