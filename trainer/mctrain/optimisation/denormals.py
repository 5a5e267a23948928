"""Numbers so small that some processors take twice as long for them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """They are 0 in here; the setting is the whole thread's, so it is given back."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
