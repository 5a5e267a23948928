"""The library's folder: what Picsight puts into it, for its owner alone, and whether it is still the one that was opened."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from picsight_engine.private_files import is_open_to_others, make_private

if TYPE_CHECKING:
    from pathlib import Path

# Databases with their side files, orphans of them, back-ups and drafts; the lock, the choice of a model, the cache.
_OWN = re.compile(r"(library|thumbnails)\.(v\d+\.backup\.)?db.*|index\.lock|model\.json.*|cache")


def make_place_private(folder: Path) -> None:
    """Closes to others what Picsight has put into a library's folder, and the folder where nothing else lies in it, file
    managers' hidden notes aside.
    """
    try:
        with os.scandir(folder) as entries:
            own = {entry.name: bool(_OWN.fullmatch(entry.name)) for entry in entries if entry.name[0] != "."}
    except OSError:
        return
    for name in (name for name, ours in own.items() if ours):
        make_private(folder / name)
    cache = folder / "cache"
    if own.get("cache") and is_open_to_others(folder):  # else nobody else has a way to it
        for path in cache.iterdir():
            make_private(path)
    if all(own.values()):
        make_private(folder)


def identity(folder: Path, file: Path) -> tuple[int, ...]:
    """What tells this very folder and this very file in it from others that come to bear their names; OSError if gone."""
    numbers = []
    for path in (folder, file):
        info = path.stat()
        numbers += [info.st_dev, info.st_ino]
    return tuple(numbers)
