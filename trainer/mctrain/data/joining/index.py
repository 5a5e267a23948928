"""Where the photo and the text of each uid lie, in an index on disk that is mapped into memory.

A sample takes 45 bytes: 12.8 million 0.6 GB, a billion 45 GB, of which a search touches a few pages. Files are looked
through once each; what was found in one stands in a file of its own, so that a killed run goes on behind it. In the end
all rows are sorted by uid, some millions at a time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from filelock import FileLock

from mctrain.errors import DataError
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.data.joining.holder import Fetched, Holder

_LAYOUT = 1  # raise when rows change: older indexes are then made again
_ROW = np.dtype(
    [("high", "<u8"), ("low", "<u8"), ("source", "<u4"), ("at", "<u8"), ("size", "<u8"), ("has", "u1")]
)
_PHOTO, _TEXT = 1, 2  # bits of `has`
_AT_A_TIME = 1 << 22  # rows that are sorted in memory
_KEYS, _ROWS, _ABOUT, _FAULT = "keys.npy", "rows.npy", "about.json", ".fault"


class Found(NamedTuple):
    """Where a sample lies: in which of the files, and where in it."""

    source: int
    at: int
    size: int
    photo: bool
    text: bool


@dataclass(frozen=True)
class Index:
    """The samples of some files by uid; `digest` is that of the files' names and versions."""

    folder: Path
    holders: Sequence[Holder]
    digest: str

    def find(self, uid: bytes) -> Iterator[Found]:
        """All samples with this uid, in the order in which the files were named."""
        high, low = _halves(uid)
        start = int(np.searchsorted(self._keys, np.uint64(high)))
        for own_high, own_low, source, at, size, has in map(np.void.tolist, self._rows[start:]):
            if own_high != high:
                return
            if own_low == low:
                yield Found(source, at, size, bool(has & _PHOTO), bool(has & _TEXT))

    def fetch(self, found: Found) -> Fetched:
        """What lies there.

        Raises:
            DataError: it is no longer there as it was.
        """
        return self.holders[found.source].fetch(found.at, found.size)

    def about(self) -> dict[str, Any]:
        """What was counted when it was made: `samples`, `twice` (photos whose uid came before), `faults` (sentences)."""
        about: dict[str, Any] = json.loads((self.folder / _ABOUT).read_bytes())
        return about

    @cached_property
    def _keys(self) -> NDArray[np.uint64]:
        """The upper halves of the uids, sorted [n]: a search in an array of its own is quick."""
        return np.load(self.folder / _KEYS, mmap_mode="r")  # type: ignore[no-any-return]

    @cached_property
    def _rows(self) -> NDArray[Any]:
        return np.load(self.folder / _ROWS, mmap_mode="r")  # type: ignore[no-any-return]


def open_index(holders: Sequence[Holder], cache: Path, progress: Callable[[int, str], None]) -> Index:
    """The index of some files, made where the cache has none; `progress` hears of each file that was looked through.

    Of several runs that begin together one makes it, and the others wait.

    Raises:
        DataError: a file is missing, or none of them holds a uid.
    """
    told = json.dumps([_LAYOUT, [[str(own.place), own.version()] for own in holders]])
    digest = hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()
    folder = cache / "joining" / digest[:32]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}-lock")):
        if not _is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _make(holders, folder, progress)
    return Index(folder, holders, digest)


def _is_whole(folder: Path) -> bool:
    """Whether an index is there; one that a failing disk cut short is none."""
    try:
        json.loads((folder / _ABOUT).read_bytes())
        keys, rows = (np.load(folder / name, mmap_mode="r") for name in (_KEYS, _ROWS))
    except (OSError, ValueError):
        return False
    return len(keys) == len(rows)


def _make(holders: Sequence[Holder], folder: Path, progress: Callable[[int, str], None]) -> None:
    pieces, draft = folder.with_name(f"{folder.name}.pieces"), folder.with_name(f"{folder.name}.part")
    for number, holder in enumerate(holders):
        piece = pieces / f"{number:07}.npy"
        if not piece.exists():
            rows, fault = _look_through(holder, number)
            if fault:
                with write_whole(piece.with_suffix(_FAULT)) as file:
                    file.write(fault.encode())
            with write_whole(piece) as file:
                np.save(file, rows, allow_pickle=False)
        progress(1, holder.place.name)
    faults = [file.read_text("utf-8") for file in sorted(pieces.glob(f"*{_FAULT}"))]
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    counts = _merge(sorted(pieces.glob("*.npy")), draft)
    if not counts["samples"]:
        told = faults[0] if faults else "No sample of the photos has a uid."
        shutil.rmtree(pieces)
        raise DataError(f"{told} img2dataset keeps uids with --save_additional_columns '[\"uid\"]'.")
    (draft / _ABOUT).write_text(json.dumps({**counts, "faults": faults}), encoding="utf-8")
    draft.rename(folder)
    shutil.rmtree(pieces)


def _look_through(holder: Holder, number: int) -> tuple[NDArray[Any], str]:
    """The rows of one file, sorted, and what is wrong with it."""
    rows, fault = [], ""
    try:
        for entry in holder.entries():
            has = entry.photo * _PHOTO + entry.text * _TEXT
            rows.append((*_halves(entry.uid), number, entry.at, entry.size, has))
    except DataError as damage:
        fault = str(damage)
    return _sorted(np.array(rows, _ROW)), fault


def _halves(uid: bytes) -> tuple[int, int]:
    return int.from_bytes(uid[:8], "big"), int.from_bytes(uid[8:], "big")


def _sorted(rows: NDArray[Any]) -> NDArray[Any]:
    """By uid; equal ones stay in their order."""
    return rows[np.lexsort((rows["low"], rows["high"]))]


def _merge(pieces: Sequence[Path], folder: Path) -> Counter[str]:
    """Joins sorted pieces into one sorted whole, range after range of the uids, which are spread evenly."""
    count = sum(len(np.load(piece, mmap_mode="r")) for piece in pieces)
    ranges = count // _AT_A_TIME + 1
    whole = np.lib.format.open_memmap(folder / _ROWS, "w+", _ROW, (count,))
    keys = np.lib.format.open_memmap(folder / _KEYS, "w+", np.dtype("<u8"), (count,))
    counts = Counter(samples=count, twice=0)
    end = 0
    for number in range(ranges):
        least, limit = ((1 << 64) * place // ranges for place in (number, number + 1))
        part = _sorted(np.concatenate([_between(piece, least, limit) for piece in pieces]))
        start, end = end, end + len(part)
        whole[start:end], keys[start:end] = part, part["high"]
        photos = part[part["has"] & _PHOTO != 0]
        again = (photos["high"][1:] == photos["high"][:-1]) & (photos["low"][1:] == photos["low"][:-1])
        counts["twice"] += int(again.sum())
    whole.flush()
    keys.flush()
    return counts


def _between(piece: Path, least: int, limit: int) -> NDArray[Any]:
    """The rows of a sorted piece whose uids begin in a range; `limit` is beyond it."""
    rows = np.load(piece, mmap_mode="r")
    start = np.searchsorted(rows["high"], np.uint64(least))
    end = np.searchsorted(rows["high"], np.uint64(limit - 1), side="right")
    return rows[start:end]  # type: ignore[no-any-return]
