"""A model that was trained on top of another one is exported only if nothing that it was judged by has become much worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.errors import ExportError
from mctrain.weights.checkpoint import Trained

if TYPE_CHECKING:
    from mctrain.weights.checkpoint import Run, Source


def demand_no_loss(origin: Source | Run | Trained) -> None:
    """Asks a run whose recipe keeps photos apart what they said; any other model passes.

    Raises:
        ExportError: they were not asked yet, or a set has lost more points than the recipe allows.
    """
    apart = origin.recipe.get("apart") if isinstance(origin, Trained) else None
    if apart is None or not isinstance(origin, Trained):
        return
    if not origin.compared:
        raise ExportError(
            "The model was not yet compared with the one that it began with, so nothing was exported; the command that trained it "
            "does that when it is typed again."
        )
    lost = [own for own in origin.compared if own.before - own.after > apart["most_lost"]]
    if lost:
        told = ", ".join(f"{own.name} ({own.before:.1f} to {own.after:.1f} %)" for own in lost)
        raise ExportError(
            f"The model got worse by more than {apart['most_lost']:g} points, so nothing was exported: {told}. The checkpoint stays; "
            "train with a smaller optimizer.rate or fewer run.passes in another folder."
        )
