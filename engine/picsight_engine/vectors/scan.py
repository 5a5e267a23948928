"""The exact scan: every row's score in eight bits, then the best ones again from their originals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import simsimd

from picsight_engine.vectors.int8 import quantize, rounding_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.vectors.matrix import Rows

_SIGMAS = 5.0  # a row is left out only where rounding would have to be wrong by so many standard errors
_RERANKED = 256  # looked at again in any case
_AT_ONCE = 8192  # rows of float64 in memory: 34 MB of 512 numbers
_MOST_RERANKED = 4096  # thousands of near-equal rows (a burst, blank pages) end here: some 10 ms


class Resident(Protocol):
    """Whatever holds rows: a matrix, whose rows change as the library does, or those of one moment."""

    @property
    def rows(self) -> Rows:
        """The rows that are searched."""


def scan(
    matrix: Resident, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best `k` photos for `query` [dim] (unit length): ids [k] and dot products [k], best first.

    `allowed` [n] restricts the search to some of `matrix.rows` (rows beyond it are left out); hidden rows never
    appear. Equal scores keep the order of ids, the lowest first.
    """
    return scan_any(matrix, query[np.newaxis], k, allowed)


def scan_any(
    matrix: Resident, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best `k` photos for any of `queries` [m, dim]: a photo's score is the largest of its m dot products."""
    rows = matrix.rows
    shown = _shown(rows, allowed)
    if k <= 0 or not len(rows.ids) or (shown is not None and not shown.any()):
        return np.empty(0, np.int64), np.empty(0, np.float32)
    positions = _candidates(rows, queries, k, shown)
    return _ranked(rows, positions, queries, k)


def term_scores(
    matrix: Resident, queries: NDArray[np.float32], photo_ids: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The dot products [p, m] of some photos with each of `queries` [m, dim]: why they matched; nan for a stranger."""
    rows = matrix.rows
    order = np.argsort(rows.ids, kind="stable")
    places = np.searchsorted(rows.ids, photo_ids, sorter=order).clip(max=max(len(order) - 1, 0))
    scores = np.full((len(photo_ids), len(queries)), np.nan, np.float32)
    if len(order):
        positions = order[places]
        known = rows.ids[positions] == photo_ids
        scores[known] = _exact(rows, positions[known], queries)
    return scores


def _shown(rows: Rows, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """The rows [n] that may appear, None for all."""
    if allowed is None:
        return None if rows.hidden is None else ~rows.hidden
    shown = np.zeros(len(rows.ids), dtype=np.bool_)
    common = min(len(allowed), len(shown))
    shown[:common] = allowed[:common]
    return shown if rows.hidden is None else shown & ~rows.hidden


def _candidates(
    rows: Rows, queries: NDArray[np.float32], k: int, shown: NDArray[np.bool_] | None
) -> NDArray[np.intp]:
    """Positions of the rows that may be among the best `k`, by eight-bit scores and what they can be wrong by."""
    n = len(rows.ids)
    if n <= _RERANKED or k >= n // 2:
        return np.arange(n) if shown is None else np.flatnonzero(shown)
    scores, error = _rough(rows, queries)  # [n]
    if shown is not None:
        scores[~shown] = -np.inf
    wanted = min(max(_RERANKED, 2 * k), n)
    most = min(max(_MOST_RERANKED, 2 * k), n)
    kept = np.argpartition(scores, n - wanted)[n - wanted :]
    best = np.partition(scores[kept], wanted - k)
    limit = best[wanted - k] - 2 * _SIGMAS * error  # both the row and the k-th may be off
    if best[0] >= limit:  # even the last of them is too near to call: look further
        kept = np.flatnonzero(scores >= limit)
        if len(kept) > most:
            kept = np.argpartition(scores, n - most)[n - most :]
    else:
        kept = kept[scores[kept] >= limit]
    return kept[np.isfinite(scores[kept])]


def _rough(rows: Rows, queries: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """The largest eight-bit score of each row [n], and the largest standard error among them."""
    codes, scales = quantize(queries)  # [m, dim], [m]
    dots = np.asarray(simsimd.cdist(rows.codes, codes, "dot", out_dtype="float32"))  # [n, m]
    best: NDArray[np.float32] = (dots * scales).max(axis=1) * rows.scales
    return best, rounding_error(float(rows.scales.max()), float(scales.max()))


def _ranked(
    rows: Rows, positions: NDArray[np.intp], queries: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    scores = _exact(rows, positions, queries).max(axis=1)  # [candidates]
    ids = rows.ids[positions]
    order = np.lexsort((ids, -scores))[:k]
    ids, scores = ids[order], scores[order]
    alive = ids > 0  # another process may have buried a row since the snapshot
    return ids[alive], scores[alive]


def _exact(rows: Rows, positions: NDArray[np.intp], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Dot products [p, m] from the originals, summed in float64 so that equal rows get equal scores."""
    columns = queries.astype(np.float64).T  # [dim, m]
    scores = np.empty((len(positions), len(queries)), dtype=np.float32)
    for start in range(0, len(positions), _AT_ONCE):
        some = positions[start : start + _AT_ONCE]
        scores[start : start + _AT_ONCE] = rows.originals[some].astype(np.float64) @ columns
    return scores
