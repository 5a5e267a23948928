"""The exact scan: scores every row in 8 bits, then re-ranks the best ones by their originals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.vectors.int8 import best_dots, quantize, rounding_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.vectors.leading import Leading
    from picsight_engine.vectors.matrix import Rows

_SIGMAS = 5.0  # a row is excluded only beyond this many standard errors of rounding
_LEADING_SIGMAS = 6.0  # the same for the leading components, whose errors have longer tails
_RERANKED = 256  # up to this many rows are scored exactly at once
_AT_ONCE = 8192  # rows: 34 MB of 512 numbers in float64; rough scores stay in the processor's cache
_MOST_RERANKED = 4096  # limit for thousands of near-equal rows (a burst, blank pages): about 10 ms
_SPARSE = 8  # if fewer than one row in eight may be shown, gathering them is cheaper than reading all
_FIRST = 64  # the best 1/64 of rows by leading components are always scored in full
_FEW = 256  # if `k` exceeds 1/256 of the rows, the first pass does not pay
_THIN = 16  # one score in this many is sampled to estimate the cut
_OFF_ROWS = 512  # rows from which the error of the leading components is estimated


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
    shown = _shown(rows, allowed)
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


def _shown(rows: Rows, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """The rows [n] that may appear, None for all."""
    if allowed is None:
        return None if rows.hidden is None else ~rows.hidden
    shown = np.zeros(len(rows.ids), dtype=np.bool_)
    common = min(len(allowed), len(shown))
    shown[:common] = allowed[:common]
    return shown if rows.hidden is None else shown & ~rows.hidden


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
    contest = _Contest(rows, queries, k, losses)
    if shown is not None and count * _SPARSE < n:
        contest.pick(np.flatnonzero(shown))
    elif rows.leading is not None and k < count // _FEW:
        _look_ahead(contest, rows.leading, queries, shown)
    else:
        contest.read(shown)
    return contest.left()


def _look_ahead(
    contest: _Contest, leading: Leading, queries: NDArray[np.float32], shown: NDArray[np.bool_] | None
) -> None:
    """Selects the rows that may be among the best by leading components; scores later rows, which have none, in full."""
    scores = leading.scores(queries)  # [m]
    m = len(scores)
    if contest.losses is not None:
        scores -= contest.losses[:m]
    if shown is not None:
        scores[~shown[:m]] = -np.inf
    contest.read(shown, start=m)
    thin = scores[::_THIN]
    best = max(m // _FIRST, 2 * contest.k) // _THIN + 1
    line = max(np.partition(thin, len(thin) - best)[len(thin) - best], np.finfo(np.float32).min)
    contest.pick(np.flatnonzero(scores >= line))
    sample = np.arange(0, m, max(1, m // _OFF_ROWS))
    sample = sample[np.isfinite(scores[sample])]
    if len(sample):
        off = contest.rough(sample) - scores[sample]
        line, above = contest.limit - off.mean() - _LEADING_SIGMAS * off.std(), line
        more = np.flatnonzero((scores >= line) & (scores < above))
        if len(more) * _SPARSE > m:  # the leading components do not help for this query
            contest.start_again()
            contest.read(shown)
        else:
            contest.pick(more)


class _Contest:
    """The rows that may still be among the best `k`."""

    def __init__(
        self, rows: Rows, queries: NDArray[np.float32], k: int, losses: NDArray[np.float32] | None
    ) -> None:
        self.k = k
        self.losses = losses
        self.limit = -np.inf  # rows below it are excluded
        self._rows = rows
        self._codes, self._scales = quantize(queries)  # [m, dim], [m]
        error = rounding_error(float(rows.scales.max()), float(self._scales.max()))
        self._slack = 2 * _SIGMAS * error  # both the row and the k-th one may be wrong
        self._most = max(_MOST_RERANKED, 2 * k)
        self._positions: list[NDArray[np.intp]] = []
        self._scores: list[NDArray[np.float32]] = []
        self._fresh = 0

    def rough(self, chosen: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        """The largest 8-bit score of each chosen row, minus its loss."""
        rows = self._rows
        scores: NDArray[np.float32] = best_dots(rows.codes[chosen], self._codes, self._scales)
        scores *= rows.scales[chosen]
        if self.losses is not None:
            scores -= self.losses[chosen]
        return scores

    def read(self, shown: NDArray[np.bool_] | None, start: int = 0) -> None:
        """Scores all rows from `start` on, in order."""
        for first in range(start, len(self._rows.ids), _AT_ONCE):
            block = slice(first, first + _AT_ONCE)
            scores = self.rough(block)
            near = np.flatnonzero(scores >= self.limit)
            if shown is not None:
                near = near[shown[block][near]]
            self._add(near + first, scores[near])

    def pick(self, positions: NDArray[np.intp]) -> None:
        """Looks at these rows only."""
        for first in range(0, len(positions), _AT_ONCE):
            some = positions[first : first + _AT_ONCE]
            scores = self.rough(some)
            near = np.flatnonzero(scores >= self.limit)
            self._add(some[near], scores[near])

    def start_again(self) -> None:
        """Drops the rows, but keeps the limit."""
        self._positions, self._scores, self._fresh = [], [], 0

    def left(self) -> NDArray[np.intp]:
        """The positions of the remaining rows."""
        self._raise_limit()
        return self._positions[0]

    def _add(self, positions: NDArray[np.intp], scores: NDArray[np.float32]) -> None:
        self._positions.append(positions)
        self._scores.append(scores)
        self._fresh += len(positions)
        if self._fresh >= self.k:
            self._raise_limit()

    def _raise_limit(self) -> None:
        """Raises the limit by the `k` best so far, and drops the rows below it."""
        positions, scores = np.concatenate(self._positions), np.concatenate(self._scores)
        if len(scores) >= self.k:
            last = len(scores) - self.k
            self.limit = np.partition(scores, last)[last] - self._slack
            kept = np.flatnonzero(scores >= self.limit)
            if len(kept) > self._most:
                last = len(scores) - self._most
                kept = np.argpartition(scores, last)[last:]
            positions, scores = positions[kept], scores[kept]
        self._positions, self._scores, self._fresh = [positions], [scores], 0


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
    alive = order[ids[order] > 0]  # another process may have buried a row since the snapshot
    return positions[alive], scores[alive]


def _exact(rows: Rows, positions: NDArray[np.intp], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Dot products [p, m] from the originals, summed in float64 so that equal rows get equal scores."""
    columns = queries.astype(np.float64).T  # [dim, m]
    scores = np.empty((len(positions), len(queries)), dtype=np.float32)
    for start in range(0, len(positions), _AT_ONCE):
        some = positions[start : start + _AT_ONCE]
        scores[start : start + _AT_ONCE] = rows.originals[some].astype(np.float64) @ columns
    return scores
