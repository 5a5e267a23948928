"""The people of one library: groups that look alike, persons, and decisions about faces."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.errors import Message, RequestError, StorageError, faults_as
from picsight_engine.kinds import FACES
from picsight_engine.people.likeness import join_groups
from picsight_engine.people.questions import (
    KnownFaces,
    NearFaces,
    nearest_faces,
    persons_accepted,
    years_apart,
)
from picsight_engine.store.database import index_lock
from picsight_engine.store.derived.faces import (
    LEAST_SCORE,
    end_names_in_files,
    face_rows,
    faces_by_id,
    faces_in_group,
    faces_of,
    faces_put_away,
    finds_people,
    forget_all_faces,
    groups_of_faces,
    join_group,
    names_in_files,
    next_group,
    switch_people,
)
from picsight_engine.store.derived.states import forget_rows
from picsight_engine.store.derived.written import slow_revision
from picsight_engine.store.full_text import erase_traces
from picsight_engine.store.overview.counts import photos_revision
from picsight_engine.store.selection import visible_photos
from picsight_engine.store.tagging.decisions import NewDecision, count_states, decided, persons_of_faces
from picsight_engine.store.tagging.runs import record_run
from picsight_engine.store.tagging.tagged import photos_with_keyword
from picsight_engine.store.tagging.tags import (
    Definition,
    live_tags,
    name_key,
    revise,
    tags_below,
    tags_by_id,
    tags_called,
)
from picsight_engine.tags.tree import checked_name, listed_tags, merge_into, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.foundation.face import PutAway
    from picsight_engine.store.database import Database
    from picsight_engine.store.derived.faces import Face, FaceRows
    from picsight_engine.store.tagging.decisions import Verdict
    from picsight_engine.store.tagging.runs import RunRecorder, TagChange

_DATABASE = b"SQLite format 3"
_DOING: dict[Verdict, Message] = {
    "accepted": Message('Name {faces} "{person}"'),
    "rejected": Message('{faces} not "{person}"'),
    "withdrawn": Message('Undecide {faces}: "{person}"'),
}
_AWAY: dict[PutAway, Message] = {
    "no face": Message("Not a face: {faces}"),
    "nobody": Message("Put away {faces}"),
}


@dataclass(frozen=True, slots=True)
class FaceGroup:
    """Faces that look alike and belong to no person yet, by their numbers, in photos that are visible."""

    number: int
    face_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A person with the number of photos and of faces that were accepted, and of questions; `tag_id` is that of the tag, `face_id` one
    of these faces, None if there is none.
    """

    tag_id: int
    name: str
    photos: int
    faces: int
    questions: int
    face_id: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A face that may be the person's; `is_sure` if it looks like the person's faces do, by their classifier once it is taught."""

    face: Face
    distance: float
    is_sure: bool


class People:
    """The people of one library; thread-safe. Faces and groups are named by their numbers, persons by their names."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._rows: tuple[tuple[int, int], FaceRows, NDArray[np.bool_]] | None = None
        self._kept: dict[int, tuple[object, NearFaces]] = {}

    @property
    def is_on(self) -> bool:
        """Whether runs look for faces."""
        return finds_people(self._db)

    def switch(self, *, on: bool) -> None:
        """Lets runs look for faces, or no longer; what was found stays."""
        with self._db.writer() as connection:
            switch_people(connection, on=on)

    def faces_of(self, photo_id: int) -> tuple[tuple[Face, str | None], ...]:
        """The faces of a photo from left to right, each with the name of its person."""
        faces = faces_of(self._db, [photo_id])
        with self._db.reading() as connection:
            verdicts = persons_of_faces(connection, [face.id for face in faces])
            persons = tags_by_id(connection, {tag_id for some in verdicts.values() for tag_id in some})
        return tuple(
            (
                face,
                next((persons[tag_id].name for tag_id in persons_accepted(verdicts.get(face.id, {}))), None),
            )
            for face in faces
            if face.put_away != "no face" and (face.score >= LEAST_SCORE or face.id in verdicts)
        )

    def groups(self) -> list[FaceGroup]:
        """The groups without a person, largest first; a face alone is none."""
        known = self._known()
        in_sight = set(known.rows.ids[known.in_sight].tolist())
        held: defaultdict[int, list[int]] = defaultdict(list)
        named = set[int]()
        for face_id, group in groups_of_faces(self._db).items():
            if group and [*persons_accepted(known.verdicts.get(face_id, {}))]:
                named.add(group)
            elif group and face_id in in_sight:
                held[group].append(face_id)
        shown = [
            FaceGroup(group, tuple(faces))
            for group, faces in held.items()
            if len(faces) > 1 and group not in named
        ]
        return sorted(shown, key=lambda group: (-len(group.face_ids), group.number))

    def faces(self, face_ids: Iterable[int]) -> list[Face]:
        """These faces, in this order; raises RequestError if there is none of a number."""
        return [*self._faces(face_ids).values()]

    def persons(self) -> list[Person]:
        """Every person, by name."""
        known = self._known()
        with self._db.reading() as connection:
            tags = [
                tag
                for tag in listed_tags(live_tags(connection), count_states(connection))
                if tag.kind == "person"
            ]
        theirs: defaultdict[int, list[int]] = defaultdict(list)
        for face_id, verdicts in known.verdicts.items():
            for tag_id in persons_accepted(verdicts):
                theirs[tag_id].append(face_id)
        return [
            Person(
                tag.id,
                tag.name,
                tag.accepted,
                len(theirs[tag.id]),
                len(self._near(tag.id, known).rows),
                min(theirs[tag.id], default=None),
            )
            for tag in tags
        ]

    def knows(self, name: str) -> bool:
        """Whether there is a person of this name."""
        return bool(self._ids(name))

    def faces_named(self, name: str) -> list[Face]:
        """The accepted faces of a person in visible photos."""
        tag_id, known = self._person(name), self._known()
        mine = [
            face_id for face_id, verdicts in known.verdicts.items() if tag_id in persons_accepted(verdicts)
        ]
        with self._db.reading() as connection:
            faces = faces_by_id(connection, mine).values()
        visible = set(visible_photos(self._db).tolist())
        return [face for face in faces if face.photo_id in visible]

    def questions(self, name: str) -> list[Question]:
        """The faces that may be a person's: at most one of each photo, none that was decided. The sure ones come first, nearest
        first, then the others, those of the same years first.
        """
        return self._questions(self._person(name), self._known())

    def name(self, group: int, name: str) -> TagChange | None:
        """Names a group's faces; a new name makes a person, a known one gets these faces too.

        Raises:
            RequestError: there is no such group, or the name is invalid.
        """
        with self._db.reading() as connection:
            held = faces_in_group(connection, group)
            named = _accepted_of(persons_of_faces(connection, held))
        if len(held) < 2 or named:
            raise RequestError("There is no group number {number} without a name.", number=group)
        return self.decide(name, held, "accepted", make=True)

    def decide(
        self, name: str, face_ids: Iterable[int], verdict: Verdict, *, make: bool = False
    ) -> TagChange | None:
        """Accepts or rejects faces for a person, or withdraws decisions; returns None if nothing changes.

        An accepted face leaves the person that it was named before, and a rejected one its group, if that is the person's. With
        `make`, a person of this name is made if there is none. Raises RequestError if there is no such face or person.
        """
        tag_id = None if make and not self.knows(name) else self._person(name)
        faces = self._faces(face_ids)
        called = checked_name(name) if tag_id is None else self._name(tag_id)
        words = _DOING[verdict].about(person=shortened(called), faces=_counted(len(faces)))
        with record_run(self._db, "decide", words) as run:
            person = run.add(_new_person(called)) if tag_id is None else tag_id
            known = persons_of_faces(run.connection, faces)
            rows = [
                NewDecision(person, face.photo_id, verdict, "you", run.now, face.id)
                for face in faces.values()
                if known.get(face.id, {}).get(person, "withdrawn") != verdict
            ]
            if verdict == "accepted":
                rows += [
                    NewDecision(other, face.photo_id, "withdrawn", "you", run.now, face.id)
                    for face in faces.values()
                    for other in persons_accepted(known.get(face.id, {}))
                    if other != person
                ]
            run.decide(rows)
            if verdict == "accepted":
                run.move_faces([face.id for face in faces.values() if face.put_away], None)
            if verdict == "rejected" and rows:
                self._part(run, person, faces)
        return run.made

    def split(self, face_ids: Iterable[int]) -> TagChange | None:
        """Moves faces from their groups into one of their own; named ones are rejected for their person first."""
        faces = self._faces(face_ids)
        with record_run(self._db, "decide", Message("Split off {faces}", faces=_counted(len(faces)))) as run:
            known = persons_of_faces(run.connection, faces)
            run.decide(
                [
                    NewDecision(person, face.photo_id, "rejected", "you", run.now, face.id)
                    for face in faces.values()
                    for person in persons_accepted(known.get(face.id, {}))
                ]
            )
            if any(
                face.group is None or len(faces_in_group(run.connection, face.group)) > 1
                for face in faces.values()
            ):
                run.move_faces(faces, next_group(run.connection))
        return run.made

    def put_away(self, face_ids: Iterable[int], how: PutAway) -> TagChange | None:
        """Puts faces away for good: they are no faces, or nobody's whom the user names, and nobody's any more."""
        faces = self._faces(face_ids)
        with record_run(self._db, "decide", _AWAY[how].about(faces=_counted(len(faces)))) as run:
            known = persons_of_faces(run.connection, faces)
            run.decide(
                [
                    NewDecision(person, face.photo_id, "withdrawn", "you", run.now, face.id)
                    for face in faces.values()
                    for person in persons_accepted(known.get(face.id, {}))
                ]
            )
            run.move_faces([face.id for face in faces.values() if face.put_away != how], how)
        return run.made

    def merge(self, name: str, into: str) -> TagChange | None:
        """Makes one person of two, or if both names are one, of the person and the tag and keyword of this name: their photos are the
        person's then, without a face. Raises RequestError if there is no such person, or nothing else of this name.
        """
        words = Message('Merge "{tag}" into "{other}"', tag=shortened(name), other=shortened(into))
        gone, kept = self._person(name), self._person(into)
        tags, photos = ([gone], []) if gone != kept else self._namesakes(name, kept)
        if not (tags or photos):
            raise RequestError(
                'There is no tag and no keyword "{person}" to merge into the person.', person=shortened(into)
            )
        with record_run(self._db, "merge", words) as run:
            for tag_id in tags:
                for _ in merge_into(run, run.tag(tag_id), run.tag(kept)):
                    pass
            run.decide([NewDecision(kept, photo_id, "accepted", "you", run.now) for photo_id in photos])
        return run.made

    def has_namesake(self, name: str) -> bool:
        """Whether a tag or a keyword has the name of this person, from whom it stays apart until they are merged."""
        return any(self._namesakes(name, self._person(name)))

    def _namesakes(self, name: str, person: int) -> tuple[list[int], list[int]]:
        """The tags of a person's name, without those that hold others, and undecided photos with such a keyword."""
        with self._db.reading() as connection:
            called = tags_called(connection, name)
            tags = [tag.id for tag in tags_by_id(connection, called).values() if tag.kind == "tag"]
            tags = [tag_id for tag_id in tags if not tags_below(connection, tag_id)]
            known = decided(connection, person)
        key = name_key(name)
        photos = photos_with_keyword(
            self._db, name, lambda keyword: name_key(re.split(r"[/|]", keyword)[-1]) == key
        )
        return tags, [photo_id for photo_id in photos.tolist() if photo_id not in known]

    def take_names(self) -> TagChange | None:
        """Accepts faces under the names that other programs wrote into the files, unless something was decided about them here."""
        with self._db.reading() as connection:
            named = names_in_files(connection)
        if not named:
            return None
        words = Message("Name {faces} as their files do", faces=_counted(len(named)))
        with record_run(self._db, "decide", words) as run:
            answers = persons_of_faces(run.connection, [face_id for face_id, _, _ in named])
            rows = []
            for face_id, photo_id, written in named:
                with suppress(RequestError):  # no name for a person
                    name = checked_name(written)
                    if not answers.get(face_id):
                        person = next(iter(tags_called(run.connection, name, persons=True)), None)
                        person = person or run.add(_new_person(name))
                        if decided(run.connection, person).get(photo_id) == "rejected":
                            continue
                        rows.append(NewDecision(person, photo_id, "accepted", "file", run.now, face_id))
            run.decide(rows)
            end_names_in_files(run.connection)
        return run.made

    def group_new_faces(self) -> None:
        """Lets the faces that a run found join groups: those already in one stay where they are."""
        known = self._known()
        core = np.flatnonzero(known.rows.is_core)
        face_ids = known.rows.ids[core].tolist()
        groups = groups_of_faces(self._db)
        before = np.array([groups.get(face_id, 0) for face_id in face_ids], np.int64)
        if not len(before) or before.all():
            return
        after = join_groups(known.rows.vectors[core], known.rows.photo_ids[core], before)
        moved = np.flatnonzero(after != before).tolist()
        with self._db.writer() as connection:
            begun = {
                group: next_group(connection)
                for group in sorted({*after[moved].tolist()}, reverse=True)
                if group < 0
            }
            joined = (
                (begun.get(group, group), face_ids[row]) for row in moved for group in [int(after[row])]
            )
            join_group(connection, joined)

    def forget(self, *, names: bool = False) -> int:
        """Deletes all faces, vectors and groups so that no byte of them is left, and looks for no more; returns how many photos had any.

        With `names` the persons go, too; else their names stay as tags of their photos.

        Raises:
            BusyError: a run is indexing this library.
            StorageError: the disk is full or gone.
        """
        with index_lock(self._db.folder), self._db.writer() as connection:
            photos = forget_all_faces(connection)
            forget_rows(connection, FACES.name)
            erase_traces(connection)
            revise(connection)
            switch_people(connection, on=False)
            persons = [tag for tag in live_tags(connection) if tag.kind == "person"]
        for person in persons if names else ():
            with record_run(self._db, "remove", Message('Remove "{tag}"', tag=shortened(person.name))) as run:
                run.define(replace(person, removed_at=run.now))
        self._db.vacuum()
        return photos

    def backups(self) -> list[Path]:
        """Older copies of the library beside it, from before a migration or set aside, which may hold faces."""
        return sorted(path for path in self._db.folder.glob("library*") if self._is_copy(path))

    def delete_backups(self) -> None:
        """Deletes them; StorageError if one cannot be deleted."""
        words = "{file} cannot be deleted ({reason}). Delete it yourself."
        for path in self.backups():
            with faults_as(OSError, StorageError, words, file=path):
                path.unlink(missing_ok=True)

    def _is_copy(self, path: Path) -> bool:
        if path == self._db.path or not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_DATABASE)) == _DATABASE

    def _part(self, run: RunRecorder, person: int, faces: Mapping[int, Face]) -> None:
        """Moves rejected faces out of groups in which others are the person's."""
        moved: defaultdict[int, list[int]] = defaultdict(list)
        for face in faces.values():
            if face.group is not None:
                moved[face.group].append(face.id)
        for group, some in moved.items():
            held = persons_of_faces(run.connection, faces_in_group(run.connection, group))
            if person in _accepted_of(held):
                run.move_faces(some, next_group(run.connection))

    def _questions(self, tag_id: int, known: KnownFaces) -> list[Question]:
        near, ids = self._near(tag_id, known), known.rows.ids
        with self._db.reading() as connection:
            faces = faces_by_id(connection, ids[near.rows].tolist())
        questions = [
            Question(faces[face_id], distance, is_sure)
            for face_id, distance, is_sure in zip(
                ids[near.rows].tolist(), near.apart.tolist(), near.is_sure.tolist(), strict=True
            )
            if face_id in faces
        ]
        mine = {face_id for face_id, answers in known.verdicts.items() if tag_id in persons_accepted(answers)}
        with_them = known.rows.photo_ids[np.isin(ids, [*mine])].tolist()
        years = years_apart(
            self._db, [each.face.photo_id for each in questions if not each.is_sure], with_them
        )
        return sorted(questions, key=lambda each: 0 if each.is_sure else 1 + years[each.face.photo_id])

    def _near(self, tag_id: int, known: KnownFaces) -> NearFaces:
        """The faces to ask about, nearest first. A decision about one person moves nothing for the others, so the distances stay."""
        verdicts = {
            face_id: answers[tag_id] for face_id, answers in known.verdicts.items() if tag_id in answers
        }
        key = known.revisions, verdicts
        with self._lock:
            kept = self._kept.get(tag_id)
        if kept is None or kept[0] != key:
            kept = key, nearest_faces(verdicts, known)
            with self._lock:
                self._kept[tag_id] = kept
        near = kept[1]
        left = np.flatnonzero(~np.isin(near.rows, known.taken))
        _, first = np.unique(known.rows.photo_ids[near.rows[left]], return_index=True)
        best = left[np.sort(first)]  # nobody is in a picture twice
        return NearFaces(near.rows[best], near.apart[best], near.is_sure[best])

    def _known(self) -> KnownFaces:
        with self._db.snapshot() as connection:
            revisions = slow_revision(self._db), photos_revision(self._db)
            with self._lock:
                if self._rows is None or self._rows[0] != revisions:
                    rows = face_rows(self._db)
                    self._rows = revisions, rows, np.isin(rows.photo_ids, visible_photos(self._db))
                _, rows, in_sight = self._rows
            verdicts = persons_of_faces(connection)
            somebodys = [face_id for face_id, answers in verdicts.items() if [*persons_accepted(answers)]]
            taken = np.flatnonzero(np.isin(rows.ids, [*somebodys, *faces_put_away(connection)]))
            return KnownFaces(revisions, rows, verdicts, in_sight, taken)

    def _faces(self, face_ids: Iterable[int]) -> dict[int, Face]:
        wanted = [*dict.fromkeys(face_ids)]
        with self._db.reading() as connection:
            faces = faces_by_id(connection, wanted)
        for face_id in wanted:
            if face_id not in faces:
                raise RequestError("There is no face number {number}.", number=face_id)
        return faces

    def _ids(self, name: str) -> list[int]:
        with self._db.reading() as connection:
            return tags_called(connection, name, persons=True)

    def _person(self, name: str) -> int:
        ids = self._ids(name)
        if not ids:
            raise RequestError('There is no person "{name}".', name=shortened(name))
        return ids[0]

    def _name(self, tag_id: int) -> str:
        with self._db.reading() as connection:
            return tags_by_id(connection, [tag_id])[tag_id].name


def _accepted_of(verdicts: Mapping[int, Mapping[int, Verdict]]) -> set[int]:
    """The persons for whom any of these faces is accepted."""
    return {tag_id for answers in verdicts.values() for tag_id in persons_accepted(answers)}


def _new_person(name: str) -> Definition:
    return Definition(0, name, None, "person", threshold=None, suggests=False, created_at=0.0)


def _counted(number: int) -> Message:
    return Message.counted(number, "{number:,} face", "{number:,} faces")
