"""What was done and can be taken back: one stack for the whole window, kept until it closes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from picsight.window.library.status import StatusLine

    class Ended(Protocol):
        """What a step calls at its end."""

        def __call__(self, done: bool, words: str = "") -> None:
            """Called once, with whether it was done, and with other words for the deed where less of it was done."""

    Step = Callable[[Ended], None]  # takes back, or does again, in the background

DEEDS = 200  # how many can be taken back


class Deed(QUndoCommand):
    """Something that was done before it was put on the stack, and how it is taken back and done again."""

    def __init__(
        self,
        words: str,
        undo: Step,
        redo: Step,
        run: Callable[[Deed, Step, bool], None],
        holds: Callable[[], bool],
    ) -> None:
        super().__init__(words)
        self.view: object = None  # in which it was done, or taken back
        self._undo, self._redo, self._run, self.holds = undo, redo, run, holds
        self._is_new = True

    def undo(self) -> None:
        """Take it back; what does not hold any more is only let go of."""
        if not self.isObsolete():
            self._run(self, self._undo, False)

    def redo(self) -> None:
        """Do it again; the stack calls this first when it takes the deed, which is done already."""
        if self._is_new:
            self._is_new = False
        elif not self.isObsolete():
            self._run(self, self._redo, True)


class History(QObject):
    """Takes deeds, tells of each in the status line, takes back the last one and does it again.

    A deed of another view that the status line no longer shows is named first; only the next call takes it back.
    """

    def __init__(self, status: StatusLine, view: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._status, self._view, self._stack = status, view, QUndoStack(self)
        self._stack.setUndoLimit(DEEDS)
        self._is_busy, self._last_words = False, ""
        self._waiting: list[Callable[[], None]] = []  # deeds that were done while another one was taken back

    def add(self, words: str, undo: Step, redo: Step, holds: Callable[[], bool] = lambda: True) -> None:
        """Note what has just been done, in a sentence, and offer to take it back as long as it `holds`."""
        if self._is_busy:  # the stack would delete the deed that is being taken back
            self._waiting.append(partial(self.add, words, undo, redo, holds))
            return
        deed = Deed(words, undo, redo, self._run, holds)
        deed.view = self._view()
        self._stack.push(deed)
        self._offer(words, back=True)

    def do(self, words: str, step: Step, undo: Step) -> None:
        """Do something that can be taken back, and note it once it is done."""
        step(lambda done, others="": self.add(others or words, undo, step) if done else None)

    def undo(self) -> None:
        """Take back the last deed; one step at a time."""
        self._turn(back=True)

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._turn(back=False)

    def _turn(self, *, back: bool) -> None:
        if self._is_busy:
            return
        turn = self._stack.undo if back else self._stack.redo
        while (deed := self._next(back=back)) and (deed.isObsolete() or not deed.holds()):
            deed.setObsolete(True)  # it failed, or what it is about is gone, such as a discarded draft
            turn()
        if deed is None:
            nothing = self.tr("There is nothing to undo.")
            self._status.show_sentence(nothing if back else self.tr("There is nothing to do again."))
        elif deed.view == self._view() or self._last_words in self._status.words():
            turn()
        else:
            done = self.tr("Done in another view: {deed}")
            words = done if back else self.tr("Undone in another view: {deed}")
            self._offer(words.format(deed=deed.text()), back=back)

    def _next(self, *, back: bool) -> Deed | None:
        """The deed that is taken back next, or done again."""
        deed = self._stack.command(self._stack.index() - back)
        return deed if isinstance(deed, Deed) else None

    def _offer(self, words: str, *, back: bool) -> None:
        self._last_words = words
        if back:
            self._status.show_undoable(words, self.undo)
        else:
            self._status.show_undone(words, self.redo)

    def _run(self, deed: Deed, step: Step, again: bool) -> None:
        self._is_busy = True

        def end(done: bool, words: str = "") -> None:
            """What failed half way says so itself; it is neither taken back nor done again a second time."""
            self._is_busy = False
            deed.setText(words or deed.text())
            deed.view = self._view()
            if not done:
                deed.setObsolete(True)
            elif again:
                self._offer(deed.text(), back=True)
            else:
                self._offer(self.tr("Undone: {deed}").format(deed=deed.text()), back=False)
            waiting, self._waiting = self._waiting, []
            for add in waiting:
                add()

        step(end)
