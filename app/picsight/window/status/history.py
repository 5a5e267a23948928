"""The undo history: one list of changes for the whole window, kept until it closes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.texts import tr

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from picsight.window.status.line import StatusLine, StatusText

    class Ended(Protocol):
        """The callback at the end of a step."""

        def __call__(self, done: bool, words: str = "") -> None:
            """Called once: whether the step succeeded, and other words for the change if it was done in part, or why it failed."""

    Step = Callable[[Ended], None]  # undoes or redoes in the background

MOST_CHANGES = 200  # the most undo steps


@dataclass(slots=True)
class Change:
    """A change with its undo and redo steps, and the `view` in which it was last done."""

    words: str
    undo: Step
    redo: Step
    holds: Callable[[], bool]
    view: object


class History(QObject):
    """Records changes, shows each in the status line, and undoes and redoes them.

    A change of another view that the status line no longer shows is named first; only the next call undoes it.
    """

    def __init__(self, status: StatusLine, view: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._status, self._view = status, view
        self._done: deque[Change] = deque(maxlen=MOST_CHANGES)
        self._undone: deque[Change] = deque()
        self._is_busy = False
        self._offered: StatusText | None = None  # as the status line showed it
        self._waiting: list[Callable[[], None]] = []  # changes that were done during an undo

    def add(self, words: str, undo: Step, redo: Step, holds: Callable[[], bool] = lambda: True) -> None:
        """Record a change with its sentence, and offer Undo as long as it `holds`."""
        if self._is_busy:  # the change being undone is recorded first
            self._waiting.append(partial(self.add, words, undo, redo, holds))
            return
        self._done.append(Change(words, undo, redo, holds, self._view()))
        self._undone.clear()
        self._offer(words, back=True)

    def do(self, change: str, step: Step, undo: Step) -> None:
        """Run an undoable step, and record it once it is done."""

        def end(done: bool, words: str = "") -> None:
            if done:
                self.add(words or change, undo, step)
            elif words:
                self._status.show_sentence(words)

        step(end)

    def undo(self) -> None:
        """Undo the last change; only one step runs at a time."""
        self._step(back=True)

    def redo(self) -> None:
        """Redo the last undone change."""
        self._step(back=False)

    def _step(self, *, back: bool) -> None:
        if self._is_busy:
            return
        changes = self._done if back else self._undone
        while changes and not changes[-1].holds():  # its subject is gone, such as a discarded draft
            changes.pop()
        if not changes:
            nothing = tr("There is nothing to undo.")
            self._status.show_sentence(nothing if back else tr("There is nothing to redo."))
        elif changes[-1].view == self._view() or self._status.is_showing(self._offered):
            self._run(changes.pop(), back=back)
        else:
            done = tr("Done in another view: {change}")
            words = done if back else tr("Undone in another view: {change}")
            self._offer(words.format(change=changes[-1].words), back=back)

    def _offer(self, words: str, *, back: bool) -> None:
        verb, step = (tr("Undo"), self.undo) if back else (tr("Redo"), self.redo)
        self._offered = self._status.show_sentence(words, verb, step)

    def _run(self, change: Change, *, back: bool) -> None:
        self._is_busy = True

        def end(done: bool, words: str = "") -> None:
            """Record the outcome; a failed step is not undone or redone again."""
            self._is_busy = False
            change.words, change.view = words or change.words, self._view()
            if done:
                (self._undone if back else self._done).append(change)
                undone = tr("Undone: {change}", change=change.words)
                self._offer(undone if back else change.words, back=not back)
            elif words:
                self._status.show_sentence(words)
            waiting, self._waiting = self._waiting, []
            for add in waiting:
                add()

        (change.undo if back else change.redo)(end)
