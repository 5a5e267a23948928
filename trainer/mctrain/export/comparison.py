"""Compares a graph with the torch module that it came from: first that it computes the same, then what storing cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mctrain.errors import ExportError
from mctrain.models.graph import Graph
from picsight_engine.runtime.backend import flaw_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import TextSpec

_SAME = 1e-4  # largest difference of a unit vector's entry that two orders of adding may make
_FIRST_WORD = 1000  # smaller ids are signs of a vocabulary's own


@dataclass(frozen=True, slots=True)
class Drift:
    """Cosines between the embeddings of torch and of the graph as it is stored, over `count` real inputs.

    `centred`: the mean over all embeddings was taken off before.
    """

    count: int
    mean: float
    least: float
    centred: bool = True

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def trial_texts(spec: TextSpec) -> list[torch.Tensor]:
    """Token ids in batches of several shapes where the tower takes any, up to an end of its own in each row, padding behind."""
    draw = torch.Generator().manual_seed(0)
    shapes = (
        ((1, 3), (1, 64), (2, 9), (4, 17), (3, 64))
        if spec.dynamic
        else ((1, spec.context), (3, spec.context))
    )
    trials = []
    for count, tokens in shapes:
        most = spec.eot if spec.eot > _FIRST_WORD else 30 * _FIRST_WORD
        ids = torch.randint(_FIRST_WORD, most, (count, tokens), generator=draw)
        for row in range(count):
            end = (tokens - 1) // (row + 1)
            ids[row, end] = spec.eot
            ids[row, end + 1 :] = spec.pad_id
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


@torch.no_grad()
def embed(tower: torch.nn.Module, rows: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """What torch makes of every input alone, [n, dim]."""
    return np.concatenate([tower(torch.from_numpy(row)).numpy() for row in rows])


def measure_drift(wanted: NDArray[np.float32], path: Path, rows: Sequence[NDArray[Any]]) -> Drift:
    """Cosines between torch's rows of unit vectors [n, dim] and the stored graph, each input alone as the engine runs it.

    Alone because int8 rounds by a batch's largest value.
    """
    graph = Graph(path)
    cosines = _centred_cosines(wanted, np.concatenate([graph(row)[0] for row in rows]))
    return Drift(len(rows), round(float(cosines.mean()), 5), round(float(cosines.min()), 5))


def _centred_cosines(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row; towers map everything near one point, where plain cosines hide a difference. 0 where rounding has left
    no numbers, or nothing beside the mean.
    """
    wanted, found = wanted - wanted.mean(0), found - found.mean(0)
    lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(found, axis=1)
    tells = np.isfinite(lengths) & (lengths > 0)
    cosines = np.zeros(len(lengths), dtype=np.float32)
    cosines[tells] = (wanted[tells] * found[tells]).sum(1) / lengths[tells]
    return cosines
