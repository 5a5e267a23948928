"""The files that could not be indexed, as a tree: reasons, and the files below each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractItemModel, QDateTime, QModelIndex, Qt

from picsight.texts import marked, plural, tr, worded
from picsight.window.parts.words import counted, plain, short_path, since, tooltip
from picsight_engine.foundation.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from PySide6.QtCore import QObject

    from picsight.window.controls.rows import Index
    from picsight_engine.foundation.errors import ProblemCode
    from picsight_engine.store.overview.problems import Problem

NOWHERE = QModelIndex()
UNREAD = {  # singular, plural
    "video": plural(
        "%n video is not read: install opencv-python-headless",
        "%n videos are not read: install opencv-python-headless",
    )
}
REASONS: dict[ProblemCode, str] = {
    "empty": marked("Empty"),
    "not_an_image": marked("No picture"),
    "unsupported": marked("Unknown format"),
    "damaged": marked("Damaged"),
    "truncated": marked("Cut off"),
    "too_large": marked("Too large"),
    "no_permission": marked("No permission"),
    "vanished": marked("Vanished"),
    "timeout": marked("Took too long"),
    "crashed": marked("Crashed the reader"),
    "not_read": marked("Not read yet"),
}


class Column(IntEnum):
    """The columns, including the two text buttons."""

    NAME = 0
    WHEN = 1
    TRIES = 2
    RETRY = 3
    IGNORE = 4


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """The files that share a reason, in the library's order."""

    reason: str
    problems: tuple[Problem, ...]

    @property
    def title(self) -> str:
        """The reason as the heading of the files."""
        unread = UNREAD.get(self.reason)
        return counted(len(self.problems), *unread) if unread else self.reason


class ProblemsModel(QAbstractItemModel):
    """Problems, all or of one kind; the reasons with the most files first, unread kinds last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[Problem, ...] = ()
        self._groups: tuple[ProblemGroup, ...] = ()
        self.kind: ProblemCode | None = None  # the shown one, None for all

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Show these problems, only those of the chosen kind if there are any."""
        if tuple(problems) == self._all:
            return
        kind = self.kind if any(problem.code == self.kind for problem in problems) else None
        self._all = tuple(problems)
        self.show_kind(kind)

    def show_kind(self, kind: ProblemCode | None) -> None:
        """Show one kind only, or all."""
        self.beginResetModel()
        self.kind = kind
        shown = [problem for problem in self._all if kind in (None, problem.code)]
        by_reason: dict[str, list[Problem]] = {}
        for problem in shown:
            by_reason.setdefault(why(problem), []).append(problem)
        groups = (ProblemGroup(reason, tuple(files)) for reason, files in by_reason.items())
        self._groups = tuple(sorted(groups, key=lambda each: (each.reason in UNREAD, -len(each.problems))))
        self.endResetModel()

    def kinds(self) -> list[tuple[ProblemCode, int]]:
        """The kinds with their numbers, most frequent first."""
        return Counter(problem.code for problem in self._all).most_common()

    def total(self) -> int:
        """The number of problems of all kinds."""
        return len(self._all)

    def shown(self) -> tuple[Problem, ...]:
        """The problems of the shown kind."""
        return tuple(problem for group in self._groups for problem in group.problems)

    def problems_at(self, index: Index) -> tuple[Problem, ...]:
        """The file of a row, or all of a reason."""
        if not index.isValid():
            return ()
        group = self.group_of(index)
        return group.problems if _is_group(index) else (group.problems[index.row()],)

    def group_of(self, index: Index) -> ProblemGroup:
        """The reason of a row."""
        return self._groups[index.row() if _is_group(index) else index.internalId() - 1]

    def path(self, index: Index) -> Path | None:
        """The file of a row, None for a reason."""
        return None if not index.isValid() or _is_group(index) else self.problems_at(index)[0].path

    def find(self, path: Path) -> QModelIndex:
        """The row of a file, an invalid one if it is not shown."""
        for parent in self.reasons():
            for row, problem in enumerate(self.group_of(parent).problems):
                if problem.path == path:
                    return self.index(row, 0, parent)
        return QModelIndex()

    def reasons(self) -> Iterator[QModelIndex]:
        """The rows of the reasons."""
        return (self.index(row, 0) for row in range(len(self._groups)))

    # Qt's model interface

    def index(self, row: int, column: int, parent: Index = NOWHERE) -> QModelIndex:
        """The internal id of a reason is 0, that of a file is its reason's row + 1."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, child: Index | None = None) -> Any:
        """The reason of a file; without an index, the model's QObject parent, since Qt has one name for both."""
        if child is None:
            return super().parent()
        if not child.isValid() or _is_group(child):
            return QModelIndex()
        return self.createIndex(child.internalId() - 1, 0, 0)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """The number of reasons, or of files below one."""
        if not parent.isValid():
            return len(self._groups)
        return len(self._groups[parent.row()].problems) if _is_group(parent) and parent.column() == 0 else 0

    def columnCount(self, _parent: Index = NOWHERE) -> int:
        """The number of columns, equal for all rows."""
        return len(Column)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The displayed text; the tooltip has texts that may be cut in full."""
        if not index.isValid():
            return None
        column, path = Column(index.column()), self.path(index)
        if role == Qt.ItemDataRole.DisplayRole:
            group = self.group_of(index)
            return _group_words(group, column) if path is None else _words(self.problems_at(index)[0], column)
        if role == Qt.ItemDataRole.ToolTipRole and column == Column.NAME:
            return tooltip(self.group_of(index).title if path is None else str(path))
        if role == Qt.ItemDataRole.AccessibleTextRole and column == Column.NAME:
            return self._spoken(index)
        return None

    def _spoken(self, index: Index) -> str:
        group = self.group_of(index)
        if _is_group(index):
            return f"{group.title} {_group_words(group, Column.WHEN)}"
        problem = group.problems[index.row()]
        words = (_words(problem, column) for column in (Column.NAME, Column.WHEN, Column.TRIES))
        return ", ".join(filter(None, words))


def _is_group(index: Index) -> bool:
    return index.internalId() == 0


def why(problem: Problem) -> str:
    """The reason alone: the engine's sentence without the file, which is shown separately."""
    if problem.code == "not_read":
        return "video"
    message = problem.message.values.get("reason")
    reason = worded(message if isinstance(message, Message) else problem.message)
    return reason[:1].upper() + reason[1:]


def where(problem: Problem) -> str:
    """The folder of a file, shortened."""
    return short_path(problem.path.parent)


def _group_words(group: ProblemGroup, column: Column) -> str:
    several, is_unread = len(group.problems) > 1, group.reason in UNREAD
    words = {
        Column.NAME: plain(group.title),
        Column.WHEN: "" if is_unread else counted(len(group.problems), "%n file", "%n files"),
        Column.RETRY: "" if is_unread else tr("Try all again") if several else tr("Try again"),
        Column.IGNORE: tr("Ignore all") if several else tr("Ignore"),
    }
    return words.get(column, "")


def _words(problem: Problem, column: Column) -> str:
    match column:
        case Column.NAME:
            return plain(problem.path.name)
        case Column.WHEN:
            return since(QDateTime.fromSecsSinceEpoch(int(problem.last_seen)), QDateTime.currentDateTime())
        case Column.TRIES:
            return counted(problem.tries, "%n tries", "%n tries") if problem.tries > 1 else ""
        case Column.RETRY:
            return "" if problem.code == "not_read" else tr("Try again")
        case Column.IGNORE:
            return tr("Ignore")
