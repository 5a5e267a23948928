"""The entries of the sidebar: all photos, problems, saved searches, tags, and folders with their subfolders; as values, and
as a tree for Qt.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel

from picsight.texts import tr
from picsight.window.parts.words import counted, number, plain, tooltip
from picsight.window.search.place import query_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from PySide6.QtCore import QObject

    from picsight.window.session.overview import Overview
    from picsight_engine.store.tagging.searches import SavedSearch
    from picsight_engine.tags.tree import Tag

ENTRY = Qt.ItemDataRole.UserRole + 1
MOST_TAGS = 100  # top-level tags: a longer list is better searched than read


class SidebarAction(Enum):
    """The key of a line that does not lead to photos: its action."""

    PROBLEMS = "problems"
    PEOPLE = "people"
    NEW_TAG = "new tag"
    ALL_TAGS = "all tags"


Key = Path | str | SidebarAction


@dataclass(frozen=True, slots=True)
class SidebarEntry:
    """One line: its key, its appearance, and the lines below it.

    The key is what a click leads to: a folder, a query, "" for all photos, or an action; None for a heading.
    """

    words: str
    icon: str = ""
    key: Key | None = None
    count: int = 0
    note: str = ""
    children: tuple[SidebarEntry, ...] = ()
    search: SavedSearch | None = None
    tag: Tag | None = None

    def has_shape_of(self, other: SidebarEntry) -> bool:
        """Whether only words and numbers differ, here and below, but no lines or heights."""
        if self is other:
            return True
        lines = ((each.key, each.icon, each.note, len(each.children)) for each in (self, other))
        return len(set(lines)) == 1 and all(
            mine.has_shape_of(its) for mine, its in zip(self.children, other.children, strict=True)
        )


def entries_of(
    overview: Overview, emptied: Collection[Path], tags: Sequence[Tag] = (), *, scanned: bool
) -> list[SidebarEntry]:
    """The lines for a library. `emptied` are folders that lost photos; once the library is `scanned`, a folder
    without photos is marked as empty.
    """
    entries = [SidebarEntry(tr("All photos"), "photos", "", count=overview.photos)]
    entries += [_tag_entry(tag) for tag in tags if tag.kind == "favourite" and tag.accepted]
    if problems := len(overview.problems):
        entries.append(SidebarEntry(tr("Problems"), "problems", SidebarAction.PROBLEMS, count=problems))
    if overview.saved:
        entries.append(SidebarEntry(tr("Saved")))
        entries += [
            SidebarEntry(plain(each.name), "saved", each.query, search=each) for each in overview.saved
        ]
    if overview.folders:
        entries.insert(1, SidebarEntry(tr("People"), "people", SidebarAction.PEOPLE))
        entries += _tag_entries(tags)
    return [*entries, *_folder_entries(overview, emptied, scanned=scanned)]


def _folder_entries(overview: Overview, emptied: Collection[Path], *, scanned: bool) -> list[SidebarEntry]:
    states = {folder.path: str(folder.state) for folder in overview.folders}
    notes = {
        "offline": tr("not connected"),
        "denied": tr("may not be read"),
        "emptied": tr("photos are missing"),
        "empty": tr("no photos") if scanned else "",
    }
    below: defaultdict[Path | None, list[SidebarEntry]] = defaultdict(list)
    for directory in reversed(overview.directories):  # the contents of a directory follow it
        path = directory.path
        state = states.get(path, "")
        if path in emptied:
            state = "emptied"
        elif state == "watching" and not directory.photos:
            state = "empty"
        below[directory.parent].append(
            SidebarEntry(
                plain(path.name or str(path)),
                "folder-offline" if state in ("offline", "denied") else "folder",
                path,
                count=directory.photos,
                note=notes.get(state, ""),
                children=tuple(reversed(below.pop(path, []))),
            )
        )
    return [SidebarEntry(tr("Folders")), *reversed(below[None])]


def _tag_entries(tags: Sequence[Tag]) -> list[SidebarEntry]:
    """Tags with their children, then albums."""
    plain_tags = [tag for tag in tags if tag.kind == "tag"]
    albums = [tag for tag in tags if tag.kind == "album"]
    tops = [place for place, tag in enumerate(plain_tags) if tag.parent is None]
    end = tops[MOST_TAGS] if len(tops) > MOST_TAGS else len(plain_tags)
    entries = [SidebarEntry(tr("Tags")), *_trees(plain_tags[:end])]
    if end < len(plain_tags):
        all_of_them = counted(len(plain_tags), "%n tag…", "All %n tags…")
        entries.append(SidebarEntry(all_of_them, "more", SidebarAction.ALL_TAGS))
    hint = "" if plain_tags else tr("Make a tag from a few words or photos.")
    entries.append(SidebarEntry(tr("New tag…"), "add", SidebarAction.NEW_TAG, note=hint))
    if albums:
        entries += [SidebarEntry(tr("Albums")), *_trees(albums)]
    return entries


def _trees(tags: Sequence[Tag]) -> list[SidebarEntry]:
    """The trees of tags sorted by path; a tag whose parent is not among them is at the top."""
    paths = {tag.path for tag in tags}
    below: defaultdict[str | None, list[SidebarEntry]] = defaultdict(list)
    for tag in reversed(tags):  # the children of a tag follow it
        parent = tag.parent if tag.parent in paths else None
        below[parent].append(_tag_entry(tag, tuple(reversed(below.pop(tag.path, [])))))
    return below[None][::-1]


def _tag_entry(tag: Tag, children: tuple[SidebarEntry, ...] = ()) -> SidebarEntry:
    icon = {"tag": "tag", "album": "album", "favourite": "favourite"}[tag.kind]
    words = tr("Favourites") if tag.kind == "favourite" else plain(tag.name)
    return SidebarEntry(
        words, icon, query_of(tag), count=tag.accepted + tag.suggested, children=children, tag=tag
    )


class SidebarModel(QStandardItemModel):
    """Entries and their children."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: list[SidebarEntry] = []
        self._lines: list[_SidebarItem] = []
        self._by_key: dict[Key, _SidebarItem] = {}

    def set_entries(self, entries: Sequence[SidebarEntry]) -> None:
        """Show these entries; if only words and numbers change, the lines are kept."""
        before, self.entries = self.entries, list(entries)
        if len(before) == len(entries) > 0 and all(map(SidebarEntry.has_shape_of, entries, before)):
            for line, entry in zip(self._lines, entries, strict=True):
                line.take(entry)
            self.dataChanged.emit(self.index(0, 0), self.index(len(entries) - 1, 0))
        else:
            self._by_key = {}
            self.clear()
            self.setColumnCount(1)
            self._lines = [_SidebarItem(entry, self._by_key) for entry in entries]
            self.invisibleRootItem().appendRows(self._lines)

    def tops(self) -> Iterator[QModelIndex]:
        """The top-level lines."""
        return (self.index(row, 0) for row in range(self.rowCount()))

    def find(self, key: Key) -> QModelIndex:
        """The first line with this key, an invalid index if there is none."""
        line = self._by_key.get(key)
        return QModelIndex() if line is None else line.index()


class _SidebarItem(QStandardItem):
    """An item that reads its data from its entry on demand, so that thousands of folders cost little; it enters itself
    into `by_key` before the lines below it.
    """

    def __init__(self, entry: SidebarEntry, by_key: dict[Key, _SidebarItem]) -> None:
        super().__init__()
        self._entry = entry
        flag = Qt.ItemFlag
        self.setFlags(flag.NoItemFlags if entry.key is None else flag.ItemIsEnabled | flag.ItemIsSelectable)
        if entry.key is not None:
            by_key.setdefault(entry.key, self)
        if entry.children:
            self.appendRows([_SidebarItem(child, by_key) for child in entry.children])

    def take(self, entry: SidebarEntry) -> None:
        """Update the words and numbers of this line and those below it."""
        self._entry = entry
        for row, child in enumerate(entry.children):
            line = self.child(row)
            assert isinstance(line, _SidebarItem), "all lines are"
            line.take(child)

    def data(self, role: int = Qt.ItemDataRole.UserRole + 1) -> Any:
        """The entry, its words, the full path as tooltip, and the text for a screen reader."""
        entry = self._entry
        match role:
            case _ if role == ENTRY:
                return entry
            case Qt.ItemDataRole.DisplayRole:
                return entry.words
            case Qt.ItemDataRole.ToolTipRole:
                place = entry.tag.path if entry.tag else entry.key
                return tooltip(str(place)) if isinstance(place, str | Path) else ""
            case Qt.ItemDataRole.AccessibleTextRole:
                count = number(entry.count) if entry.count else ""
                return ", ".join(filter(None, (entry.words, count, entry.note)))
        return super().data(role)
