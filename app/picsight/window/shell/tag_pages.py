"""The pages of tags: the photos of one, the list of all, the studio; and the actions of a tag's menu."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Signal

from picsight.texts import tr
from picsight.window.controls.keys import photo_menu
from picsight.window.controls.question import ask_name
from picsight.window.parts.words import counted
from picsight.window.search.place import Place, query_of
from picsight.window.tags.chooser import Question
from picsight.window.tags.list_view import TagList
from picsight.window.tags.paths import cleaned, move_tag, remove_tag
from picsight.window.tags.studio.draft import Draft
from picsight.window.tags.wording import named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from picsight.window.controls.keys import MenuEntry
    from picsight.window.search.controller import SearchController
    from picsight.window.shell.frame import Frame
    from picsight.window.shell.pages import Pages
    from picsight.window.shell.studio_controller import StudioController
    from picsight.window.tags.chooser import TagChoice, TagChooser
    from picsight.window.tags.controller import TagsController
    from picsight.window.tags.studio.view import Studio
    from picsight_engine.library import Library
    from picsight_engine.tags.tree import Tag


class TagPages(QObject):
    """Opens the photos of a tag, the list and the studio, and runs the actions of a tag's menu."""

    exchange_requested = Signal(QPoint)  # position on the screen

    def __init__(
        self,
        frame: Frame,
        pages: Pages,
        search: SearchController,
        tags: TagsController,
        *,
        chooser: TagChooser,
        make: Callable[[], StudioController],
    ) -> None:
        super().__init__(frame)
        self._frame, self._pages, self._search, self._tags = frame, pages, search, tags
        self._chooser, self._make = chooser, make
        self._list: TagList | None = None
        self._studio: StudioController | None = None
        sidebar = frame.sidebar
        sidebar.photos_dropped.connect(lambda tag, photos: tags.decide(tag, photos, "accepted"))
        sidebar.tag_menu_requested.connect(self.show_menu)
        tags.reverted.connect(self._follow)
        sidebar.new_tag_requested.connect(self.new)
        sidebar.all_tags_requested.connect(self.show)
        frame.status.suggestions_requested.connect(self.show_suggestions)

    @property
    def studio(self) -> Studio | None:
        """The studio; None until it is first opened."""
        return None if self._studio is None else self._studio.view

    def show(self) -> None:
        """Show the open draft; without one, or if it is shown already, the list."""
        studio = self._studio
        if studio is not None and studio.is_changed and self._frame.page is not studio.view:
            self._pages.show_page(studio.view)
        else:
            self._show_list()

    def asks_about_draft(self, then: Callable[[], object]) -> bool:
        """Whether a draft has unsaved changes; if so, show it, ask, and call `then` if they may be discarded."""
        studio = self._studio
        if studio is None or not studio.is_changed:
            return False
        if self._frame.page is not studio.view:
            self._pages.show_page(studio.view)
        studio.close_draft(then)
        return True

    def show_suggestions(self) -> None:
        """Show the photos of the only tag with suggestions, else the list with their numbers."""
        suggesting = [tag for tag in self._tags.all if tag.suggested]
        if len(suggesting) == 1:
            self.show_photos(suggesting[0])
        else:
            self._show_list()

    def new(self, photos: Sequence[int | Path] = ()) -> None:
        """Open a new tag with these photos, or else the selected ones, as examples."""
        given = photos or [photo.id for photo in self._frame.grid.selected_photos()]
        files = [photo for photo in given if not isinstance(photo, int)]
        self.work_on(Draft().with_alike(photo for photo in given if isinstance(photo, int)), files)

    def edit(self, tag: Tag) -> None:
        """Open an existing tag in the studio; an album, which is filled by hand, has none."""
        if tag.kind == "tag":
            self.work_on(Draft.from_tag(tag))
        else:
            self.show_photos(tag)

    def work_on(self, draft: Draft, files: Sequence[Path] = ()) -> None:
        """Open a draft in the studio, with files as positive examples; ask first about an unsaved one."""
        studio = self._studio
        if studio is None:
            studio = self._studio = self._make()
            studio.opened.connect(partial(self._pages.show_page, studio.view))
            studio.finished.connect(self._finish)
            self._pages.add_page(studio.view, studio.view.words.line, studio.leave)
        studio.open(draft, files)

    def _finish(self, tag: Tag | None) -> None:
        """Show the photos of the saved tag, else go back."""
        if tag is not None:
            self.show_photos(tag)
        else:
            self._pages.show_photos()

    def _show_list(self) -> None:
        tags = self._list
        if tags is None:
            tags = self._list = TagList(self._frame)
            tags.opened.connect(self.edit)
            tags.new_requested.connect(self.new)
            tags.menu_requested.connect(self.show_menu)
            tags.exchange_requested.connect(self.exchange_requested)
            tags.left.connect(self._pages.show_photos)
            self._tags.changed.connect(tags.show_tags)
            self._pages.add_page(tags, tags, self._pages.show_photos)
        tags.show_tags(self._tags.all)
        self._pages.show_page(tags)

    # One tag

    def show_photos(self, tag: Tag) -> None:
        """Show the photos of a tag."""
        self._pages.go(Place(query_of(tag)))

    def show_menu(self, tag: Tag, point: QPoint) -> None:
        """Open the menu of a tag or album."""
        if tag.kind == "favourite":
            return
        entries: list[MenuEntry | None] = [
            (tr("Rename…"), "", lambda: self._ask_name(tag)),
            (tr("Merge into…"), "", lambda: self._ask_other(tag, point)),
            None,
            (tr("Remove"), "", lambda: self.remove(tag)),
        ]
        if tag.kind == "tag":
            entries.insert(0, (tr("Edit…"), "", lambda: self.edit(tag)))
        photo_menu(self._frame, entries).popup(point)

    def _ask_name(self, tag: Tag) -> None:
        title = tr("Rename {kind}", kind=tag.kind)
        label = tr("Name; “Birds/Waders” is below “Birds”")
        ask_name(self._frame, title, label, tag.path, lambda path: self.rename(tag, path))

    def rename(self, tag: Tag, text: str) -> None:
        """Rename or move a tag; an empty name changes nothing."""
        path = cleaned(text)
        if path and path != tag.path:
            words = tr("{tag} is called {path} now.", tag=named(tag.path), path=named(path))
            self._change(tag, lambda library: move_tag(library, tag, path), words)

    def _ask_other(self, tag: Tag, point: QPoint) -> None:
        others = [each for each in self._tags.all if each.path != tag.path]
        title = tr("Merge {tag} into", tag=named(tag.path))
        self._chooser.open(Question(title, others, lambda choice: self.merge(tag, choice)), point)

    def merge(self, tag: Tag, into: TagChoice) -> None:
        """Merge a tag into another one."""
        words = tr("{tag} is a part of {other} now.", tag=named(tag.path), other=named(into.path))
        self._change(tag, lambda library: library.tags.merge(tag.path, into.path), words)

    def remove(self, tag: Tag) -> None:
        """Remove a tag with those below it; Undo restores everything."""
        below = sum(each.path.startswith(f"{tag.path}/") for each in self._tags.all)
        words = tr("Removed {tag}.", tag=named(tag.path))
        if below:
            many = counted(below, "%n tag below it", "%n tags below it")
            words = tr("Removed {tag} and {tags}.", tag=named(tag.path), tags=many)
        self._change(tag, lambda library: remove_tag(library, tag.path), words)

    def _follow(self, before: Sequence[Tag]) -> None:
        """If an undo removes or renames the shown tag, update the shown place."""
        query = self._search.wanted.query
        shown = next((tag for tag in before if query_of(tag) == query), None)
        if shown is None:
            return
        now = next((tag for tag in self._tags.all if tag.id == shown.id), None)
        if now is None or query_of(now) != query:
            self._pages.replace_place(Place(query_of(now)) if now is not None else Place())

    def _change(self, tag: Tag, act: Callable[[Library], Tag | None], words: str) -> None:
        """Change a tag; if its photos are shown, update the shown place."""

        def follow(after: Tag | None) -> None:
            if self._search.wanted.query == query_of(tag):
                self._pages.replace_place(Place(query_of(after)) if after is not None else Place())

        self._tags.do(act, lambda _tag: words, follow)
