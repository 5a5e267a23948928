"""How fast the work goes and how long it will take: a moving window, so that one large photo does not shake it."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 30.0
_ENOUGH_FILES = 8
_ENOUGH_SECONDS = 2.0


class Rate:
    """Counts finished files against a clock that the caller reads (seconds, any origin, never going back)."""

    def __init__(self, start: float) -> None:
        self._marks: deque[tuple[float, int]] = deque([(start, 0)])

    def done(self, now: float, files: int = 1) -> None:
        """So many more files are done."""
        self._marks.append((now, self._marks[-1][1] + files))
        while len(self._marks) > 2 and now - self._marks[1][0] >= WINDOW_SECONDS:
            self._marks.popleft()

    def per_second(self, now: float) -> float:
        """Files a second over the window, 0 before the first."""
        (since, before), (_, total) = self._marks[0], self._marks[-1]
        return (total - before) / max(now - since, 1e-9) if total > before else 0.0

    def seconds_left(self, now: float, files_left: int) -> float | None:
        """The expected time for the rest; None until the rate rests on enough files and seconds."""
        (since, before), (_, total) = self._marks[0], self._marks[-1]
        if files_left == 0:
            return 0.0
        if total - before < _ENOUGH_FILES or now - since < _ENOUGH_SECONDS:
            return None
        return files_left / self.per_second(now)
