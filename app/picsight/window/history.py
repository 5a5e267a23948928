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

    What was done in another view, and is not told of any more, is named first: only the next call takes it back.
    """

    def __init__(self, status: StatusLine, view: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._status, self._view, self._stack = status, view, QUndoStack(self)
        self._stack.setUndoLimit(DEEDS)
        self._is_busy, self._told = False, ""
        self._waiting: list[Callable[[], None]] = []  # deeds that were done while another one was taken back

    def add(self, words: str, undo: Step, redo: Step, holds: Callable[[], bool] = lambda: True) -> None:
        """Note what has just been done, in a sentence, and offer to take it back as long as it `holds`."""
        if self._is_busy:  # the stack would delete the deed that is being taken back
            self._waiting.append(partial(self.add, words, undo, redo, holds))
            return
        deed = Deed(words, undo, redo, self._run, holds)
        deed.view = self._view()
        self._stack.push(deed)
        self._tell(self._status.show_undoable, words, self.undo)

    def do(self, words: str, step: Step, undo: Step) -> None:
        """Do something that can be taken back, and note it once it is done."""
        step(lambda done, said="": self.add(said or words, undo, step) if done else None)

    def undo(self) -> None:
        """Take back the last deed; one step at a time."""
        if self._is_busy:
            return
        self._let_go(-1, self._stack.canUndo, self._stack.undo)
        if not self._stack.canUndo():
            self._status.show_sentence(self.tr("There is nothing to undo."))
        elif elsewhere := self._done_elsewhere(-1):
            words = self.tr("Done in another view: {deed}").format(deed=elsewhere)
            self._tell(self._status.show_undoable, words, self.undo)
        else:
            self._stack.undo()

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._is_busy:
            return
        self._let_go(0, self._stack.canRedo, self._stack.redo)
        if not self._stack.canRedo():
            self._status.show_sentence(self.tr("There is nothing to do again."))
        elif elsewhere := self._done_elsewhere(0):
            words = self.tr("Undone in another view: {deed}").format(deed=elsewhere)
            self._tell(self._status.show_undone, words, self.redo)
        else:
            self._stack.redo()

    def _done_elsewhere(self, step: int) -> str:
        """The words for a deed that was done in another view, unless the line still tells of the last step."""
        deed = self._stack.command(self._stack.index() + step)
        is_seen = not isinstance(deed, Deed) or deed.view == self._view()
        return "" if is_seen or self._told in self._status.words() else deed.text()

    def _tell(
        self, show: Callable[[str, Callable[[], None]], None], words: str, act: Callable[[], None]
    ) -> None:
        self._told = words
        show(words, act)

    def _let_go(self, step: int, can: Callable[[], bool], turn: Callable[[], None]) -> None:
        """Pass over deeds of something that is gone, such as a draft that was thrown away, and over those that failed."""
        while can():
            deed = self._stack.command(self._stack.index() + step)
            if not isinstance(deed, Deed) or (deed.holds() and not deed.isObsolete()):
                return
            deed.setObsolete(True)
            turn()

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
                self._tell(self._status.show_undoable, deed.text(), self.undo)
            else:
                words = self.tr("Undone: {deed}").format(deed=deed.text())
                self._tell(self._status.show_undone, words, self.redo)
            waiting, self._waiting = self._waiting, []
            for add in waiting:
                add()

        step(end)
