"""Progress on stderr: a line that is redrawn in place on a terminal, an occasional new line elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from picsight.cli.layout import cut_middle, duration, photos, terminal_width
from picsight.cli.streams import draw, is_terminal, say
from picsight.texts import counted, tr
from picsight_engine.indexing.events import Found, Progress

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from picsight_engine.indexing.events import Event

LOG_SECONDS = 30.0  # the interval between lines where none can be redrawn
_REDRAW_SECONDS = 0.1
_BAR_CELLS = 24


class ProgressLine:
    """A context manager that shows progress and clears the line at its end; silent with `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        self._drawing = not quiet and is_terminal(sys.stderr)
        self._quiet = quiet
        self._shown_at = float("-inf") if self._drawing else time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawing:
            draw("")

    def tell(self, line: str) -> None:
        """Show a line in place of the previous one."""
        if self._drawing:
            draw(cut_middle(line, terminal_width(sys.stderr) - 1))
        elif self._is_due(LOG_SECONDS):
            say(line)

    def show(self, event: Event) -> None:
        """Show an event of an indexing run, unless another was shown a moment ago."""
        if not isinstance(event, Found | Progress):
            return
        if self._drawing and self._is_due(_REDRAW_SECONDS):
            encoding = (sys.stderr.encoding or "").lower().replace("-", "")
            draw(fit(event, terminal_width(sys.stderr), plain=encoding != "utf8"))
        elif not self._drawing:
            self.tell(", ".join(parts_of(event)))

    def _is_due(self, seconds: float) -> bool:
        now = time.monotonic()
        if self._quiet or now - self._shown_at < seconds:
            return False
        self._shown_at = now
        return True


def parts_of(event: Found | Progress) -> list[str]:
    """The parts of the line, the most important first."""
    if isinstance(event, Found):
        return [tr("Looking for photos: {number:,} found", number=event.files)]
    words = "Looked into {done:,} of {photos}" if event.is_slow else "{done:,} of {photos}"
    parts = [tr(words, done=event.done, photos=photos(event.total))]
    if event.photos_per_second > 0:
        parts.append(tr("{rate:.1f} photos/s", rate=event.photos_per_second))
    if event.seconds_left is not None:
        parts.append(tr("{time} left", time=duration(event.seconds_left)))
    if event.problems:
        parts.append(counted(event.problems, "%n problem", "%n problems"))
    return parts


def fit(event: Found | Progress, width: int, *, plain: bool) -> str:
    """The event as one line of fewer than `width` cells: the last parts are dropped first, then the bar.

    `plain` uses ASCII only, for terminals whose encoding has nothing else.
    """
    parts = parts_of(event)
    separator = ", " if plain else " · "
    if isinstance(event, Progress):
        bar = _bar(event.done / event.total if event.total else 1.0, plain=plain)
        for kept in range(len(parts), 0, -1):
            line = bar + " " + separator.join(parts[:kept])
            if len(line) < width:
                return line
    return separator.join(parts[:1])[: max(width - 1, 0)]


def _bar(share: float, *, plain: bool) -> str:
    full, empty = ("#", "-") if plain else ("█", "░")
    filled = min(int(share * _BAR_CELLS), _BAR_CELLS)
    return f"{int(share * 100):3}% {full * filled}{empty * (_BAR_CELLS - filled)}"
