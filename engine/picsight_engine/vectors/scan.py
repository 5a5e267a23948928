"""The exact scan: scores every row in 8 bits, then re-ranks the best ones by their originals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.vectors.int8 import best_dots, quantize, rounding_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.vectors.matrix import Rows

_SIGMAS = 5.0  # a row is excluded only beyond this many standard errors of rounding
_RERANKED = 256  # up to this many rows are scored exactly at once
_AT_ONCE = 8192  # rows: 34 MB of 512 numbers in float64; rough scores stay in the processor's cache
_MOST_RERANKED = 4096  # limit for thousands of near-equal rows (a burst, blank pages): about 10 ms
_SPARSE = 8  # if fewer than one row in eight may be shown, gathering them is cheaper than reading all


def scan(
    rows: Rows,
    queries: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
    losses: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.intp]]:
    """The best `k` photos for any of `queries` [m, dim]: ids, scores, and the positions of their best rows.

    A photo's score is the largest of the dot products of its rows. `losses` [n] are subtracted from the scores of
    `rows`.
    """
    shown = rows.shown(allowed)
    if k <= 0 or not len(rows.ids) or (shown is not None and not shown.any()):
        return np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.intp)
    number = k if rows.parts is None else 2 * k
    while True:
        positions, scores = _ranked(
            rows, _candidates(rows, queries, number, shown, losses), queries, number, losses
        )
        is_all = len(positions) < number
        positions, scores = _first_of_each(rows, positions, scores)
        if is_all or rows.parts is None or len(positions) >= k:
            return rows.ids[positions[:k]], scores[:k], positions[:k]
        number *= 4  # the parts of a few photos fill the list


def best_rows(
    rows: Rows,
    queries: NDArray[np.float32],
    photo_ids: NDArray[np.int64],
    losses: NDArray[np.float32] | None = None,
) -> NDArray[np.intp]:
    """The position [p] of each photo's best row for any of `queries` [m, dim]; -1 for an unknown photo."""
    places = np.flatnonzero(np.isin(rows.ids, photo_ids))
    if not len(places):
        return np.full(len(photo_ids), -1)
    scores = _exact(rows, places, queries).max(axis=1) if rows.parts is not None else np.zeros(len(places))
    if losses is not None:
        scores -= losses[places]
    places = places[np.lexsort((-scores, rows.ids[places]))]
    ids, first = np.unique(rows.ids[places], return_index=True)
    found = np.searchsorted(ids, photo_ids).clip(max=len(ids) - 1)
    return np.where(ids[found] == photo_ids, places[first[found]], -1)


def term_scores(rows: Rows, queries: NDArray[np.float32], positions: NDArray[np.intp]) -> NDArray[np.float32]:
    """The dot products [p, m] of rows with each of `queries` [m, dim], to explain matches; nan at position -1."""
    scores = np.full((len(positions), len(queries)), np.nan, np.float32)
    known = positions >= 0
    scores[known] = _exact(rows, positions[known], queries)
    return scores


def _first_of_each(
    rows: Rows, positions: NDArray[np.intp], scores: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Only the first row of every photo."""
    if rows.parts is None:
        return positions, scores
    first = np.sort(np.unique(rows.ids[positions], return_index=True)[1])
    return positions[first], scores[first]


def _candidates(
    rows: Rows,
    queries: NDArray[np.float32],
    k: int,
    shown: NDArray[np.bool_] | None,
    losses: NDArray[np.float32] | None,
) -> NDArray[np.intp]:
    """Positions of the rows that may be among the best `k`, by 8-bit scores and their error bounds."""
    n = len(rows.ids)
    count = n if shown is None else int(np.count_nonzero(shown))
    if count <= _RERANKED or k >= count // 2:
        return np.arange(n) if shown is None else np.flatnonzero(shown)
    picked = np.flatnonzero(shown) if shown is not None and count * _SPARSE < n else None
    codes, scales = quantize(queries)  # [m, dim], [m]
    error = rounding_error(float(rows.scales.max()), float(scales.max()))
    slack = 2 * _SIGMAS * error  # both the row and the k-th one may be wrong
    found: list[tuple[NDArray[np.intp], NDArray[np.float32]]] = []
    limit, fresh, total = -np.inf, 0, n if picked is None else len(picked)
    for start in range(0, total, _AT_ONCE):
        block = slice(start, start + _AT_ONCE) if picked is None else picked[start : start + _AT_ONCE]
        rough = best_dots(rows.codes[block], codes, scales) * rows.scales[block]
        if losses is not None:
            rough -= losses[block]
        near = np.flatnonzero(rough >= limit)
        if shown is not None:
            near = near[shown[block][near]]
        found.append((start + near if picked is None else picked[start + near], rough[near]))
        fresh += len(near)
        if fresh >= k or start + _AT_ONCE >= total:  # not for each block, as `k` may be large
            positions, scores = map(np.concatenate, zip(*found, strict=True))
            if len(scores) >= k:
                last = len(scores) - k
                limit = np.partition(scores, last)[last] - slack
                kept = _highest(scores, limit, max(_MOST_RERANKED, 2 * k))
                positions, scores = positions[kept], scores[kept]
            fresh, found = 0, [(positions, scores)]
    return found[0][0]


def _highest(scores: NDArray[np.float32], limit: float, most: int) -> NDArray[np.intp]:
    """The places of the scores that reach the limit, at most this many."""
    kept = np.flatnonzero(scores >= limit)
    return kept if len(kept) <= most else np.argpartition(scores, len(scores) - most)[-most:]


def _ranked(
    rows: Rows,
    positions: NDArray[np.intp],
    queries: NDArray[np.float32],
    k: int,
    losses: NDArray[np.float32] | None,
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    scores = _exact(rows, positions, queries).max(axis=1)  # [candidates]
    if losses is not None:
        scores -= losses[positions]
    ids = rows.ids[positions]
    order = np.lexsort((positions, ids, -scores))[:k]
    alive = order[ids[order] > 0]  # another process may have deleted a row since the snapshot
    return positions[alive], scores[alive]


def _exact(rows: Rows, positions: NDArray[np.intp], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Dot products [p, m] from the originals, summed in float64 so that equal rows get equal scores."""
    columns = queries.astype(np.float64).T  # [dim, m]
    scores = np.empty((len(positions), len(queries)), dtype=np.float32)
    for start in range(0, len(positions), _AT_ONCE):
        some = positions[start : start + _AT_ONCE]
        scores[start : start + _AT_ONCE] = rows.originals[some].astype(np.float64) @ columns
    return scores
