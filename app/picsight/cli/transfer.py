"""The progress of a download on stderr: one line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time

from picsight.cli.layout import cut_middle, size, terminal_width
from picsight.cli.status_line import LOG_SECONDS, TerminalLine
from picsight.cli.streams import say


class TransferLine(TerminalLine):
    """Shows how much has arrived."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._told_at = time.monotonic()

    def show(self, title: str, done: int, total: int) -> None:
        """So many bytes of so many have arrived."""
        self.tell(f"{title}: {100 * done // max(total, 1)}%, {size(done)} of {size(total)}")

    def tell(self, line: str) -> None:
        """A line that the next one replaces."""
        if self._drawing:
            self._replace(cut_middle(line, terminal_width(sys.stderr) - 1))
        elif not self._quiet and time.monotonic() - self._told_at >= LOG_SECONDS:
            self._told_at = time.monotonic()
            say(line)
