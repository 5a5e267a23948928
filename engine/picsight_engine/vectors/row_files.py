"""The cache files of a space: appended and memory-mapped, and whole after a crash.

Three files make one generation. `.rows` holds a header and one record per row, `.int8` the codes, `.float16` the
originals. Files grow ahead of their rows; an append writes the new rows first and then the header, which alone decides
how many rows exist. The rows are on disk before the header counts them, so that a power failure loses none. A damaged
generation is never repaired; the next one is built under new names, because Windows cannot replace a mapped file.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from picsight_engine.foundation.private_files import open_private
from picsight_engine.store.derived.vectors import STORED, SpaceState
from picsight_engine.vectors.int8 import quantize

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.store.derived.vectors import VectorRows

_MAGIC = b"PSMX"
_VERSION = 3
_HEADER = struct.Struct("<4sIIQQQ")  # magic, version, dim, count, last row, deletions
_HEADER_BYTES = 64
_SUM = struct.Struct("<I")
_RECORD = np.dtype([("row", "<i8"), ("photo", "<i8"), ("part", "<i4"), ("scale", "<f4")])
_PHOTO_OFFSET = 8  # offset of "photo" in a record
_SUFFIXES = (".rows", ".int8", ".float16")
_SPARE_ROWS = 1024  # files grow by at least this many rows, or by a quarter
DELETED = 0  # the photo id of a row whose vector was deleted; real ids begin at 1
_BLANK_PHOTO = DELETED.to_bytes(8, "little")


class TornFilesError(Exception):
    """The files are incomplete, damaged, or of another version, and must be rebuilt."""


@dataclass(frozen=True, slots=True)
class _Header:
    """The number of rows, and the library's state that they mirror."""

    dim: int
    count: int
    state: SpaceState

    def pack(self) -> bytes:
        state = self.state
        body = _HEADER.pack(_MAGIC, _VERSION, self.dim, self.count, state.last_row, state.deletions)
        return (body + _SUM.pack(zlib.crc32(body))).ljust(_HEADER_BYTES, b"\0")

    @classmethod
    def unpack(cls, data: bytes) -> _Header:
        body, check = data[: _HEADER.size], data[_HEADER.size : _HEADER.size + _SUM.size]
        if len(data) < _HEADER_BYTES or _SUM.unpack(check)[0] != zlib.crc32(body):
            raise TornFilesError
        magic, version, dim, count, last_row, deletions = _HEADER.unpack(body)
        if (magic, version) != (_MAGIC, _VERSION):
            raise TornFilesError
        return cls(dim, count, SpaceState(last_row, deletions))


class RowFiles:
    """One generation of a space's cache files. Writing methods require the cache's lock."""

    def __init__(self, stem: Path, header: _Header) -> None:
        self.stem = stem  # the files' path without suffix
        self._header = header
        self._capacity = 0
        self._map()

    @classmethod
    def create(cls, stem: Path, dim: int) -> RowFiles:
        """Creates an empty generation, which no other process opens before its first `publish`."""
        for suffix, size in zip(_SUFFIXES, _sizes(_SPARE_ROWS, dim), strict=True):
            with open_private(stem.with_name(stem.name + suffix), "xb") as file:
                file.truncate(size)
        return cls(stem, _Header(dim, 0, SpaceState(0, 0)))

    @classmethod
    def open(cls, stem: Path, dim: int) -> RowFiles:
        """Opens a published generation; TornFilesError if it is not valid."""
        header = _read_header(stem)
        if header.dim != dim:
            raise TornFilesError
        return cls(stem, header)

    @property
    def state(self) -> SpaceState:
        """The library's state that the published rows mirror."""
        return self._header.state

    @property
    def count(self) -> int:
        """The number of rows, including deleted ones."""
        return self._header.count

    def reload(self) -> None:
        """Reads the header again, which another process may have changed."""
        self._header = _read_header(self.stem)
        if self._header.count > self._capacity:
            self._map()

    def view(self) -> tuple[NDArray[np.void], NDArray[np.int8], NDArray[np.float16]]:
        """The present rows: their records [n] (row: the id of the stored vector, ascending; photo, 0 for a deleted one;
        part; scale), codes [n, dim] and originals [n, dim]. The views stay valid while rows are appended.
        """
        n = self._header.count
        return self._records[:n], self._codes[:n], self._originals[:n]

    def append(self, new: VectorRows) -> None:
        """Writes rows after the last one; they become visible with the next `publish`."""
        start, count = self._header.count, len(new.rows)
        if start + count > self._capacity:
            self._grow(start + count + max(_SPARE_ROWS, (start + count) // 4))
        codes, scales = quantize(new.vectors)
        records = np.zeros(count, dtype=_RECORD)
        records["row"], records["photo"] = new.rows, new.photo_ids
        records["part"], records["scale"] = new.parts, scales
        blocks = (records.tobytes(), codes.tobytes(), new.vectors.tobytes())
        with ExitStack() as stack:
            for file, block, offset in zip(
                self._handles(stack), blocks, _sizes(start, self._header.dim), strict=True
            ):
                file.seek(offset)
                file.write(block)
        self._header = replace(self._header, count=start + count)

    def delete(self, positions: NDArray[np.int64]) -> None:
        """Marks rows as deleted and overwrites their vectors; the other rows keep their positions."""
        dim = self._header.dim
        blanks = (_BLANK_PHOTO, bytes(dim), bytes(dim * STORED.itemsize))
        with ExitStack() as stack:
            handles = self._handles(stack)
            for position in positions.tolist():
                records, codes, originals = _sizes(position, dim)
                offsets = (records + _PHOTO_OFFSET, codes, originals)
                for file, offset, blank in zip(handles, offsets, blanks, strict=True):
                    file.seek(offset)
                    file.write(blank)

    def publish(self, state: SpaceState) -> None:
        """Syncs the rows to disk, then makes them visible as the mirror of `state`."""
        with ExitStack() as stack:
            handles = self._handles(stack)
            for file in handles:
                os.fsync(file.fileno())
            self._header = replace(self._header, state=state)
            handles[0].write(self._header.pack())

    def _grow(self, rows: int) -> None:
        for suffix, size in zip(_SUFFIXES, _sizes(rows, self._header.dim), strict=True):
            with self._path(suffix).open("r+b") as file:
                if file.seek(0, os.SEEK_END) < size:  # another process may have grown the file meanwhile
                    file.truncate(size)
        self._map()

    def _map(self) -> None:
        """Maps the rows that all three files contain; views of an older mapping stay valid."""
        dim = self._header.dim
        maps = []
        for suffix in _SUFFIXES:
            try:
                with self._path(suffix).open("rb") as file:
                    maps.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            except (OSError, ValueError) as error:  # gone, or empty
                raise TornFilesError from error
        capacity = min(
            (len(maps[0]) - _HEADER_BYTES) // _RECORD.itemsize,
            len(maps[1]) // dim,
            len(maps[2]) // (dim * STORED.itemsize),
        )
        if capacity < self._header.count:
            raise TornFilesError
        self._capacity = capacity
        self._records = np.frombuffer(maps[0], _RECORD, capacity, _HEADER_BYTES)
        self._codes = np.frombuffer(maps[1], np.int8, capacity * dim).reshape(capacity, dim)
        self._originals = np.frombuffer(maps[2], STORED, capacity * dim).reshape(capacity, dim)

    def _handles(self, stack: ExitStack) -> list[BinaryIO]:
        return [stack.enter_context(self._path(suffix).open("r+b")) for suffix in _SUFFIXES]

    def _path(self, suffix: str) -> Path:
        return self.stem.with_name(self.stem.name + suffix)


def remove_generation(stem: Path) -> None:
    """Deletes a generation's files, also those of an earlier version; those that Windows holds, with the next build."""
    with suppress(PermissionError):
        # `.rows` last: the others are found by it.
        for path in sorted(stem.parent.glob(f"{stem.name}[-.]*"), key=lambda path: path.suffix == ".rows"):
            path.unlink(missing_ok=True)


def _sizes(rows: int, dim: int) -> tuple[int, int, int]:
    """The size of each file with this many rows."""
    return _HEADER_BYTES + rows * _RECORD.itemsize, rows * dim, rows * dim * STORED.itemsize


def _read_header(stem: Path) -> _Header:
    try:
        with stem.with_name(stem.name + ".rows").open("rb") as file:
            return _Header.unpack(file.read(_HEADER_BYTES))
    except OSError as error:
        raise TornFilesError from error
