"""The files that could not be indexed, as a table: name, reason, when, tries."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QDateTime, QModelIndex, Qt

from picsight.window.parts.words import counted, plain, say, since, tooltip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtCore import QObject

    from picsight.window.grid.model import Index
    from picsight_engine.errors import ProblemCode
    from picsight_engine.store.problems import Problem

NOWHERE = QModelIndex()
PATH = Qt.ItemDataRole.UserRole + 1
REASONS: dict[ProblemCode, str] = {
    "empty": "Empty",
    "not_an_image": "No picture",
    "unsupported": "Unknown format",
    "damaged": "Damaged",
    "truncated": "Cut off",
    "too_large": "Too large",
    "no_permission": "No permission",
    "vanished": "Vanished",
    "timeout": "Took too long",
    "crashed": "Crashed the reader",
}


class Column(IntEnum):
    """What the columns say."""

    NAME = 0
    REASON = 1
    WHEN = 2
    TRIES = 3


class ProblemsModel(QAbstractTableModel):
    """Problems, all or of one kind."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[Problem, ...] = ()
        self._shown: tuple[Problem, ...] = ()
        self._kind: ProblemCode | None = None

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Show these, of the kind that was chosen as long as there are any of it."""
        self.beginResetModel()
        self._all = tuple(problems)
        if all(problem.code != self._kind for problem in problems):
            self._kind = None
        self._choose()
        self.endResetModel()

    def show_kind(self, kind: ProblemCode | None) -> None:
        """Show one kind only, or all."""
        self.beginResetModel()
        self._kind = kind
        self._choose()
        self.endResetModel()

    @property
    def kind(self) -> ProblemCode | None:
        """The kind that is shown, None for all."""
        return self._kind

    def kinds(self) -> list[tuple[ProblemCode, int]]:
        """Which kinds there are and how many of each, most first."""
        return Counter(problem.code for problem in self._all).most_common()

    def total(self) -> int:
        """How many problems there are of all kinds."""
        return len(self._all)

    def path(self, row: int) -> Path:
        """The file in a row."""
        return self._shown[row].path

    def _choose(self) -> None:
        self._shown = tuple(p for p in self._all if self._kind is None or p.code == self._kind)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """One row a file."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Name, reason, when, tries."""
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """What a column is."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return (say("File"), say("Why"), say("Last seen"), say("Tries"))[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Words for people; the path as its own role and as tooltip."""
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        problem = self._shown[index.row()]
        if role == PATH:
            return problem.path
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(problem.message if index.column() == Column.REASON else str(problem.path))
        return _words(problem, Column(index.column())) if role == Qt.ItemDataRole.DisplayRole else None


def why(problem: Problem) -> str:
    """The reason alone: the engine's sentence without the file, which has a column of its own."""
    reason = problem.message.removeprefix(f"{problem.path} ").removeprefix("cannot be shown: ")
    return reason[:1].upper() + reason[1:]


def _words(problem: Problem, column: Column) -> str:
    """What a cell says."""
    match column:
        case Column.NAME:
            return plain(problem.path.name)
        case Column.REASON:
            return plain(why(problem))
        case Column.WHEN:
            return since(QDateTime.fromSecsSinceEpoch(int(problem.last_seen)), QDateTime.currentDateTime())
        case Column.TRIES:
            return counted(problem.tries, "1 try", "%n tries")
