"""Which files beside itself an ONNX graph reads its numbers from; a graph of a bundle may read that bundle's files only.

A tensor may name any path of the disk there, and ONNX Runtime up to 1.20 follows it wherever it leads. So graphs are
looked through before a runtime sees them, as far as tensors can hide in them. Protobuf, which graphs are written in, is
fields one after the other: a number with a kind, and for what interests here a length and so many bytes, which are again
fields. Names and numbers of the fields are those of onnx.proto.
"""

from __future__ import annotations

import mmap
import reprlib
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from picsight_engine.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from picsight_engine.models.bundle import FileRecord

_MOST_FIELDS = 2_000_000  # the starter has less than 5,000 in a graph; so many take four seconds
_DEEPEST = 100  # messages inside of each other: more no protobuf reads
_LONGEST_ENTRY = 4096  # bytes of a key or a value


class _Message(Enum):
    """What may hold a tensor, or is one."""

    MODEL = auto()
    TRAINING = auto()
    FUNCTION = auto()
    GRAPH = auto()
    NODE = auto()
    ATTRIBUTE = auto()
    SPARSE = auto()
    TENSOR = auto()


_M = _Message
_INSIDE = {
    _M.MODEL: {7: _M.GRAPH, 20: _M.TRAINING, 25: _M.FUNCTION},
    _M.TRAINING: {1: _M.GRAPH, 2: _M.GRAPH},
    _M.FUNCTION: {7: _M.NODE, 11: _M.ATTRIBUTE},
    _M.GRAPH: {1: _M.NODE, 5: _M.TENSOR, 15: _M.SPARSE},
    _M.NODE: {5: _M.ATTRIBUTE},
    _M.ATTRIBUTE: {5: _M.TENSOR, 6: _M.GRAPH, 10: _M.TENSOR, 11: _M.GRAPH, 22: _M.SPARSE, 23: _M.SPARSE},
    _M.SPARSE: {1: _M.TENSOR, 2: _M.TENSOR},
}
_EXTERNAL_DATA = 13  # of a tensor: entries of key (1) and value (2)
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5  # kinds of fields
_FIXED = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_KINDS = {_VARINT, _LENGTH, *_FIXED}


@dataclass(frozen=True, slots=True)
class External:
    """The bytes of a tensor outside its graph: a location as it is written there, and where they end if it says so."""

    location: str
    end: int


def check_external_data(graph: Path, files: Mapping[str, FileRecord]) -> set[str]:
    """Which of these files beside it a graph reads; others it must not.

    Raises:
        BundleError: it names another file or a place outside its bundle, a file that is shorter than it says or leads
            out of the bundle as a link; or it is no graph.
    """
    names = set()
    for external in external_data(graph):
        name = PurePosixPath(external.location).as_posix()
        shown = reprlib.repr(external.location)
        if name not in files or not _lies_within(graph.parent / name, graph.parent):
            raise BundleError(
                f"The model file {graph} wants to read {shown}, which is no file of its model, so it is not opened; "
                "choose a model from someone whom you trust."
            )
        if external.end > files[name].bytes:
            raise BundleError(
                f"The model file {graph} wants {external.end:,} bytes of {shown}, which has {files[name].bytes:,}; "
                "get the model again, or choose another one."
            )
        names.add(name)
    return names


def external_data(graph: Path) -> list[External]:
    """Every tensor of a graph whose bytes lie outside it; large ones inside are skipped unread.

    Raises:
        BundleError: it is no graph, or cannot be read.
    """
    try:
        if not graph.stat().st_size:  # nothing can be mapped
            raise ValueError("it is empty")  # noqa: TRY301 - told like all that is no graph
        with graph.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return list(_externals(_Fields(data)))
    except OSError as fault:
        raise BundleError(
            f"The model file {graph} cannot be read ({fault.strerror}); check its permissions."
        ) from fault
    except ValueError as fault:
        raise BundleError(
            f"The model file {graph} is damaged or no ONNX graph ({fault}); get the model again, or choose another one."
        ) from fault


def _lies_within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


class _Fields:
    """A file's fields; ValueError where it is not made of any."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._left = _MOST_FIELDS
        self.size = len(data)

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Of the message from `start` to `end` the fields of bytes: number, and where they begin and end."""
        place = start
        while place < end:
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"it has more than {_MOST_FIELDS:,} fields")
            tag, place = self._varint(place)
            kind = tag & 7
            if not 0 < tag >> 3 < 2**29 or kind not in _KINDS:
                raise ValueError(f"byte {place:,} belongs to no field")
            if kind in _FIXED:
                place += _FIXED[kind]
                continue
            number, place = self._varint(place)
            if kind == _LENGTH:
                if place + number <= end:
                    yield tag >> 3, place, place + number
                place += number
        if place != end:
            raise ValueError(f"it ends in the middle of a field at byte {end:,}")

    def text(self, start: int, end: int) -> str:
        """The bytes as text; what is none shows as escapes, and fits no name of a file."""
        if end - start > _LONGEST_ENTRY:
            raise ValueError(f"a text of {end - start:,} bytes stands for a place")
        return self._data[start:end].decode("utf-8", "backslashreplace")

    def _varint(self, place: int) -> tuple[int, int]:
        """A number of seven bits a byte, low ones first, and the place behind it."""
        number = 0
        for shift in range(0, 70, 7):
            if place >= self.size:
                raise ValueError("it ends in the middle of a number")
            byte, place = self._data[place], place + 1
            number |= (byte & 0x7F) << shift
            if byte <= 0x7F:
                return number, place
        raise ValueError(f"byte {place:,} belongs to no number")


def _externals(fields: _Fields) -> Iterator[External]:
    """What the tensors name, wherever they are: nothing is called again for what lies inside, so depth costs nothing."""
    path = [(_M.MODEL, fields.parts(0, fields.size))]
    while path:
        message, parts = path[-1]
        inner = next(((_INSIDE[message][n], a, b) for n, a, b in parts if n in _INSIDE[message]), None)
        if inner is None:
            path.pop()
        elif inner[0] is _M.TENSOR:
            yield from _external(fields, *inner[1:])
        elif len(path) >= _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} of its messages are inside of each other")
        else:
            path.append((inner[0], fields.parts(*inner[1:])))


def _external(fields: _Fields, start: int, end: int) -> Iterator[External]:
    """What one tensor names; every entry counts, of those that are there twice too, as readers differ in which one holds."""
    entries = [_entry(fields, a, b) for number, a, b in fields.parts(start, end) if number == _EXTERNAL_DATA]
    numbers = {
        key: max((_whole(value) for name, value in entries if name == key), default=0)
        for key in ("offset", "length")
    }
    for key, value in entries:
        if key == "location":
            yield External(value, sum(numbers.values()))


def _entry(fields: _Fields, start: int, end: int) -> tuple[str, str]:
    """Key and value; the last of each holds."""
    found = {number: fields.text(a, b) for number, a, b in fields.parts(start, end)}
    return found.get(1, ""), found.get(2, "")


def _whole(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{reprlib.repr(digits)} stands for a number of bytes")
    return int(digits)
