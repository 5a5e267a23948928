"""Where tags are worked on: the list of all, and the studio of one. Made once somebody goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Signal

from picsight.window.search.place import Place
from picsight.window.tags.draft import Draft
from picsight.window.tags.list_view import TagList
from picsight.window.tags.wording import query_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from picsight.window.frame import Frame
    from picsight.window.pages import Pages
    from picsight.window.tags.deeds import TagDeeds
    from picsight.window.tags.lines import TagLines
    from picsight.window.tags.studio import Studio
    from picsight.window.tags.studio_controller import StudioController
    from picsight_engine.tags.tree import Tag


class TagPlaces(QObject):
    """Leads there and back."""

    exchange_requested = Signal(QPoint)  # on the screen

    def __init__(
        self,
        frame: Frame,
        pages: Pages,
        lines: TagLines,
        deeds: TagDeeds,
        make: Callable[[], StudioController],
    ) -> None:
        super().__init__(frame)
        self._frame, self._pages, self._lines, self._deeds = frame, pages, lines, deeds
        self._make = make
        self._list: TagList | None = None
        self._studio: StudioController | None = None
        lines.edit_requested.connect(self.edit)
        frame.sidebar.new_tag_requested.connect(self.new)
        frame.sidebar.all_tags_requested.connect(self.show)
        frame.status.suggestions_requested.connect(self.show_suggestions)

    @property
    def studio(self) -> Studio | None:
        """The studio, once somebody was there."""
        return None if self._studio is None else self._studio.view

    def show(self) -> None:
        """The tag that is being worked on, else, or if that is shown, all of them."""
        studio = self._studio
        if studio is not None and studio.is_changed and self._frame.page is not studio.view:
            self._pages.show_page(studio.view)
        else:
            self._show_list()

    def holds_back(self, then: Callable[[], object]) -> bool:
        """Whether a tag is worked on that is not saved; it is shown and asked about, and `then` follows if it may go."""
        studio = self._studio
        if studio is None or not studio.is_changed:
            return False
        if self._frame.page is not studio.view:
            self._pages.show_page(studio.view)
        studio.give_up(then)
        return True

    def show_suggestions(self) -> None:
        """What is in the only tag that suggests anything, else all tags, which say how much they do."""
        suggesting = [tag for tag in self._deeds.tags if tag.suggested]
        if len(suggesting) == 1:
            self._lines.show_photos(suggesting[0])
        else:
            self._show_list()

    def new(self, photos: Sequence[int | Path] = ()) -> None:
        """A new tag of these photos, or else of those that are selected, if there are any."""
        given = photos or [photo.id for photo in self._frame.grid.selected_photos()]
        files = [photo for photo in given if not isinstance(photo, int)]
        self.work_on(Draft().with_alike(photo for photo in given if isinstance(photo, int)), files)

    def edit(self, tag: Tag) -> None:
        """A tag that is there; an album is filled by hand."""
        if tag.kind == "tag":
            self.work_on(Draft.of(tag))
        else:
            self._pages.go(Place(query_of(tag)))

    def work_on(self, draft: Draft, files: Sequence[Path] = ()) -> None:
        """To the studio, with files that are to look like it; a draft that is there is asked about."""
        studio = self._studio
        if studio is None:
            studio = self._studio = self._make()
            studio.opened.connect(self._show_studio)
            studio.finished.connect(self._finish)
            self._pages.add_page(studio.view, studio.view.words.line, studio.leave)
        studio.open(draft, files)

    def _show_studio(self) -> None:
        if self._studio is not None:
            self._pages.show_page(self._studio.view)

    def _finish(self, tag: Tag | None) -> None:
        """To what is in the tag that was saved, else back."""
        if tag is not None:
            self._pages.go(Place(query_of(tag)))
        else:
            self._pages.show_photos()

    def _show_list(self) -> None:
        tags = self._list
        if tags is None:
            tags = self._list = TagList(self._frame)
            tags.opened.connect(self.edit)
            tags.new_requested.connect(self.new)
            tags.menu_requested.connect(self._lines.show_menu)
            tags.exchange_requested.connect(self.exchange_requested)
            tags.left.connect(self._pages.show_photos)
            self._deeds.changed.connect(tags.show_tags)
            self._pages.add_page(tags, tags.line, self._pages.show_photos)
        tags.show_tags(self._deeds.tags)
        self._pages.show_page(tags)
