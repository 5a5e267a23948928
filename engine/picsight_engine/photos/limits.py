"""What one photo may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Size of the picture, size of the file, and seconds for all of it (kept by the indexer, which can kill)."""

    megapixels: float = 250
    bytes: int = 1_000_000_000
    seconds: float = 30
