"""A small backup each week, of which the last ones are kept."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from picsight_engine.backup.backing_up import back_up
from picsight_engine.foundation.errors import StorageError, faults_as
from picsight_engine.foundation.private_files import make_private_folder

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

KEPT = 5
_NAME = "picsight-{}.backup"
_MADE = re.compile(r"picsight-\d{4}-\d\d-\d\d\.backup")
_WEEK = timedelta(days=7)


def back_up_weekly(library: Path, folder: Path, today: date, settings: Path | None = None) -> bool:
    """Makes a small backup of `library` in `folder`, unless one is less than a week old, and deletes all but the last five; returns
    whether it made one.

    Raises errors as `back_up` does; without a new backup, none is deleted.
    """
    words = "The weekly backup could not be written into {folder} ({reason}); make room, or choose another place: picsight backup FILE"
    with faults_as(OSError, StorageError, words, folder=folder):
        make_private_folder(folder)
        made = sorted(path for path in folder.iterdir() if _MADE.fullmatch(path.name))
        if any(_NAME.format(today - _WEEK) < path.name <= _NAME.format(today) for path in made):
            return False
        back_up(library, folder / _NAME.format(today), small=True, settings=settings)
        for path in made[: max(0, len(made) + 1 - KEPT)]:
            path.unlink()
        return True
