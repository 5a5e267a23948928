"""A model that was trained on top of another one is exported only if nothing that it was judged by has become much worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.errors import ExportError
from mctrain.weights.checkpoint import Trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.weights.checkpoint import Compared, Run, Source


def demand_no_loss(origin: Source | Run | Trained) -> None:
    """Asks a run whose recipe keeps photos apart what they said; any other model passes.

    Raises:
        ExportError: they were not asked yet, or a set has lost more points than the recipe allows.
    """
    match origin:
        case Trained(recipe={"apart": {"most_lost": most_lost}}, compared=compared):
            _demand(compared, most_lost)


def _demand(compared: Sequence[Compared], most_lost: float) -> None:
    if not compared:
        raise ExportError(
            "The model was not yet compared with the one that it began with, so nothing was exported; the command that trained it "
            "does that when it is typed again."
        )
    lost = [own for own in compared if not own.lost <= most_lost]  # nor does what is not a number pass
    if lost:
        told = "; ".join(f"{own.title} ({own.before:.1f} to {own.after:.1f} %)" for own in lost)
        raise ExportError(
            f"The model got worse by more than {most_lost:g} points, so nothing was exported: {told}. The checkpoint stays; "
            "train with a smaller optimizer.rate or for fewer steps in another folder."
        )
