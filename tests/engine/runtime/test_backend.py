"""The output of a tower is normalised, and rows without a direction are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from picsight_engine.foundation.errors import BundleError
from picsight_engine.runtime.unit_rows import unit_rows

FILE = Path("models/odd/image.onnx")


def test_rows_of_any_length_become_rows_of_unit_length():
    rows = np.array([[3, 4], [0, -1e-15], [1e18, 0]], dtype=np.float32)
    np.testing.assert_allclose(unit_rows(rows, rows.shape, FILE), [[0.6, 0.8], [0, -1], [1, 0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("row", "flaw"),
    [
        ([np.nan, np.inf], r"no numbers \(NaN\)"),
        ([np.inf, 1], "infinite numbers"),
        ([0, 0], "vectors of length zero"),
    ],
)
def test_a_row_without_a_direction_is_refused_with_its_file(row, flaw):
    rows = np.array([[1, 0], row], dtype=np.float32)
    with pytest.raises(
        BundleError, match=rf"models/odd/image\.onnx gives {flaw}, as where weights are missing"
    ):
        unit_rows(rows, rows.shape, FILE)
