"""A cached file holds what was put into it, or is told as damaged."""

from __future__ import annotations

import numpy as np
import pytest

from mctrain.errors import DataError
from mctrain.teachers.fit.features import load_array, load_arrays, save_arrays

ARRAYS = {"keys": np.array(["a", "bc"]), "features": np.arange(6, dtype=np.float16).reshape(2, 3)}


def test_arrays_come_back_under_their_names_and_no_others(tmp_path):
    path = tmp_path / "cache" / "seen.npz"
    save_arrays(path, ARRAYS)
    found = load_arrays(path)
    assert found.keys() == ARRAYS.keys()
    assert all(np.array_equal(own, found[name]) for name, own in ARRAYS.items())
    assert load_array(path, "keys").tolist() == ["a", "bc"]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "damage", [lambda own: own[:-40], lambda _: b"", lambda _: b"text", lambda own: own[40:]]
)
def test_a_damaged_file_is_told(tmp_path, damage):
    path = tmp_path / "seen.npz"
    save_arrays(path, ARRAYS)
    path.write_bytes(damage(path.read_bytes()))
    for read in (load_arrays, lambda own: load_array(own, "features")):
        with pytest.raises(DataError, match=r"seen\.npz is damaged; remove it, it is made again"):
            read(path)
