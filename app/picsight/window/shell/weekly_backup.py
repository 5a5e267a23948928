"""The small backup that is made each week after a run, in the user's documents."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.locations import backups_folder, library_folder
from picsight.settings import settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from picsight.jobs import Jobs
    from picsight.settings import SettingsStore
    from picsight.window.session.controller import LibraryController

LANE = "weekly backup"


class WeeklyBackup(QObject):
    """Looks after each run whether one is due, for the usual library: two libraries would push out each other's backups."""

    def __init__(self, library: LibraryController, store: SettingsStore, jobs: Jobs) -> None:
        super().__init__(library)
        self._library, self._store, self._jobs = library, store, jobs
        library.opened.connect(
            lambda opened: library.indexing_ended.connect(partial(self._look, opened.folder))
        )

    def _look(self, folder: Path) -> None:
        """Back up the library in this folder if it is the usual one and holds photos."""
        wanted = self._store.settings.weekly_backup and self._library.overview.photos
        if wanted and folder == library_folder():
            self._jobs.read(partial(_back_up, folder), lambda _made: None, replaces=LANE)


def _back_up(folder: Path) -> bool:
    from picsight_engine.backup.weekly import back_up_weekly  # after the first frame

    return back_up_weekly(folder, backups_folder(), datetime.now(UTC).date(), settings_file())
