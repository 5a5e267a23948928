"""Eight-bit vectors: how near they are, and how wrong a score can be."""

from __future__ import annotations

import numpy as np
import pytest

from picsight_engine.vectors.int8 import quantize, rounding_error


def test_a_quantised_vector_is_within_half_a_step(make_vectors):
    vectors = make_vectors(1, 500)
    codes, scales = quantize(vectors)
    assert codes.dtype == np.int8
    assert np.abs(codes).max() == 127
    assert np.all(np.abs(codes * scales[:, None] - vectors) <= scales[:, None] * 0.5001)


def test_a_vector_of_zeros_stays_zero():
    codes, scales = quantize(np.zeros((2, 8), np.float32))
    assert not codes.any()
    assert not scales.any()


def test_nan_counts_as_zero():
    codes, _ = quantize(np.array([[np.nan, np.inf, -np.inf, 1.0]], np.float16))
    assert codes.tolist() == [[0, 0, 0, 127]]


def errors(vectors):
    """The standard error of real eight-bit scores, and the one that is expected."""
    codes, scales = quantize(vectors)
    scores = (codes.astype(np.float64) @ codes[:50].T) * scales[:, None] * scales[None, :50]
    wrong = (scores - vectors.astype(np.float64) @ vectors[:50].T).std()
    return wrong, rounding_error(float(scales.mean()), float(scales.mean()))


def test_the_standard_error_is_that_of_real_scores(make_vectors):
    wrong, expected = errors(make_vectors(2, 2000, 256))
    assert wrong == pytest.approx(expected, rel=0.2)
