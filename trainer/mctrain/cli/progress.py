"""Progress of the long steps, on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable


def bar(title: str, total: int | None = None) -> Callable[[int, str], None]:
    """A progress bar as a function of (how many more, what is running now); silent where stderr is no terminal."""
    display = tqdm(total=total, desc=title, unit="", file=sys.stderr, disable=None, mininterval=0.5)

    def advance(count: int, running: str) -> None:
        if running:
            display.set_postfix_str(running, refresh=False)
        display.update(count)
        if total is not None and display.n >= total:
            display.close()

    return advance
