"""What one photo may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Size of the picture, its longer side, size of the file, and seconds for all of it (kept by whoever can kill)."""

    megapixels: float = 250
    side: int = 1_000_000  # pixels: rows and weights of a longer one fill memory, however few pixels it has
    bytes: int = 1_000_000_000
    seconds: float = 30
