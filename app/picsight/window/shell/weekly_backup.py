"""A small backup in the user's documents each week, of which the last ones are kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.locations import backups_folder, library_folder
from picsight.settings import settings_file
from picsight_engine.foundation.errors import StorageError, faults_as
from picsight_engine.foundation.private_files import DRAFTED, make_private_folder, sweep_drafts

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from picsight.jobs import Jobs
    from picsight.settings import SettingsStore
    from picsight.window.session.controller import LibraryController

LANE, KEPT = "weekly backup", 5
_NAME, _MADE = "picsight-{}.backup", re.compile(r"picsight-\d{4}-\d\d-\d\d\.backup")


class WeeklyBackup(QObject):
    """Looks after each run whether one is due, for the usual library: two libraries would push out each other's backups."""

    def __init__(self, library: LibraryController, store: SettingsStore, jobs: Jobs) -> None:
        super().__init__(library)
        self._library, self._store, self._jobs = library, store, jobs
        library.opened.connect(
            lambda opened: library.indexing_ended.connect(partial(self._look, opened.folder))
        )

    def _look(self, folder: Path) -> None:
        wanted = self._store.settings.weekly_backup and self._library.overview.photos
        if wanted and folder == library_folder():
            today = datetime.now(UTC).date()
            work = partial(back_up_weekly, folder, backups_folder(), today)
            self._jobs.read(work, lambda _none: None, replaces=LANE)


def back_up_weekly(library: Path, folder: Path, today: date) -> None:
    """Backs up `library` into `folder` unless a backup there is less than a week old; then deletes all but the last five.

    Raises errors as `back_up` does; without a new backup, none is deleted.
    """
    from picsight_engine.backup.backing_up import back_up  # after the first frame

    words = "The weekly backup could not be written into {folder} ({reason}); make room, or write one elsewhere: picsight backup FILE"
    with faults_as(OSError, StorageError, words, folder=folder):
        make_private_folder(folder)
        made = sorted(path for path in folder.iterdir() if _MADE.fullmatch(path.name))
        week_ago, new = (_NAME.format(today - timedelta(days)) for days in (7, 0))
        if not any(week_ago < path.name <= new for path in made):
            sweep_drafts(folder, _NAME.format("????-??-??") + DRAFTED)  # of other days, too
            back_up(library, folder / new, small=True, settings=settings_file())
            for path in made[: max(0, len(made) + 1 - KEPT)]:
                path.unlink()
