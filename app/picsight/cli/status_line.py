"""One line on stderr that the next one replaces, and that is gone in the end; no more than a word now and then elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from picsight.cli.streams import draw, is_terminal

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

LOG_SECONDS = 30.0  # how often something is said where no line can be drawn


class TerminalLine:
    """Knows whether a line can be drawn here; a context that leaves it empty."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._drawing = not quiet and is_terminal(sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawing:
            self._replace("")

    def _replace(self, line: str) -> None:
        draw(line)
