"""Review on the wall: while a tag with suggestions is shown, A accepts and R rejects instead of typing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

from picsight.texts import plural, tr
from picsight.window.controls.action import Action, bind_actions
from picsight.window.parts.words import counted
from picsight.window.search.place import query_of
from picsight.window.tags.paths import shown_tag
from picsight.window.tags.wording import decision_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.window.grid.model import WallModel
    from picsight.window.grid.page import WallPage
    from picsight.window.search.controller import SearchController
    from picsight.window.tags.controller import TagsController
    from picsight_engine.library import Library
    from picsight_engine.store.tagging.decisions import Verdict
    from picsight_engine.tags.tree import Tag


class Review(QObject):
    """Decides on photos; a decided photo stays until the tag is shown again, and the next suggestion is selected."""

    def __init__(
        self, page: WallPage, model: WallModel, search: SearchController, tags: TagsController
    ) -> None:
        super().__init__(page)
        self._grid, self._header = page.view, page.header
        self._model, self._search, self._tags = model, search, tags
        grid = page.view
        accept = plural("Accept, in a tag", "Accept %n photos, in a tag")
        reject = plural("Reject, in a tag", "Reject %n photos, in a tag")
        self.actions = (
            Action("tick", *accept, "A", lambda _: self.decide("accepted")),
            Action("clear", *reject, "R", lambda _: self.decide("rejected")),
        )
        self._keys = bind_actions(grid, self.actions)
        grid.verdict_given.connect(lambda row, verdict: self.decide(verdict, [model.photo(row).id]))
        search.place_changed.connect(lambda _place: self._follow())
        tags.changed.connect(lambda _tags: self._follow())
        tags.reverted.connect(lambda _before: self._show_reverted())
        self._tag: Tag | None = None
        self._path = ""  # the tag that had suggestions when it was first shown
        self._enable()

    @property
    def is_on(self) -> bool:
        """Whether the shown tag has suggestions, or had some when it was first shown."""
        return bool(self._path)

    def decide(self, verdict: Verdict, photos: Sequence[int] = ()) -> None:
        """Accept or reject photos, by default the chosen ones, in the tag that suggests them: the shown one or one below."""
        by_mouse = bool(photos)
        tag, photos = self._tag, photos or [photo.id for photo in self._grid.chosen_photos()]
        if tag is None or not photos:
            return

        def act(library: Library) -> None:
            groups: dict[str, list[int]] = {}
            for photo, states in library.tags.states(photos).items():
                below = [
                    path for path, how, _ in states if how == "suggested" and path.startswith(f"{tag.path}/")
                ]
                is_marked = any(path == tag.path for path, _, _ in states)
                groups.setdefault(tag.path if is_marked or not below else below[0], []).append(photo)
            for path, ids in groups.items():
                library.tags.decide(path, ids, verdict)

        self._tags.do(act, lambda _value: decision_words(tag, len(photos), verdict))
        if len(photos) == 1 and not by_mouse:
            self._go_on(tag, verdict)

    def _show_reverted(self) -> None:
        """Refresh a search after Undo; in a review, photos stay where they are."""
        if self._search.place.is_search and not self.is_on:
            self._search.ask_again()

    def _go_on(self, tag: Tag, verdict: Verdict) -> None:
        """Select the next suggested photo."""
        grid, model = self._grid, self._model
        left = counted(max(tag.suggested - 1, 0), "%n left", "%n left")
        words = tr("Accepted, {left}") if verdict == "accepted" else tr("Rejected, {left}")
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(grid, words.format(left=left)))
        rows = range(grid.currentIndex().row() + 1, model.rowCount())
        following = next((row for row in rows if self._is_open(model.photo(row).id)), None)
        if following is not None:
            grid.setCurrentIndex(model.index(following))

    def _is_open(self, photo: int) -> bool:
        """Whether a photo is undecided; unknown ones, below the visible part, count as undecided."""
        return self._model.marks(photo) is None or self._model.state(photo) == "suggested"

    def _follow(self) -> None:
        tag = shown_tag(self._search.place.query, self._tags.all)
        self._tag = tag if tag is not None and tag.kind == "tag" else None
        self._model.show_tag(self._tag.path if self._tag is not None else "")
        left = self._tag.suggested if self._tag is not None else 0
        words = counted(left, "%n suggested: A yes, R no", "%n suggested: A yes, R no")
        if self._tag is not None and self._search.place.query != query_of(self._tag):
            words = tr("Suggested: A yes, R no")  # the number left is unknown
        self._header.say_hint(words if left else "")
        self._enable()

    def _enable(self) -> None:
        """Keep the review on while the tag is shown, even when nothing is left, so that its keys do not type."""
        path = self._tag.path if self._tag is not None else ""
        if path != self._path and not (self._tag is not None and self._tag.suggested):
            path = ""
        self._path = path
        self._grid.let_letters_act("review", act=bool(path))
        self._header.selection.leave_out(() if path else self.actions)
        for key in self._keys:
            key.setEnabled(bool(path))
