"""The cache files of a space: rows that are appended, mapped into memory, and checked after a crash.

Three files make one generation. `.rows` holds a header and a record a row, `.int8` the codes, `.float16` the
originals. Files grow ahead of their rows, so an append writes the new rows and then the header: what the header does
not count does not exist. The header also counts the rows known to have reached the disk; after a power failure the
few beyond it are checked by their sums. A damaged generation is never repaired, the next one is built under new names
(a mapped file cannot be replaced on Windows).
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
_VERSION = 1
_HEADER = struct.Struct("<4sIIQQQQ")  # magic, version, dim, count, safe, last row, deletions
_HEADER_BYTES = 64
_SUM = struct.Struct("<I")
_RECORD = np.dtype([("row", "<i8"), ("photo", "<i8"), ("scale", "<f4"), ("sum", "<u4")])
_PHOTO_OFFSET = 8  # of "photo" inside a record
_SUFFIXES = (".rows", ".int8", ".float16")
_SPARE_ROWS = 1024  # grown by at least so many rows, or by a quarter
_UNSAFE_ROWS = 4096  # so many rows may wait for the disk: some 5 ms of checking at the next start
BURIED = 0  # the photo id of a row whose vector was deleted; real ids begin at 1
_BLANK_PHOTO = BURIED.to_bytes(8, "little")


class TornFilesError(Exception):
    """The files are incomplete, damaged, or of another version: they have to be built anew."""


@dataclass(frozen=True, slots=True)
class _Header:
    """How many rows there are, how many of them are safe on the disk, and the library's state that they mirror."""

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


@dataclass(frozen=True, slots=True)
class MappedRows:
    """The rows of a generation at one moment, as views of the mapped files; a buried row has photo id 0."""

    rows: NDArray[np.int64]  # [n] ids of the stored vectors, ascending
    photo_ids: NDArray[np.int64]  # [n]
    scales: NDArray[np.float32]  # [n]
    codes: NDArray[np.int8]  # [n, dim]
    originals: NDArray[np.float16]  # [n, dim]


class RowFiles:
    """One generation of a space's cache files. Only a holder of the cache's lock may call what writes."""

    def __init__(self, stem: Path, header: _Header) -> None:
        self._stem = stem
        self._header = header
        self._capacity = 0
        self._map()

    @classmethod
    def create(cls, stem: Path, dim: int) -> RowFiles:
        """Makes an empty generation that nobody opens before its first `publish`."""
        for suffix, size in zip(_SUFFIXES, _sizes(_SPARE_ROWS, dim), strict=True):
            with open_private(stem.with_name(stem.name + suffix), "xb") as file:
                file.truncate(size)
        return cls(stem, _Header(dim, 0, 0, SpaceState(0, 0)))

    @classmethod
    def open(cls, stem: Path, dim: int) -> RowFiles:
        """Opens a published generation; TornFilesError if it cannot be trusted."""
        header = _read_header(stem)
        if header.dim != dim:
            raise TornFilesError
        files = cls(stem, header)
        files._check_unsafe()
        return files

    @property
    def stem(self) -> Path:
        """The files' path without suffix."""
        return self._stem

    @property
    def state(self) -> SpaceState:
        """The library's state that the published rows mirror."""
        return self._header.state

    @property
    def count(self) -> int:
        """How many rows there are, buried ones included."""
        return self._header.count

    def reload(self) -> None:
        """Sees what another process has published meanwhile."""
        self._header = _read_header(self._stem)
        if self._header.count > self._capacity:
            self._map()

    def view(self) -> MappedRows:
        """The rows as they are now; the views stay valid while rows are appended."""
        n = self._header.count
        records = self._records[:n]
        return MappedRows(
            records["row"], records["photo"], records["scale"], self._codes[:n], self._originals[:n]
        )

    def append(self, new: VectorRows) -> None:
        """Writes rows behind the last one; they count from the next `publish` on."""
        start, count = self._header.count, len(new.rows)
        if start + count > self._capacity:
            self._grow(start + count + max(_SPARE_ROWS, (start + count) // 4))
        codes, scales = quantize(new.vectors)
        records = np.empty(count, dtype=_RECORD)
        records["row"], records["photo"], records["scale"] = new.rows, new.photo_ids, scales
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
        """Takes rows out of every later view without moving the others; their vectors are overwritten."""
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
        """Makes the rows count, as the mirror of `state`; `safe` waits until they have reached the disk."""
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
        """Compares the sums of the rows that may not have reached the disk before a power failure."""
        start, end = self._header.safe, self._header.count
        records = self._records[start:end]
        sums = _sums(records, self._codes[start:end], self._originals[start:end])
        sound = (records["row"] > 0) & ((records["photo"] == BURIED) | (records["sum"] == sums))
        if not sound.all():
            raise TornFilesError

    def _grow(self, rows: int) -> None:
        for suffix, size in zip(_SUFFIXES, _sizes(rows, self._header.dim), strict=True):
            with self._path(suffix).open("r+b") as file:
                if file.seek(0, os.SEEK_END) < size:  # another process may have made more room meanwhile
                    file.truncate(size)
        self._map()

    def _map(self) -> None:
        """Maps the files as far as all three reach; views of an older mapping stay valid."""
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
        return self._stem.with_name(self._stem.name + suffix)


def remove_generation(stem: Path) -> None:
    """Deletes a generation's files, unless a process on Windows has them mapped: then the next build tries again."""
    with suppress(PermissionError):
        remove_leading(stem)
        for suffix in reversed(_SUFFIXES):  # `.rows` last, by which the others are found
            stem.with_name(stem.name + suffix).unlink(missing_ok=True)


def _sizes(rows: int, dim: int) -> tuple[int, int, int]:
    """Where row number `rows` begins in each file, which is also the size of a file of so many rows."""
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
    """A check sum a row [n] over everything in it, modulo 2**32: odd weights, so that no single change is lost."""
    odd: NDArray[np.uint32] = np.arange(1, 2 * codes.shape[1], 2, dtype=np.uint32)  # [dim]
    other: NDArray[np.uint32] = odd * np.uint32(2_654_435_761)  # odd as well
    code_sums: NDArray[np.uint32] = codes.view(np.uint8).astype(np.uint32) @ odd
    original_sums: NDArray[np.uint32] = originals.view(np.uint16).astype(np.uint32) @ other
    row_sums = records["row"].astype(np.uint32) * np.uint32(40_503) + records["photo"].astype(np.uint32)
    scale_bits = records["scale"].copy().view(np.uint32)
    return code_sums + original_sums + row_sums + scale_bits
