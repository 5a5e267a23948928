"""Named arrays on disk, written whole or not at all."""

from __future__ import annotations

import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.errors import DataError
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes the arrays, none of them of objects, beside `path` and moves them into place."""
    with write_whole(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file written by `save_arrays`.

    Raises:
        DataError: it is damaged.
    """
    with _opened(path) as file:
        return {name: file[name] for name in file.files}


def load_array(path: Path, name: str) -> NDArray[Any]:
    """One array of a file written by `save_arrays`; the others are not read.

    Raises:
        DataError: it is damaged.
    """
    with _opened(path) as file:
        array: NDArray[Any] = file[name]
        return array


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as fault:
        raise DataError(f"{path} is damaged; remove it, it is made again.") from fault
