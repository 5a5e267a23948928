"""Fills the page of people, cuts faces out of photos for it, and carries out what is decided there."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect, QSize, Signal
from PySide6.QtGui import QImage

from picsight.texts import tr
from picsight.window.controls.question import ask
from picsight.window.parts.words import counted, isolated, plain
from picsight.window.people.view import PeopleView, Tile
from picsight_engine.foundation.errors import CancelledError, ImageError
from picsight_engine.language.query import spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget

    from picsight.jobs import Jobs
    from picsight.window.parts.picture import Pictures
    from picsight.window.tags.controller import TagsController
    from picsight_engine.foundation.face import PutAway
    from picsight_engine.library import Library
    from picsight_engine.people.people import Person
    from picsight_engine.store.derived.faces import Face
    from picsight_engine.store.tagging.decisions import Verdict

LANE = "people"
DECODED = QSize(1600, 1600)  # pixels into which a photo fits for its faces
CROP, AROUND = 160, 0.35  # pixels of a cut-out face; how much more than the face is shown on each side


class PeopleController(QObject):
    """Shows everyone, a person or a group. Faces are cut out when they come into sight, one after the other, and are not stored."""

    photos_requested = Signal(str)  # the query of a person
    index_requested = Signal()

    def __init__(self, tags: TagsController, pictures: Pictures, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._tags, self._pictures, self._jobs = tags, pictures, jobs
        self._due: deque[Face] = deque()
        self._asked = set[int]()
        self.view = view = PeopleView()
        view.opened.connect(self._open)
        view.named.connect(self._name)
        view.decided.connect(self._decide)
        view.put_away.connect(self._put_away)
        view.split_off.connect(self._split)
        view.photos_requested.connect(self._show_photos)
        view.crop_needed.connect(self._ask_for)
        view.switched.connect(self._switch)
        view.forgotten.connect(self._confirm_forgetting)
        tags.changed.connect(lambda _tags: self.refresh() if view.isVisible() else None)

    def refresh(self) -> None:
        """Read again what is shown."""
        library, whose = self._tags.library, self.view.whose
        if library is None:
            return
        if whose is None:
            self._jobs.read(
                lambda: _everyone(library),
                lambda seen: self.view.show_everyone(seen[0], seen[1], is_on=seen[2]),
                replaces=LANE,
            )
        else:
            self._jobs.read(lambda: _one(library, whose), self._show_one, replaces=LANE)

    def show_everyone(self) -> None:
        """Show everyone and all groups."""
        self.view.whose = None
        self.refresh()

    def go_back_or(self, leave: Callable[[], None]) -> Callable[[], None]:
        """A step back: from one to everyone, else `leave`."""
        return lambda: leave() if self.view.whose is None else self.show_everyone()

    def _open(self, whose: str | int) -> None:
        self.view.whose = whose
        self.refresh()

    def _show_one(self, seen: tuple[str | int, Sequence[Tile], Sequence[str]] | None) -> None:
        if seen is None:  # it was named, or undone
            self.show_everyone()
            return
        whose, tiles, names = seen
        one, many = "%n face that looks alike", "%n faces that look alike"
        title = plain(whose) if isinstance(whose, str) else counted(len(tiles), one, many)
        if any(tile.is_question for tile in tiles):
            title = tr("Is this {name}? A yes, R no", name=title)
        self.view.show_one(whose, title, tiles, names)

    def _show_photos(self) -> None:
        if isinstance(name := self.view.whose, str):
            self.photos_requested.emit(f"people:{spelled(name)}")

    # Decisions

    def _name(self, name: str) -> None:
        if not isinstance(group := self.view.whose, int):
            return
        words = tr("The faces are called {name} now.", name=isolated(f"“{name}”"))

        def act() -> None:
            self.name_faces(self.view, name, lambda library: library.people.name(group, name), words)

        if self._knows(name):
            title = tr("There is {name} already. Is this the same person?", name=isolated(f"“{name}”"))
            ask(self.view, title, tr("Both become one; Undo takes them apart again."), tr("The same"), act)
        else:
            act()

    def name_faces(self, parent: QWidget, name: str, change: Callable[[Library], object], words: str) -> None:
        """Name faces; then, for a new person, offer once to merge a tag or keyword of this name."""
        is_new, person = not self._knows(name), isolated(f"“{name}”")

        def merge() -> None:
            self._do(
                lambda library: library.people.merge(name, name), tr("{name} is one person now.", name=person)
            )

        def offer(found: bool) -> None:
            if found:
                title = tr("Is the tag or keyword {name} the same person?", name=person)
                words = tr("Its photos are the person's then, too. Undo takes them apart again.")
                ask(parent, title, words, tr("The same"), merge)

        def look(_change: object) -> None:
            if is_new and (library := self._tags.library) is not None:
                self._jobs.read(lambda: library.people.has_namesake(name), offer)

        self._tags.do(change, lambda _run: words, look)

    def _knows(self, name: str) -> bool:
        return name.casefold() in {tag.name.casefold() for tag in self._tags.all if tag.kind == "person"}

    def _decide(self, faces: list[int], verdict: Verdict) -> None:
        if isinstance(person := self.view.whose, str):
            words = counted(len(faces), "The face is {name}.", "%n faces are {name}.")
            if verdict != "accepted":
                words = counted(len(faces), "The face is not {name}.", "%n faces are not {name}.")
            sentence = words.replace("{name}", isolated(f"“{person}”"))
            self._do(lambda library: library.people.decide(person, faces, verdict), sentence)

    def _put_away(self, faces: list[int], how: PutAway) -> None:
        words = counted(len(faces), "Put the face away.", "Put %n faces away.")
        self._do(lambda library: library.people.put_away(faces, how), words)

    def _split(self, faces: list[int]) -> None:
        words = counted(len(faces), "The face is somebody else's.", "%n faces are somebody else's.")
        self._do(lambda library: library.people.split(faces), words)

    def _do(self, act: Callable[[Library], object], words: str) -> None:
        self._tags.do(act, lambda _value: words)

    # The switch

    def _switch(self, on: bool) -> None:
        if (library := self._tags.library) is not None:
            self._jobs.change(lambda: library.people.switch(on=on), lambda _done: self._follow_switch(on=on))

    def _follow_switch(self, *, on: bool) -> None:
        self.refresh()
        if on:
            self.index_requested.emit()

    def _confirm_forgetting(self) -> None:
        words = tr(
            "All faces and groups are deleted, and no more are looked for. Names stay with their photos as tags. This cannot be undone."
        )
        ask(self.view, tr("Forget all faces?"), words, tr("Forget them"), self._forget)

    def _forget(self) -> None:
        if (library := self._tags.library) is not None:

            def done(backups: Sequence[object]) -> None:
                self.view.crops.clear()
                self._asked.clear()
                self._tags.refresh()
                self.refresh()
                if backups:
                    many = counted(
                        len(backups),
                        "An older copy of the library may hold faces.",
                        "%n older copies of the library may hold faces.",
                    )
                    ask(
                        self.view,
                        many,
                        tr("They are beside the library, from before an update."),
                        tr("Delete them"),
                        lambda: self._jobs.change(library.people.delete_backups, lambda _done: None),
                    )

            def work() -> Sequence[object]:
                library.people.forget()
                return library.people.backups()

            self._jobs.change(work, done)

    # Faces cut out

    def _ask_for(self, face: Face) -> None:
        if face.id not in self._asked:
            self._asked.add(face.id)
            self._due.append(face)
            if len(self._due) == 1:
                self._cut_next()

    def _cut_next(self) -> None:
        if self._due and (library := self._tags.library) is not None:
            face = self._due[-1]  # those in sight were asked for last
            self._jobs.read(
                lambda: self._cut(library, face),
                lambda crop: self._put(face, crop),
                lambda _fault: self._put(face, QImage()),
            )

    def _put(self, face: Face, crop: QImage) -> None:
        self._due.remove(face)
        if not crop.isNull():
            self.view.put_crop(face.id, crop)
        self._cut_next()

    def _cut(self, library: Library, face: Face) -> QImage:
        """The face with its surroundings, square; null if its photo cannot be shown."""
        photo = library.photos.with_id(face.photo_id)
        if photo is None:
            return QImage()
        try:
            image = self._pictures.load(photo.path, DECODED, lambda: True).image
        except (ImageError, CancelledError):
            return QImage()
        box = face.box
        width, height = box.width * image.width(), box.height * image.height()
        side = round(max(width, height) * (1 + 2 * AROUND))
        left = round((box.x + box.width / 2) * image.width() - side / 2)
        top = round((box.y + box.height / 2) * image.height() - side / 2)
        return image.copy(QRect(left, top, side, side)).scaled(CROP, CROP)


def _everyone(library: Library) -> tuple[list[Tile], list[str], bool]:
    """A tile for each person and group."""
    people = library.people
    persons, groups = people.persons(), people.groups()
    covers = {
        face.id: face
        for face in people.faces(
            [*(each.face_id for each in persons if each.face_id), *(each.face_ids[0] for each in groups)]
        )
    }
    tiles = [Tile(covers.get(each.face_id or 0), _caption(each), each.name) for each in persons]
    tiles += [
        Tile(
            covers[each.face_ids[0]],
            counted(len(each.face_ids), "%n face: who?", "%n faces: who?"),
            each.number,
        )
        for each in groups
    ]
    return tiles, [each.name for each in persons], people.is_on


def _caption(person: Person) -> str:
    name = plain(person.name)
    return (
        f"{name} · {counted(person.questions, '%n question', '%n questions')}" if person.questions else name
    )


def _one(library: Library, whose: str | int) -> tuple[str | int, list[Tile], list[str]] | None:
    """The faces of a person, questions first, or of a group; None if there is none any more."""
    people = library.people
    names = [person.name for person in people.persons()]
    if isinstance(whose, int):
        group = next((each for each in people.groups() if each.number == whose), None)
        if group is None:
            return None
        return whose, [Tile(face, "") for face in people.faces(group.face_ids)], names
    if whose not in names:
        return None
    asked = tr("Is this {name}?", name=plain(whose))
    tiles = [Tile(each.face, asked, is_question=True) for each in people.questions(whose)]
    return whose, [*tiles, *(Tile(face, plain(whose)) for face in people.faces_named(whose))], names
