"""The bank of texts without photos, judged by the teachers of a reinforced set and written beside its shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.data.reinforced.bank import BANK
from mctrain.data.reinforced.bank_writer import write_bank
from mctrain.reinforce.job import recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mctrain.data.reinforced.bank_sources import Collected
    from mctrain.teachers.teacher import Ensemble

    Bar = Callable[[str, int | None], Callable[[int, str], None]]


def make_bank(folder: Path, found: Collected, ensemble: Ensemble, bar: Bar) -> list[str]:
    """Writes the bank, or finds it written; sentences about what is in it and which source is not at hand.

    Raises:
        DataError: there is no text.
    """
    count = sum(map(len, found.texts.values()))
    write_bank(folder / BANK, found.texts, recorded(ensemble), ensemble.texts, bar("bank", count))
    told = ", ".join(f"{len(texts)} of {source}" for source, texts in found.texts.items())
    return [*found.absent, f"{folder / BANK}: {count} texts ({told})"]
