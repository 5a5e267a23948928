"""The progress of a download on stderr: one line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from picsight.cli.layout import cut_middle, size, terminal_width
from picsight.cli.streams import draw, is_terminal, say

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_LOG_SECONDS = 30.0
_ERASE_LINE = "\r\x1b[K"


class TransferLine:
    """Shows how much has arrived; a context that leaves its line empty."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._drawing = not quiet and is_terminal(sys.stderr)
        self._told_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawing:
            draw(_ERASE_LINE)

    def show(self, title: str, done: int, total: int) -> None:
        """So many bytes of so many have arrived."""
        self.tell(f"{title}: {100 * done // max(total, 1)}%, {size(done)} of {size(total)}")

    def tell(self, line: str) -> None:
        """A line that the next one replaces."""
        if self._drawing:
            draw(_ERASE_LINE + cut_middle(line, terminal_width(sys.stderr) - 1))
        elif not self._quiet and time.monotonic() - self._told_at >= _LOG_SECONDS:
            self._told_at = time.monotonic()
            say(line)
