"""A cached index of the members of a tar, so that samples can be read in any order.

The index of a shard is one memory-mapped array: all processes of a run share it, so even a hundred million samples need no
private memory.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.atomic_files import open_atomic
from mctrain.data.reinforced.embeddings import load_array
from mctrain.data.reinforced.sample import PLAIN, REINFORCED, ROLES, SUFFIXES, role_of
from mctrain.data.shards import opened_archive, split_name
from mctrain.errors import DataError
from mctrain.paths import opened, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.data.reinforced.sample import Needs

LAYOUT = 2  # increase when the rows change, so that older files are rebuilt
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20
_ABSENT = -1
_FOREIGN = "surrogateescape"  # names may hold any bytes


@dataclass(frozen=True, slots=True)
class Shard:
    """An indexed tar: `whole` counts the complete samples, `lacking` the others by the first role they lack.

    `path` is the shard, `tar` the file that is read: the same one, or the unpacked copy of a gzipped shard.
    """

    path: Path
    tar: Path
    rows: Path
    needs: Needs
    whole: int
    lacking: Mapping[str, int]

    def key(self, number: int) -> str:
        """The key of a complete sample."""
        return str(_load_rows(self.rows)[number]["key"].decode(errors=_FOREIGN))

    def keys(self) -> Iterator[str]:
        """The keys of all complete samples, in order."""
        return map(self.key, range(self.whole))

    def find(self, key: str) -> int | None:
        """The number of the first complete sample with this key."""
        places = np.flatnonzero(_load_rows(self.rows)["key"][: self.whole] == key.encode(errors=_FOREIGN))
        return int(places[0]) if len(places) else None

    def members(self, number: int) -> dict[str, bytes]:
        """The needed members of a complete sample, by suffix; raises DataError if the file cannot be read."""
        row = _load_rows(self.rows)[number]
        places = zip(ROLES, row["suffix"].tolist(), row["offset"].tolist(), row["size"].tolist(), strict=True)
        try:
            with self.tar.open("rb", buffering=0) as file:
                return {
                    SUFFIXES[suffix]: file.read(size)
                    for role, suffix, offset, size in places
                    if role in self.needs.read and offset != _ABSENT and file.seek(offset) == offset
                }
        except OSError as fault:
            raise DataError(f"The shard {self.tar} cannot be read: {fault.strerror}.") from fault


def open_shard(path: Path, cache: Path, needs: Needs = REINFORCED) -> Shard:
    """Opens a shard and builds its index if the cache has none; the index does not depend on `needs`.

    A gzipped shard is first unpacked into the cache.

    Raises:
        DataError: the shard is missing or damaged.
    """
    # differs between files, and changes when a file is rewritten
    digest = hashlib.sha256(f"{path.name} {version_of(path)}".encode()).hexdigest()
    identity = f"{path.name.partition('.')[0]}-{digest[:16]}"
    with opened(path) as source:
        zipped = source.read(len(_GZIP)) == _GZIP
    tar = _unpack(path, cache / "unpacked" / f"{identity}.tar") if zipped else path
    file = cache / "index" / f"{identity}-{LAYOUT}.npy"
    if not file.exists():
        rows = _index(tar)
        with open_atomic(file) as index:
            np.save(index, rows, allow_pickle=False)
    columns = [ROLES.index(role) for role in needs.demanded]
    absent = _load_rows(file)["offset"][:, columns] == _ABSENT  # [samples, demanded]
    first = absent[absent.any(axis=1)].argmax(axis=1)
    lacking = Counter(needs.demanded[place] for place in first.tolist())
    return Shard(path, tar, file, needs, len(absent) - len(first), lacking)


_load_rows = lru_cache(maxsize=1 << 14)(load_array)  # Linux allows 65,536 memory maps per process


def _index(tar: Path) -> NDArray[Any]:
    """One row per sample: its key, and the position of the member of each role [samples, roles].

    Samples complete as reinforced ones come first, then those complete as plain ones. So the complete samples are the
    first rows for either need.
    """
    samples: list[tuple[str, dict[str, tuple[int, int, int]]]] = []
    latest: dict[str, dict[str, tuple[int, int, int]]] = {}
    for key, suffix, offset, size in _walk(tar):
        role = role_of(suffix)
        if role is None:
            continue
        if key not in latest or role in latest[key]:  # a repeated key
            latest[key] = {}
            samples.append((key, latest[key]))
        latest[key].setdefault(role, (SUFFIXES.index(suffix), offset, size))
    # a stable sort keeps the archive's order
    samples.sort(key=lambda each: [needs.missing(each[1]) is not None for needs in (REINFORCED, PLAIN)])
    keys = [key.encode(errors=_FOREIGN) for key, _ in samples]
    longest = max(map(len, keys), default=1)
    roles = len(ROLES)
    rows = np.zeros(
        len(samples),
        [("key", f"S{longest}"), ("suffix", "u1", roles), ("offset", "<i8", roles), ("size", "<i8", roles)],
    )
    rows["key"] = keys
    absent = (0, _ABSENT, 0)
    for column, name in enumerate(("suffix", "offset", "size")):
        for place, role in enumerate(ROLES):
            rows[name][:, place] = [filled.get(role, absent)[column] for _, filled in samples]
    return rows


def _walk(tar: Path) -> Iterator[tuple[str, str, int, int]]:
    """The files of a tar as (key, suffix, offset, size); reads only the headers."""
    with opened_archive(tar, plain=True) as archive:
        for member in archive:
            if member.isfile():
                yield *split_name(member.name), member.offset_data, member.size


def _unpack(path: Path, target: Path) -> Path:
    if not target.exists():
        try:
            with gzip.open(path) as packed, open_atomic(target) as file:
                shutil.copyfileobj(packed, file, _CHUNK)
        except (OSError, EOFError, zlib.error) as fault:
            raise DataError(f"The shard {path} cannot be unpacked: {fault}.") from fault
    return target
