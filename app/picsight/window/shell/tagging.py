"""Decisions about chosen photos: favourites, stars, tags and albums."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.texts import marked, plural, tr
from picsight.window.controls.action import Action, bind_actions
from picsight.window.controls.keys import photo_menu
from picsight.window.parts.words import counted, star_words
from picsight.window.tags.chooser import Question, TagChooser
from picsight.window.tags.paths import make_tag
from picsight.window.tags.wording import favourite_words, filing_words, rating_words
from picsight_engine.tags.tree import FAVOURITES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QWidget

    from picsight.window.controls.keys import MenuEntry, Submenu
    from picsight.window.grid.page import WallPage
    from picsight.window.shell.chosen import ChosenPhotos
    from picsight.window.tags.chooser import TagChoice
    from picsight.window.tags.controller import TagsController
    from picsight_engine.library import Library

MOST_STARS, REJECTED = 5, -1
RECENT = 9  # tags that are offered first


class Tagging(QObject):
    """The tagging actions of bar, menu and keys; `stars` have keys only."""

    def __init__(self, window: QWidget, tags: TagsController, chosen: ChosenPhotos) -> None:
        super().__init__(window)
        self._window, self._tags, self._chosen = window, tags, chosen
        self.recent: tuple[str, ...] = ()  # the tags that photos were last added to, the latest first
        self.chooser = TagChooser(window)
        favourite = plural("Favourite", "Favourites: %n photos")
        star, tag = plural("Stars…", "Stars for %n photos…"), plural("Tag or album…", "Tag %n photos…")
        self.stars = tuple(
            Action("star", words, words, f"Alt+{stars}", partial(self._rate_by_key, stars), str(stars))
            for stars, words in enumerate(map(star_words, range(MOST_STARS + 1)))
        )
        keys = tr("{first} to {last}", first=self.stars[0].shown_key, last=self.stars[-1].shown_key)
        self.actions = (
            Action("favourite", *favourite, "Ctrl+B", lambda _point: self.favour(), "F"),
            Action("star", *star, "", self._offer_stars, keys=keys),
            Action("tag", *tag, "Ctrl+T", self.choose, "T"),
        )

    def favour(self) -> None:
        """Make the chosen photos favourites; if all are already, make none of them one."""
        ids = self._ids()

        def act(library: Library) -> bool:
            liked = [mark.favourite for mark in library.tags.marks(ids).values()]
            library.tags.decide(FAVOURITES, ids, "withdrawn" if all(liked) else "accepted")
            return not all(liked)

        def words(liked: bool) -> str:
            return favourite_words(len(ids), liked=liked)

        if ids:
            self._tags.do(act, words)

    def cull(self, *, picked: bool) -> None:
        """Make the chosen photos favourites, or reject them; never both."""
        ids = self._ids()

        def act(library: Library) -> None:
            marks = library.tags.marks(ids)
            rejected = [photo for photo in ids if marks[photo].rating == REJECTED]
            library.tags.rate(rejected, 0) if picked else library.tags.rate(ids, REJECTED)
            library.tags.decide(FAVOURITES, ids, "accepted" if picked else "withdrawn")

        if ids:
            words = favourite_words(len(ids), liked=True) if picked else rating_words(len(ids), REJECTED)
            self._tags.do(act, lambda _value: words)

    def rate(self, stars: int | None) -> None:
        """Rate the chosen photos; None restores the stars in their files."""
        if ids := self._ids():
            words = rating_words(len(ids), stars)
            self._tags.do(lambda library: library.tags.rate(ids, stars), lambda _run: words)

    def entries(self, photos: int, point: QPoint) -> list[MenuEntry | Submenu]:
        """The actions as menu entries for this number of photos."""
        favourite, _stars, tag = self.actions
        return [
            favourite.entry(photos, point),
            (tr("Stars"), self._star_entries(point)),
            tag.entry(photos, point),
        ]

    def _star_entries(self, point: QPoint) -> list[MenuEntry | None]:
        given = [action.entry(1, point) for action in reversed(self.stars)]
        rejected = (star_words(REJECTED), "", partial(self.rate, REJECTED))
        return [*given, rejected, None, (tr("As the file says"), "", partial(self.rate, None))]

    def _rate_by_key(self, stars: int, _point: QPoint) -> None:
        self.rate(stars)

    def _offer_stars(self, point: QPoint) -> None:
        photo_menu(self._window, self._star_entries(point)).popup(point)

    def choose(self, point: QPoint) -> None:
        """Ask for a tag or album to add the chosen photos to."""
        if ids := self._ids():
            title = counted(len(ids), "Put the photo into", "Put %n photos into")
            then = partial(self._file, ids)
            self.chooser.open(
                Question(title, self._tags.all, then, self.recent, makes=("tag", "album")), point
            )

    def _file(self, ids: Sequence[int], choice: TagChoice) -> None:
        """Add photos to the chosen tag or album, which is made if it is new."""
        path = choice.path

        def act(library: Library) -> None:
            if choice.photos is None:
                make_tag(library, path, choice.kind)
            library.tags.decide(path, ids, "accepted")

        self.recent = (path, *(each for each in self.recent if each != path))[:RECENT]
        self._tags.do(act, lambda _value: filing_words(len(ids), choice))

    def _ids(self) -> Sequence[int]:
        return [photo.id for photo in self._chosen.all()]


class Culling(QObject):
    """A mode of the wall in which letters pick, reject and rate photos instead of typing.

    Its key turns it on and off; its button in the header and Escape turn it off.
    """

    def __init__(self, page: WallPage, tagging: Tagging) -> None:
        super().__init__(page)
        self._grid, self._header = page.view, page.header
        actions = (
            Action("favourite", marked("Pick"), "", "P", lambda _point: tagging.cull(picked=True)),
            Action("clear", marked("Reject"), "", "X", lambda _point: tagging.cull(picked=False)),
            *(replace(action, key=action.letter) for action in tagging.stars),
            Action("clear", marked("Back to the photos"), "", "Esc", lambda _point: self.toggle()),
        )
        in_words = tr("Culling: {action}")
        actions = tuple(replace(action, one=in_words.format(action=tr(action.one))) for action in actions)
        self._keys = bind_actions(self._grid, actions)
        key = Action("tick", marked("Culling: start, end"), "", "Ctrl+Shift+K", lambda _point: self.toggle())
        bind_actions(self._grid, (key,))
        self._header.culling.clicked.connect(self.toggle)
        self._show(on=False)

    def toggle(self) -> None:
        """Start, or end."""
        self._show(on=not self._is_on)

    def _show(self, *, on: bool) -> None:
        self._is_on = on
        self._grid.let_letters_act("culling", act=on)
        for key in self._keys:
            key.setEnabled(on)
        self._header.show_culling(on=on)
        if on:
            self._grid.setFocus()
