"""Says in the status line how a run of indexing goes on, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight.texts import tr, worded
from picsight_engine.indexing.events import READ_BY_NEW_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from picsight.window.session.overview import Overview
    from picsight.window.status.line import StatusLine
    from picsight_engine.indexing.events import Finished, Progress


class RunReport:
    """`changing`: a model other than the answering one reads the photos."""

    def __init__(self, status: StatusLine) -> None:
        self._status = status
        self._folders = 0  # of the run
        self._added: set[Path] = set()  # folders that the user has added, and that no run has finished

    def begin(self, folders: int, added: Iterable[Path], *, changing: bool) -> None:
        """A run of all folders begins."""
        self._folders = folders
        self._added.update(added)
        self.scan(0, changing=changing)

    def scan(self, files: int, *, changing: bool) -> None:
        """It has found so many files."""
        if changing:
            self._status.show_changing(None)
        else:
            self._status.show_scanning(files)

    def go_on(self, progress: Progress, photos: int, *, changing: bool) -> None:
        """It reads photos; the library has so many."""
        if changing:  # the share of all photos that the new model has read, in this run and earlier ones
            left = progress.total - progress.done
            self._status.show_changing(1.0 - left / max(photos, progress.total, 1))
        else:
            self._status.show_progress(progress, self._folders, photos)

    def end(self, event: Finished, overview: Overview, *, changed: bool, changing: bool) -> None:
        """It has ended, and no other one follows at once; `changed`: from now on, another model answers."""
        if event.cancelled:
            self._status.show_paused()
        elif changed:
            words = tr("The new model has read your photos. Searches use it from now on.")
            self._status.show_idle()
            others = (worded(note) for note in event.notes if note.template != READ_BY_NEW_MODEL.template)
            self._say(" ".join((*others, words)), event)
        elif changing:
            self._status.show_unread(" ".join(map(worded, event.notes)))
        elif event.emptied:
            self._status.show_emptied(" ".join(map(worded, event.notes)))
        else:
            self._status.show_idle()
            self._say_news(event, overview)

    def _say_news(self, event: Finished, overview: Overview) -> None:
        added, self._added = self._added, set()
        worked = event.summary.indexed or event.summary.moved or event.summary.missing
        empty = overview.empty_among(added)
        if event.notes or event.suggested:
            self._say(" ".join(map(worded, event.notes)), event)
        elif empty and overview.photos:  # the wall reports a library without photos
            self._status.show_empty(empty)
        elif worked:
            self._status.show_done(overview.photos, len(overview.problems))

    def _say(self, sentence: str, event: Finished) -> None:
        """Show a sentence, and the tags' suggestions among the new photos."""
        if event.suggested:
            self._status.show_suggested(" ".join(filter(None, (sentence, worded(event.suggested)))))
        else:
            self._status.show_sentence(sentence)
