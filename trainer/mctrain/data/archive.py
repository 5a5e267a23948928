"""Writes shards: POSIX archives whose bytes follow from their members alone, whole or not at all."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def write_archive(path: Path, samples: Iterable[tuple[str, Mapping[str, bytes]]]) -> None:
    """Writes samples, each a key with its members by suffix, beside `path` and moves the archive into place.

    Only a name that plain headers cannot hold, for its length or its letters, gets a further one.
    """
    with (
        write_whole(path) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for key, members in samples:
            for suffix, content in members.items():
                member = tarfile.TarInfo(f"{key}.{suffix}")  # no time, no owner, mode 0644
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
