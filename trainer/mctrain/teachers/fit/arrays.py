"""Named arrays on disk, written whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes the arrays beside `path` and moves them into place."""
    with write_whole(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file written by `save_arrays`."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def load_array(path: Path, name: str) -> NDArray[Any]:
    """One array of a file written by `save_arrays`; the others are not read."""
    with np.load(path, allow_pickle=False) as file:
        array: NDArray[Any] = file[name]
        return array
