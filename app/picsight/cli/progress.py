"""The progress of an indexing run on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from picsight.cli.layout import count, duration, terminal_width
from picsight.cli.status_line import LOG_SECONDS, TerminalLine
from picsight.cli.streams import say
from picsight_engine.indexing.events import Found, Progress

if TYPE_CHECKING:
    from picsight_engine.indexing.events import Event

_REDRAW_SECONDS = 0.1
_BAR_CELLS = 24


class ProgressBar(TerminalLine):
    """Shows a run's events as they come."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._shown_at = time.monotonic() if not self._drawing else float("-inf")

    def show(self, event: Event) -> None:
        """Draws the event, unless another was drawn a moment ago."""
        if self._quiet or not isinstance(event, Found | Progress):
            return
        now = time.monotonic()
        if now - self._shown_at < (_REDRAW_SECONDS if self._drawing else LOG_SECONDS):
            return
        self._shown_at = now
        if not self._drawing:
            say(", ".join(parts_of(event)))
            return
        encoding = (sys.stderr.encoding or "").lower().replace("-", "")
        line = fit(event, terminal_width(sys.stderr), plain=encoding != "utf8")
        self._replace(line)


def parts_of(event: Found | Progress) -> list[str]:
    """What is to tell, the most important first."""
    if isinstance(event, Found):
        return [f"Looking for photos: {event.files:,} found"]
    parts = [f"{event.done:,} of {count(event.total, 'photo')}"]
    if event.photos_per_second > 0:
        parts.append(f"{event.photos_per_second:.1f} photos/s")
    if event.seconds_left is not None:
        parts.append(f"{duration(event.seconds_left)} left")
    if event.problems:
        parts.append(count(event.problems, "problem"))
    return parts


def fit(event: Found | Progress, width: int, *, plain: bool) -> str:
    """The event as one line of fewer than `width` cells: parts at the end give way first, then the bar.

    `plain` keeps to ASCII, for terminals whose encoding has no more.
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
