"""Compares a graph with the torch module that it came from: first that it computes the same, then what storing cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mctrain.errors import ExportError
from mctrain.export.graph import Graph
from mctrain.models import lite, minilm
from picsight_engine.models.unit import flaw_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_SAME = 1e-4  # largest difference of a unit vector's entry that two orders of adding may make


@dataclass(frozen=True, slots=True)
class Drift:
    """Cosines between the embeddings of torch and of the graph as it is stored, over `count` real inputs."""

    count: int
    mean: float
    least: float

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def trial_photos() -> list[torch.Tensor]:
    """Photos of noise in batches of 1, 2 and 5."""
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(count, 3, lite.SIZE, lite.SIZE, generator=draw) for count in (1, 2, 5)]


def trial_ids() -> list[torch.Tensor]:
    """Token ids of several shapes; where there are several rows all but the first end in padding."""
    draw = torch.Generator().manual_seed(0)
    trials = []
    for count, tokens in ((1, 3), (1, 64), (2, 9), (4, 17), (3, 64)):
        ids = torch.randint(1000, minilm.VOCABULARY, (count, tokens), generator=draw)
        for row in range(1, count):
            ids[row, max(1, tokens - 3 * row) :] = minilm.PAD_ID
        trials.append(ids)
    return trials


def demand_vectors(vectors: NDArray[np.float32], tower: str) -> None:
    """Whether rows [n, dim] can be told apart by what they are compared with.

    Raises:
        ExportError: one has no direction, or all are the same one, as where weights are missing.
    """
    flaw = flaw_of(vectors)
    if flaw is None and len(vectors) > 1 and (vectors == vectors[0]).all():
        flaw = "the same vector for everything"
    if flaw is not None:
        raise ExportError(
            f"The {tower} tower of the checkpoint gives {flaw}, as where weights are missing, so nothing was written; "
            "train it or import whole weights."
        )


def demand_equal(module: torch.nn.Module, path: Path, trials: Sequence[torch.Tensor]) -> None:
    """Runs both on every trial.

    Raises:
        ExportError: they differ by more than rounding, or the module gives nothing to compare.
    """
    graph = Graph(path)
    for trial in trials:
        with torch.no_grad():
            wanted = module(trial).numpy()
        demand_vectors(wanted, path.stem.removeprefix("plain-"))
        difference = float(np.abs(graph(trial.numpy())[0] - wanted).max())
        if not difference <= _SAME:
            raise ExportError(
                f"The exported {path.stem} tower differs from the checkpoint by {difference:.1e} at the shape "
                f"{tuple(trial.shape)}; nothing was written."
            )


def measure_drift(wanted: NDArray[np.float32], found: NDArray[np.float32], least: float, what: str) -> Drift:
    """The cosines of rows of unit vectors [n, dim].

    Raises:
        ExportError: their mean is below `least`.
    """
    cosines = (wanted * found).sum(1)
    mean = float(cosines.mean())
    if not mean >= least:
        raise ExportError(
            f"Storing the {what} tower cost too much: mean cosine {mean:.4f} to the checkpoint; nothing was written."
        )
    return Drift(len(cosines), round(mean, 5), round(float(cosines.min()), 5))
