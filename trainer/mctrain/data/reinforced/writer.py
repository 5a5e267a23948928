"""Writes shards of reinforced samples: equal samples give equal bytes, and a shard is there whole or not at all."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from mctrain.data.reinforced.sample import members_of
from mctrain.data.reinforced.whole_files import write_whole
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mctrain.data.reinforced.sample import ReinforcedSample
    from mctrain.data.reinforced.storage import Storage


def write_shard(path: Path, samples: Iterable[ReinforcedSample], storage: Storage) -> int:
    """Packs samples in their order, as they come, into a POSIX tar; gives how many they were.

    Raises:
        DataError: the disk is full or refuses it, or a key is too long for a tar; what the samples' source raises.
    """
    count = 0
    with (
        write_whole(path) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for sample in samples:
            for name, content in members_of(sample, storage):
                _add(archive, name, content)
            count += 1
    return count


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # of nobody, from 1970: what changes with the day would change the bytes
    member.size = len(content)
    try:
        archive.addfile(member, io.BytesIO(content))
    except ValueError as fault:
        raise DataError(f"{name} is too long for the name of a member: {fault}.") from fault
