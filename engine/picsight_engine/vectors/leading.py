"""The leading components of every vector, for a first pass that reads a quarter of the data.

Along the principal components of a library's photos, a quarter of the numbers determines nearly all of a score. The file
is made from all rows of a generation at once and never grows. Later rows are read in full; once they exceed a quarter, the
file is rebuilt. Without the file, every search gives the same result in twice the time.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.private_files import draft_of, open_private
from picsight_engine.vectors.int8 import LARGEST, best_dots, quantize

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LEAST_ROWS = 65_536  # fewer are read in 2 ms, of which a first pass would save less than half

_PART = 4  # a quarter of the numbers: 88 % of the photos' variance in the starter's space
_LATER = 4  # rebuilt once a quarter of the rows are missing
_SAMPLE = 8192  # rows from which the directions are computed
_AT_ONCE = 8192  # rows of float32 in memory: 17 MB of 512 numbers
_MAGIC = b"PSLV"
_VERSION = 1
_HEADER = struct.Struct("<4sIIIQfI")  # magic, version, dim, leading, rows, step, sum of the directions
_HEADER_BYTES = 64


@dataclass(frozen=True, slots=True)
class Leading:
    """The leading components of the first m rows of a generation."""

    directions: NDArray[np.float32]  # [dim, leading], orthonormal
    step: float  # the scale of the codes, the same for all rows
    codes: NDArray[np.int8]  # [m, leading]

    def scores(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each row's best dot product with any of `queries` [n, dim], from the leading components: [m]."""
        codes, scales = quantize(queries @ self.directions)
        return best_dots(self.codes, codes, scales * np.float32(self.step))


def newest_leading(stem: Path, dim: int, count: int) -> Leading | None:
    """The leading components of a generation with `count` rows; None if there is no valid file."""
    for path in sorted(_files(stem), key=_rows_of, reverse=True):
        leading = _open(path, dim) if _rows_of(path) <= count else None
        if leading is not None:
            return leading
    return None


def keep_leading(stem: Path, originals: NDArray[np.float16]) -> None:
    """Makes the file for the rows [n, dim] of a generation if there is none, or too many rows were added since.

    The caller must hold the cache's lock. Raises OSError.
    """
    rows, dim = originals.shape
    older = _files(stem)
    known = max(map(_rows_of, older), default=0)
    if rows < LEAST_ROWS or (known and rows <= known + known // _LATER):
        return
    path = stem.with_name(f"{stem.name}-{rows}.leading")
    draft = draft_of(path)
    try:
        _write(draft, originals, dim)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    for left in older:
        with suppress(PermissionError):  # mapped by another process on Windows; removed with the generation
            left.unlink(missing_ok=True)


def bury_leading(stem: Path, positions: NDArray[np.int64]) -> None:
    """Overwrites the components of deleted vectors. Raises OSError."""
    for path in _files(stem):
        with path.open("r+b") as file:
            _, _, dim, leading, rows, _, _ = _HEADER.unpack(file.read(_HEADER.size))
            start = _HEADER_BYTES + dim * leading * 4
            for position in positions[positions < rows].tolist():
                file.seek(start + position * leading)
                file.write(bytes(leading))


def remove_leading(stem: Path) -> None:
    """Deletes a generation's files. Raises PermissionError on Windows while one is mapped."""
    for path in _files(stem):
        path.unlink(missing_ok=True)


def _files(stem: Path) -> list[Path]:
    return [path for path in stem.parent.glob(f"{stem.name}-*.leading") if _rows_of(path)]


def _rows_of(path: Path) -> int:
    number = path.stem.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _write(path: Path, originals: NDArray[np.float16], dim: int) -> None:
    rows = len(originals)
    sample = originals[:: max(1, rows // _SAMPLE)].astype(np.float32)
    directions = _directions(sample)  # [dim, leading]
    step = float(np.abs(sample @ directions).max()) / LARGEST or 1.0
    blocks = directions.tobytes()
    header = _HEADER.pack(_MAGIC, _VERSION, dim, directions.shape[1], rows, step, zlib.crc32(blocks))
    with open_private(path, "xb") as file:
        file.write(header.ljust(_HEADER_BYTES, b"\0") + blocks)
        for start in range(0, rows, _AT_ONCE):
            parts = originals[start : start + _AT_ONCE].astype(np.float32) @ directions
            codes = np.nan_to_num(np.rint(parts / step)).clip(-LARGEST, LARGEST).astype(np.int8)
            file.write(codes.tobytes())
        file.flush()
        os.fsync(file.fileno())


def _directions(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first principal components [dim, leading] of the vectors [n, dim]."""
    known = sample[np.isfinite(sample).all(axis=1)]
    centred = known - known.mean(axis=0)
    _, components = np.linalg.eigh(centred.T @ centred)  # ascending
    leading = max(1, sample.shape[1] // _PART)
    return np.ascontiguousarray(components[:, : -leading - 1 : -1], dtype="<f4")


def _open(path: Path, dim: int) -> Leading | None:
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # gone, or empty
        return None
    if len(mapped) < _HEADER_BYTES:
        return None
    magic, version, width, leading, rows, step, check = _HEADER.unpack(mapped[: _HEADER.size])
    start = _HEADER_BYTES + dim * leading * 4
    known = (magic, version, width) == (_MAGIC, _VERSION, dim) and len(mapped) == start + rows * leading
    if not known or zlib.crc32(mapped[_HEADER_BYTES:start]) != check:
        return None
    directions = np.frombuffer(mapped, "<f4", dim * leading, _HEADER_BYTES).reshape(dim, leading)
    codes = np.frombuffer(mapped, np.int8, rows * leading, start).reshape(rows, leading)
    return Leading(directions, step, codes)
