"""The cache files of a space: appended, memory-mapped, and checked after a crash.

Three files make one generation. `.rows` holds a header and one record per row, `.int8` the codes, `.float16` the
originals. Files grow ahead of their rows; an append writes the new rows first and then the header, which alone decides
how many rows exist. The header also counts the rows known to be on disk; after a power failure, the few rows beyond are
checked by their checksums. A damaged generation is never repaired; the next one is built under new names, because Windows
cannot replace a mapped file.
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

from picsight_engine.private_files import open_private
from picsight_engine.store.vectors import STORED, SpaceState
from picsight_engine.vectors.int8 import quantize
from picsight_engine.vectors.leading import remove_leading

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.store.vectors import VectorRows

_MAGIC = b"PSMX"
_VERSION = 2
_HEADER = struct.Struct("<4sIIQQQQ")  # magic, version, dim, count, safe, last row, deletions
_HEADER_BYTES = 64
_SUM = struct.Struct("<I")
_RECORD = np.dtype(
    [("row", "<i8"), ("photo", "<i8"), ("part", "<i4"), ("scale", "<f4"), ("sum", "<u4"), ("spare", "<u4")]
)
_PHOTO_OFFSET = 8  # offset of "photo" in a record
_SUFFIXES = (".rows", ".int8", ".float16")
_SPARE_ROWS = 1024  # files grow by at least this many rows, or by a quarter
_UNSAFE_ROWS = 4096  # the most rows not yet synced; checking them at the next start takes about 5 ms
BURIED = 0  # the photo id of a row whose vector was deleted; real ids begin at 1
_BLANK_PHOTO = BURIED.to_bytes(8, "little")


class TornFilesError(Exception):
    """The files are incomplete, damaged, or of another version, and must be rebuilt."""


@dataclass(frozen=True, slots=True)
class _Header:
    """The number of rows, how many of them are known to be on disk, and the library's state that they mirror."""

    dim: int
    count: int
    safe: int
    state: SpaceState

    def pack(self) -> bytes:
        body = _HEADER.pack(
            _MAGIC, _VERSION, self.dim, self.count, self.safe, self.state.last_row, self.state.deletions
        )
        return (body + _SUM.pack(zlib.crc32(body))).ljust(_HEADER_BYTES, b"\0")

    @classmethod
    def unpack(cls, data: bytes) -> _Header:
        body, check = data[: _HEADER.size], data[_HEADER.size : _HEADER.size + _SUM.size]
        if len(data) < _HEADER_BYTES or _SUM.unpack(check)[0] != zlib.crc32(body):
            raise TornFilesError
        magic, version, dim, count, safe, last_row, deletions = _HEADER.unpack(body)
        if (magic, version) != (_MAGIC, _VERSION) or safe > count:
            raise TornFilesError
        return cls(dim, count, safe, SpaceState(last_row, deletions))


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
        return cls(stem, _Header(dim, 0, 0, SpaceState(0, 0)))

    @classmethod
    def open(cls, stem: Path, dim: int) -> RowFiles:
        """Opens a published generation; TornFilesError if it is not valid."""
        header = _read_header(stem)
        if header.dim != dim:
            raise TornFilesError
        files = cls(stem, header)
        files._check_unsafe()
        return files

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
        records["sum"] = _sums(records, codes, new.vectors)
        blocks = (records.tobytes(), codes.tobytes(), new.vectors.tobytes())
        with ExitStack() as stack:
            for file, block, offset in zip(
                self._handles(stack), blocks, _sizes(start, self._header.dim), strict=True
            ):
                file.seek(offset)
                file.write(block)
        self._header = replace(self._header, count=start + count)

    def bury(self, positions: NDArray[np.int64]) -> None:
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

    def publish(self, state: SpaceState, *, safe: bool = False) -> None:
        """Makes the rows visible as the mirror of `state`; `safe` syncs them to disk first."""
        safe = safe or self._header.count - self._header.safe >= _UNSAFE_ROWS
        with ExitStack() as stack:
            handles = self._handles(stack)
            if safe:
                for file in handles:
                    os.fsync(file.fileno())
            counted = self._header.count if safe else self._header.safe
            self._header = replace(self._header, safe=counted, state=state)
            handles[0].write(self._header.pack())

    def _check_unsafe(self) -> None:
        """Compares the checksums of rows that a power failure may have lost."""
        start, end = self._header.safe, self._header.count
        records = self._records[start:end]
        sums = _sums(records, self._codes[start:end], self._originals[start:end])
        sound = (records["row"] > 0) & ((records["photo"] == BURIED) | (records["sum"] == sums))
        if not sound.all():
            raise TornFilesError

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
    """Deletes a generation's files; if a process on Windows has them mapped, the next build tries again."""
    with suppress(PermissionError):
        remove_leading(stem)
        for suffix in reversed(_SUFFIXES):  # `.rows` last: the others are found by it
            stem.with_name(stem.name + suffix).unlink(missing_ok=True)


def _sizes(rows: int, dim: int) -> tuple[int, int, int]:
    """The size of each file with this many rows."""
    return _HEADER_BYTES + rows * _RECORD.itemsize, rows * dim, rows * dim * STORED.itemsize


def _read_header(stem: Path) -> _Header:
    try:
        with stem.with_name(stem.name + ".rows").open("rb") as file:
            return _Header.unpack(file.read(_HEADER_BYTES))
    except OSError as error:
        raise TornFilesError from error


def _sums(
    records: NDArray[np.void], codes: NDArray[np.int8], originals: NDArray[np.float16]
) -> NDArray[np.uint32]:
    """A checksum [n] of each whole row, modulo 2**32; the weights are odd, so that every single change is detected."""
    odd: NDArray[np.uint32] = np.arange(1, 2 * codes.shape[1], 2, dtype=np.uint32)  # [dim]
    other: NDArray[np.uint32] = odd * np.uint32(2_654_435_761)  # odd as well
    code_sums: NDArray[np.uint32] = codes.view(np.uint8).astype(np.uint32) @ odd
    original_sums: NDArray[np.uint32] = originals.view(np.uint16).astype(np.uint32) @ other
    row_sums = records["row"].astype(np.uint32) * np.uint32(40_503) + records["photo"].astype(np.uint32)
    row_sums += records["part"].astype(np.uint32) * np.uint32(65_599)
    scale_bits = records["scale"].copy().view(np.uint32)
    return code_sums + original_sums + row_sums + scale_bits
