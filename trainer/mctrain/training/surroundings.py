"""What stands around a run: where things lie, who hears signals, and who is told how it goes. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from mctrain.places import Place
    from mctrain.training.interrupts import Interrupts


class Journal(Protocol):
    """Who is told."""

    def advance(self, step: int, steps: int, sentence: str) -> None:
        """So many steps are done of so many; an empty sentence is no news."""

    def tell(self, sentence: str) -> None:
        """Something that is to stay."""


@dataclass(frozen=True, slots=True)
class Places:
    """`photos` has the shards, on a disk or in a store; `data` what is measured on, `tasks` another list of what is asked, `cache` indexes."""

    photos: Place
    data: Path | None
    tasks: Path | None
    cache: Path


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`folder` is the run's own; `workers` are processes that read photos for it."""

    folder: Path
    interrupts: Interrupts
    journal: Journal
    workers: int
