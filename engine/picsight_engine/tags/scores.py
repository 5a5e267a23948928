"""Every photo's score in a tag, and which photos many tags reach, from vectors that are there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.tags.tree import USUAL_THRESHOLD
from picsight_engine.vectors.int8 import best_dots, quantize, rounding_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from picsight_engine.tags.fit import Linear
    from picsight_engine.vectors.matrix import Rows

    Floats = NDArray[np.float32]
    Reached = tuple[NDArray[np.intp], Floats]

_SIGMAS = 5.0  # eight bits decide only where rounding would have to be wrong by more standard errors
_AT_ONCE = 8192  # rows: 17 MB of 512 numbers in float32
_TAGS_AT_ONCE = 256  # 8 MB of scores beside them
_FEW = 16  # so many tags are scored one by one in eight bits sooner than at once in float32
_MOST_EXACT = 4096  # suggested photos whose scores are exact however far above the threshold they are
_NOTHING = (np.empty(0, np.intp), np.empty(0, np.float32))
_ROUNDING = 2.0**-14  # of a product of 1,024 numbers in float32, as a share of the weights' length, at worst


def scores_of(rows: Rows, linear: Linear, threshold: float = USUAL_THRESHOLD) -> Floats:
    """How likely each row [n] belongs to a tag, 0 to 1.

    Exact where a score reaches the threshold or may do so, but for what is far above it in a library of which thousands
    of photos do; elsewhere as exact as eight bits.
    """
    logits, off = _rough(rows, linear)
    least = _logit(threshold)
    near = np.flatnonzero(logits >= least - off)
    if len(near) > _MOST_EXACT:
        near = near[logits[near] <= least + off]
    for start in range(0, len(near), _AT_ONCE):
        some = near[start : start + _AT_ONCE]
        logits[some] = linear.logits(rows.originals[some])
    return chances(logits)


def reaching(rows: Rows, linears: Sequence[Linear], thresholds: Sequence[float]) -> Iterator[Reached]:
    """For one tag after the other the positions [p] that reach its threshold, and their scores; the same as `scores_of`."""
    if len(linears) < _FEW:
        for linear, threshold in zip(linears, thresholds, strict=True):
            scores = scores_of(rows, linear, threshold)
            high = np.flatnonzero(scores >= threshold)
            yield high, scores[high]
        return
    for start in range(0, len(linears), _TAGS_AT_ONCE):
        some = slice(start, start + _TAGS_AT_ONCE)
        yield from _reaching(rows, linears[some], thresholds[some])


def chances(logits: NDArray[np.floating]) -> Floats:
    """Logits as probabilities."""
    return np.asarray(1 / (1 + np.exp(-logits.clip(-80, 80))), np.float32)


def _reaching(rows: Rows, linears: Sequence[Linear], thresholds: Sequence[float]) -> Iterator[Reached]:
    found: list[list[Reached]] = [[_NOTHING] for _ in linears]
    first = np.stack([linear.weights[0] for linear in linears])  # [tags, dim]
    lines = [
        _logit(threshold) - linear.bias - _ROUNDING * _length(linear)
        for threshold, linear in zip(thresholds, linears, strict=True)
    ]
    for start in range(0, len(rows.ids), _AT_ONCE):
        block = rows.originals[start : start + _AT_ONCE]
        vectors = block.astype(np.float32).T  # [dim, rows]
        best = first @ vectors  # [tags, rows]
        for tag, linear in enumerate(linears):
            if len(linear.weights) > 1:
                best[tag] = (linear.weights @ vectors).max(axis=0)
        for tag in np.flatnonzero(best.max(axis=1) >= lines).tolist():
            near = np.flatnonzero(best[tag] >= lines[tag])
            scores = chances(linears[tag].logits(block[near]))
            high = scores >= thresholds[tag]
            found[tag].append((near[high] + start, scores[high]))
    for parts in found:
        positions, reached = zip(*parts, strict=True)
        yield np.concatenate(positions), np.concatenate(reached)


def _rough(rows: Rows, linear: Linear) -> tuple[Floats, float]:
    """The logits [n] by eight bits, and how far off one may be."""
    length = max(_length(linear), 1e-6)
    codes, scales = quantize((linear.weights / length).astype(np.float32))
    logits = np.empty(len(rows.ids), np.float32)
    for start in range(0, len(logits), _AT_ONCE):
        block = slice(start, start + _AT_ONCE)
        logits[block] = best_dots(rows.codes[block], codes, scales * np.float32(length)) * rows.scales[block]
    error = rounding_error(float(rows.scales.max(initial=0)), float(scales.max(initial=0)))
    return logits + np.float32(linear.bias), _SIGMAS * length * error


def _length(linear: Linear) -> float:
    return float(np.linalg.norm(linear.weights, axis=1).max())


def _logit(probability: float) -> float:
    """The logit at which a probability is reached; in float32 those from 17 on are all 1."""
    if probability <= 0:
        return -math.inf
    below_one = min(probability, 1 - 2.0**-25)
    return math.log(below_one / (1 - below_one))
