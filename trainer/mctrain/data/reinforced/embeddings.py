"""The arrays of a reinforced sample in the two containers of the public sets: `npz`, or a gzipped torch file.

They are read completely, although a draw needs only three rows. Measured from disk with a cold cache and two teachers of
width 768, all members of a sample take 0.18 ms with 5 views and 0.5 ms with 30. Photo, texts and three rows of a separate
bfloat16 array take 0.42 and 0.9 ms, because they are not adjacent; so there is no such array. Parsing the `npz` takes 0.1 of
the 1.3 ms of a draw.
"""

from __future__ import annotations

import gzip
import io
import math
import pickle
import zipfile
import zlib
from contextlib import suppress
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mctrain.data.reinforced.manifest import Storage
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


TOLERANCE = 1e-2  # of a norm: bfloat16 rounds each number by up to 0.4 %
_MOST_BYTES = 1 << 28  # unpacked; a thousand views of two wide teachers take a twentieth of it
_ZIP_LEVEL = 1  # embeddings hardly compress: level 9 saves another 1 % in 2.4 times the time


def load_array(path: Path) -> NDArray[Any]:
    """An array file of ours, memory-mapped; raises DataError if it is damaged."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
    except (EOFError, OSError, ValueError) as fault:
        raise DataError(f"{path} is damaged: {fault}; remove it; it is made again.") from fault


def pack_arrays(arrays: Mapping[str, NDArray[np.float32]], storage: Storage) -> bytes:
    """The bytes of the member; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    if storage is Storage.NPZ:
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()
    kind = torch.bfloat16 if storage is Storage.PTH_BF16 else torch.float32
    torch.save({name: torch.tensor(array, dtype=kind) for name, array in arrays.items()}, buffer)
    return gzip.compress(buffer.getvalue(), _ZIP_LEVEL, mtime=0)


def unpack_arrays(content: bytes, suffix: str, key: str) -> dict[str, NDArray[np.float32]]:
    """The arrays of a member by name, converted to float32; no stored code is executed.

    `key` is for the error message only.

    Raises:
        DataError: the member is damaged, too large, or holds anything but arrays.
    """
    try:
        return _READERS[suffix](content)
    # Foreign decoders can raise any exception on damaged bytes.
    except Exception as fault:
        raise DataError(f"{key}.{suffix} is damaged, or does not hold arrays of numbers.") from fault


def _read_npz(content: bytes) -> dict[str, NDArray[np.float32]]:
    """Like `numpy.load`, but three times as fast: a set has few distinct array headers, and each is parsed once."""
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
            raise ValueError("larger than any sample")
        for name in archive.namelist():
            array = archive.read(name)
            start = 10 + int.from_bytes(array[8:10], "little")  # the header's length in numpy's format 1.0
            shape, by_columns, kind = _parse_head(array[:start])
            numbers = np.frombuffer(array, kind, offset=start)
            arrays[name.removesuffix(".npy")] = _as_float32(
                numbers.reshape(shape, order="F" if by_columns else "C")
            )
    return arrays


@lru_cache(maxsize=256)
def _parse_head(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and dtype."""
    file = io.BytesIO(head)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array of an unknown version")
    return np.lib.format.read_array_header_1_0(file)


def _read_pth(content: bytes) -> dict[str, NDArray[np.float32]]:
    packed = zlib.decompressobj(zlib.MAX_WBITS | 16)  # the gzip format
    unpacked = packed.decompress(content, _MOST_BYTES)
    if not packed.eof:
        raise ValueError("cut short, or larger than any sample")
    return read_tensors(unpacked)


def _as_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    if array.dtype.kind != "f":
        raise TypeError(f"numbers of type {array.dtype}")
    return array.astype(np.float32, copy=False)


_READERS: dict[str, Callable[[bytes], dict[str, NDArray[np.float32]]]] = {
    "npz": _read_npz,
    "pth.gz": _read_pth,
}


def columns_of(widths: Sequence[int]) -> list[slice]:
    """The columns of each teacher in concatenated embeddings [n, D]."""
    return [slice(end - width, end) for width, end in zip(widths, accumulate(widths), strict=True)]


def find_fault(array: NDArray[np.float32], rows: int, widths: Sequence[int]) -> str | None:
    """The fault of an array that should have `rows` rows of the teachers' concatenated unit vectors; None if it is valid."""
    if array.shape != (rows, sum(widths)):
        return f"has the shape {list(array.shape)} instead of {[rows, sum(widths)]}"
    for place, columns in enumerate(columns_of(widths), start=1):
        block = array[:, columns]  # [rows, width]
        norms = np.sqrt(np.einsum("ij,ij->i", block, block))  # [rows]
        if not (np.abs(norms - 1) <= TOLERANCE).all():  # also false for NaN and infinity
            return f"holds a vector of teacher {place} whose length is not 1"
    return None


_KINDS = {"FloatStorage": "<f4", "HalfStorage": "<f2", "BFloat16Storage": "<u2"}  # as numpy reads them


def read_tensors(content: bytes) -> dict[str, NDArray[np.float32]]:
    """The tensors of a torch file by name, without executing its code; damaged bytes can raise any exception.

    A plain dict takes less than half the time of `torch.load`, which reads the rest.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive, suppress(pickle.UnpicklingError):
        arrays = _Reader(archive).load()
        if isinstance(arrays, dict) and all(isinstance(array, np.ndarray) for array in arrays.values()):
            return arrays
    tensors = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {name: tensor.float().numpy() for name, tensor in tensors.items()}


class _Reader(pickle.Unpickler):
    """Reads the tensors of a torch file as arrays, and refuses any other content."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive, self._folder = archive, archive.namelist()[0].partition("/")[0]
        super().__init__(io.BytesIO(archive.read(f"{self._folder}/data.pkl")))

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _shaped
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if module == "torch" and name in _KINDS:
            return name
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, described: Any) -> NDArray[Any]:
        _storage, kind, record, _device, _count = described
        numbers = np.frombuffer(self._archive.read(f"{self._folder}/data/{record}"), _KINDS[kind])
        if kind == "BFloat16Storage":  # the upper half of a float32
            return (numbers.astype("<u4") << 16).view("<f4")
        return numbers.astype("<f4", copy=False)


def _shaped(
    numbers: NDArray[Any], start: int, shape: tuple[int, ...], steps: tuple[int, ...], *_rest: object
) -> NDArray[Any]:
    """The pickle calls this instead of torch's rebuild function; `steps` are the strides."""
    if steps != tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape))):
        raise pickle.UnpicklingError("rows that do not follow one another")
    return numbers[start : start + math.prod(shape)].reshape(shape)
