"""The exact scan: every row's score in eight bits, then the best ones again from their originals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from picsight_engine.vectors.int8 import best_dots, quantize, rounding_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.vectors.leading import Leading
    from picsight_engine.vectors.matrix import Rows

_SIGMAS = 5.0  # a row is left out only where rounding would have to be wrong by so many standard errors
_LEADING_SIGMAS = 6.0  # the same for what the leading part does not tell, whose errors have longer tails
_RERANKED = 256  # so few rows are not worth a rough look
_AT_ONCE = 8192  # rows: 34 MB of 512 numbers in float64; rough scores stay in the processor's cache
_MOST_RERANKED = 4096  # thousands of near-equal rows (a burst, blank pages) end here: some 10 ms
_SPARSE = 8  # where fewer than one row in eight may be shown, picking them costs less than reading all
_FIRST = 64  # one row in so many, the best by their leading parts, is looked at in full in any case
_FEW = 256  # for more than one row in so many there would be too much to look at
_THIN = 16  # one score in so many tells where the best begin
_OFF_ROWS = 512  # from so many rows it is learnt how far the leading part is off


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
    matrix: Resident,
    queries: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
    losses: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best `k` photos for any of `queries` [m, dim]: a photo's score is the largest of its m dot products.

    What each of `matrix.rows` loses (`losses` [n]) is taken off it.
    """
    rows = matrix.rows
    shown = _shown(rows, allowed)
    if k <= 0 or not len(rows.ids) or (shown is not None and not shown.any()):
        return np.empty(0, np.int64), np.empty(0, np.float32)
    positions = _candidates(rows, queries, k, shown, losses)
    return _ranked(rows, positions, queries, k, losses)


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
    rows: Rows,
    queries: NDArray[np.float32],
    k: int,
    shown: NDArray[np.bool_] | None,
    losses: NDArray[np.float32] | None,
) -> NDArray[np.intp]:
    """Positions of the rows that may be among the best `k`, by eight-bit scores and what they can be wrong by."""
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
    """Picks what can be among the best by the leading parts; reads the rows in full that came after those were made."""
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
        if len(more) * _SPARSE > m:  # the leading parts tell nothing of this query
            contest.start_again()
            contest.read(shown)
        else:
            contest.pick(more)


class _Contest:
    """The rows that are still in the running for the best `k`."""

    def __init__(
        self, rows: Rows, queries: NDArray[np.float32], k: int, losses: NDArray[np.float32] | None
    ) -> None:
        self.k = k
        self.losses = losses
        self.limit = -np.inf  # a row below it is out
        self._rows = rows
        self._codes, self._scales = quantize(queries)  # [m, dim], [m]
        error = rounding_error(float(rows.scales.max()), float(self._scales.max()))
        self._slack = 2 * _SIGMAS * error  # both the row and the k-th may be off
        self._most = max(_MOST_RERANKED, 2 * k)
        self._positions: list[NDArray[np.intp]] = []
        self._scores: list[NDArray[np.float32]] = []
        self._fresh = 0

    def rough(self, chosen: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        """The largest eight-bit score of each of some rows, less what it loses."""
        rows = self._rows
        scores: NDArray[np.float32] = best_dots(rows.codes[chosen], self._codes, self._scales)
        scores *= rows.scales[chosen]
        if self.losses is not None:
            scores -= self.losses[chosen]
        return scores

    def read(self, shown: NDArray[np.bool_] | None, start: int = 0) -> None:
        """Looks at one row after the other."""
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
        """Forgets the rows, but not how good one has to be."""
        self._positions, self._scores, self._fresh = [], [], 0

    def left(self) -> NDArray[np.intp]:
        """The positions of the rows that are in the running after all."""
        self._raise_limit()
        return self._positions[0]

    def _add(self, positions: NDArray[np.intp], scores: NDArray[np.float32]) -> None:
        self._positions.append(positions)
        self._scores.append(scores)
        self._fresh += len(positions)
        if self._fresh >= self.k:
            self._raise_limit()

    def _raise_limit(self) -> None:
        """Sends rows out that the `k` best so far have left behind."""
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
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    scores = _exact(rows, positions, queries).max(axis=1)  # [candidates]
    if losses is not None:
        scores -= losses[positions]
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
