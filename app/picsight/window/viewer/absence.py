"""Why a photo that the library knows cannot be read now: its disk is not there, or something is wrong with the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from picsight.window.parts.words import isolated, say

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def not_connected(photo: Path, folders: Iterable[Path]) -> str:
    """A sentence if the folder of the library that holds the photo is away or shows nothing, as where a disk is
    unplugged; else empty. Looks at the disk, so it runs in a thread.
    """
    folder = next((each for each in folders if photo.is_relative_to(each)), None)
    if folder is None or _shows_something(folder):
        return ""
    name = isolated(f"“{folder.name or folder}”")
    return say(
        "{folder} is not connected. Its photos stay findable; connect it to see this one whole."
    ).format(folder=name)


def _shows_something(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except OSError:
        return False
