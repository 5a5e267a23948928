"""The tags of one library: creating, training, querying and undoing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import BundleError, Message, RequestError
from picsight_engine.store.derived.faces import faces_of
from picsight_engine.store.tagging import runs
from picsight_engine.store.tagging.decisions import (
    NewDecision,
    decided,
    persons_of_faces,
    suggested_and_decided,
)
from picsight_engine.store.tagging.runs import record_run
from picsight_engine.store.tagging.suggestions import Scores, best_suggestions, has_scores, put_scores
from picsight_engine.store.tagging.tagged import person_stars, stars_of
from picsight_engine.store.tagging.tags import Definition, ids_above, revise, tags_by_id, tags_revision
from picsight_engine.tags.learner import Learner, can_learn, suggest_for_new_photos, with_examples
from picsight_engine.tags.lookup import Lookup
from picsight_engine.tags.tree import (
    checked_name,
    checked_prompts,
    checked_threshold,
    merge_into,
    photos_counted,
    shortened,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.tagging.decisions import State, Verdict
    from picsight_engine.store.tagging.runs import RunRecorder, TagChange
    from picsight_engine.store.tagging.tags import TagKind
    from picsight_engine.tags.learner import TagModel
    from picsight_engine.tags.quality import Preview, Statistics
    from picsight_engine.tags.tree import Tag

_DOING: dict[Verdict, Message] = {
    "accepted": Message('Accept {photos}: "{tag}"'),
    "rejected": Message('Reject {photos}: "{tag}"'),
    "withdrawn": Message('Undecide {photos}: "{tag}"'),
}
_FIXED = Message('"{tag}" is always there, and cannot be renamed, moved, merged or removed.')
_NO_PARENT = Message('No tag can be below "{tag}"; name another parent, or none.')
MOST_STARS = 5
REJECTED = -1
_DRAFT = Definition(0, "This tag", None, "tag", threshold=None, suggests=False, created_at=0.0)


class Tags(Lookup):
    """The tags of one library; thread-safe.

    A tag is given by its path, or by its last name if that is unique. Photos are given by path or id. RequestError is raised if
    there is no such tag or photo, BundleError if the text tower is needed and cannot be loaded. Each changing call is one run,
    undone as a whole. `learner` trains all tags.
    """

    def __init__(self, db: Database, model: Callable[[], TagModel], photo_id: Callable[[Path], int]) -> None:
        """`photo_id` returns the photo at a path, or raises RequestError."""
        super().__init__(db, photo_id)
        self.learner = Learner(db, model)

    @property
    def revision(self) -> int:
        """A number that changes whenever any process changes a tag, decision or suggestion."""
        return tags_revision(self._db)

    def new(
        self,
        name: str,
        *,
        prompts: Iterable[str] = (),
        examples: Iterable[Path | int] = (),
        against: Iterable[Path | int] = (),
        threshold: float | None = None,
        parent: str | None = None,
        kind: TagKind = "tag",
    ) -> Tag:
        """Creates a tag; one with words or examples suggests photos at once, and new photos as they are indexed.

        Raises RequestError also if the name is invalid or taken.
        """
        empty = Definition(
            id=0,
            name=checked_name(name),
            parent_id=None if parent is None else self._definition(parent, _NO_PARENT).id,
            kind=kind,
            threshold=checked_threshold(threshold),
            suggests=False,
            created_at=0.0,
        )
        draft = with_examples(empty, checked_prompts(prompts), self._photos(examples), self._photos(against))
        _require_learner(draft)
        self.learner.read(draft.prompts)
        words = 'New album "{tag}"' if kind == "album" else 'New tag "{tag}"'
        with record_run(self._db, "new", Message(words, tag=shortened(draft.name))) as run:
            tag_id = run.add(draft)
            run.score(tag_id, self.learner.suggested(draft, {}))
        return self._tag(tag_id)

    def change(
        self,
        name: str,
        *,
        prompts: Iterable[str] | None = None,
        examples: Iterable[Path | int] | None = None,
        against: Iterable[Path | int] | None = None,
        threshold: float | None = None,
        suggests: bool | None = None,
    ) -> Tag:
        """Changes the words, examples or settings of a tag and renews its suggestions; omitted arguments change nothing.

        A tag that gets its first words or examples starts to suggest, unless `suggests`, which is about new photos,
        forbids it. Raises RequestError also if the tag is filled by hand.
        """
        known, least = self._definition(name), checked_threshold(threshold)
        words = None if prompts is None else checked_prompts(prompts)
        alike, unlike = (None if some is None else self._photos(some) for some in (examples, against))
        self.learner.read(known.prompts if words is None else words)
        with record_run(self._db, "change", Message('Change "{tag}"', tag=shortened(known.name))) as run:
            tag = with_examples(run.tag(known.id), words, alike, unlike)
            tag = replace(
                tag,
                threshold=tag.threshold if least is None else least,
                suggests=tag.suggests if suggests is None else suggests,
            )
            _require_learner(tag)
            run.define(tag)
            self._suggest_in(run, tag)
        return self._tag(known.id)

    def preview(
        self,
        prompts: Iterable[str] = (),
        examples: Iterable[Path | int] = (),
        against: Iterable[Path | int] = (),
        tag: str | None = None,
    ) -> Preview:
        """The scores of all photos for a tag with these words and photos, and the decisions for `tag`; stores nothing.

        Raises RequestError also if there are no words and no examples.
        """
        known = _DRAFT if tag is None else self._definition(tag)
        draft = with_examples(known, checked_prompts(prompts), self._photos(examples), self._photos(against))
        verdicts = self._verdicts(known)
        _require_training(draft, verdicts)
        return self.learner.preview(draft, verdicts)

    def statistics(self, name: str, *, border: int = 20) -> Statistics:
        """How well a tag has learnt, and at most `border` undecided photos about which it is least sure.

        Raises RequestError also if it has no words and no examples.
        """
        tag = self._definition(name)
        verdicts = self._verdicts(tag)
        _require_training(tag, verdicts)
        with self._db.reading() as connection:
            suggested = suggested_and_decided(connection, tag.id)
        return self.learner.statistics(tag, verdicts, suggested, border)

    def suggest(self, name: str) -> list[tuple[int, float]]:
        """Scores all photos for a tag again; returns its suggestions with their scores, best first.

        Raises RequestError also if it has no words and no examples.
        """
        tag = self._definition(name)
        _require_training(tag, self._verdicts(tag))
        self.learner.read(tag.prompts)
        with record_run(
            self._db, "suggest", Message('Suggestions for "{tag}"', tag=shortened(tag.name))
        ) as run:
            scores = self.learner.suggested(run.tag(tag.id), decided(run.connection, tag.id))
            run.score(tag.id, scores)
        with self._db.reading() as connection:
            return best_suggestions(connection, tag.id)

    def suggest_all(self) -> TagChange | None:
        """Scores new photos (all photos after a change of model) for every suggesting tag, as one run.

        Returns None if there are no new photos or none reaches a threshold.
        """
        return suggest_for_new_photos(self._db, self.learner)

    def decide(self, name: str, photos: Iterable[Path | int], verdict: Verdict) -> TagChange | None:
        """Accepts or rejects photos, or withdraws decisions; returns None if nothing changes.

        A suggesting tag learns at once, and its new suggestions are part of the run.
        """
        tag, ids = self._definition(name), self._shown(photos)
        with suppress(BundleError):  # without the model it learns later
            self.learner.read(tag.prompts)
        words = _DOING[verdict].about(tag=shortened(tag.name), photos=photos_counted(len(ids)))
        with record_run(self._db, "decide", words) as run:
            tag = run.tag(tag.id)
            known = decided(run.connection, tag.id)
            changed = [photo for photo in ids if known.get(photo, "withdrawn") != verdict]
            run.decide([NewDecision(tag.id, photo, verdict, "you", run.now) for photo in changed])
            if tag.kind == "person" and verdict != "accepted":
                self._decide_faces(run, tag.id, changed, verdict)
            if changed:
                with suppress(BundleError):
                    self._suggest_in(run, tag)
        return run.made

    def _decide_faces(self, run: RunRecorder, person: int, photo_ids: list[int], verdict: Verdict) -> None:
        """A person who is not in a photo has none of its faces."""
        photos = {face.id: face.photo_id for face in faces_of(self._db, photo_ids)}
        answers = persons_of_faces(run.connection, photos)
        run.decide(
            [
                NewDecision(person, photos[face_id], verdict, "you", run.now, face_id)
                for face_id, answer in answers.items()
                if answer.get(person) == "accepted"
            ]
        )

    def rename(self, name: str, new_name: str) -> Tag:
        """Renames a tag; raises RequestError also if the name is invalid or taken."""
        tag, called = self._definition(name, _FIXED), checked_name(new_name)
        words = Message('Rename "{tag}" to "{name}"', tag=shortened(tag.name), name=shortened(called))
        with record_run(self._db, "rename", words) as run:
            run.define(replace(run.tag(tag.id), name=called))
        return self._tag(tag.id)

    def move(self, name: str, parent: str | None) -> Tag:
        """Moves a tag, with those below it, below another one or to the top.

        Raises RequestError also if it would be below itself, or its name is taken there.
        """
        tag = self._definition(name, _FIXED)
        above = None if parent is None else self._definition(parent, _NO_PARENT)
        if above is not None and tag.kind == "person":
            raise RequestError('"{tag}" is a person, who cannot be below a tag.', tag=shortened(tag.name))
        words = Message('Move "{tag}" to the top', tag=shortened(tag.name))
        if above is not None:
            words = Message(
                'Move "{tag}" below "{above}"', tag=shortened(tag.name), above=shortened(above.name)
            )
        with record_run(self._db, "move", words) as run:
            run.define(replace(run.tag(tag.id), parent_id=None if above is None else above.id))
        return self._tag(tag.id)

    def merge(self, name: str, into: str) -> Tag:
        """Merges a tag, with those below it and all decisions, into another one; returns the other one.

        Raises RequestError also if the other one is the same or is below it.
        """
        tag, other = self._definition(name, _FIXED), self._definition(into, _FIXED)
        if tag.kind == "person" and other.kind != "person":
            refusal = '"{tag}" is a person, and "{other}" is none; merge "{other}" into "{tag}" instead.'
            raise RequestError(refusal, tag=shortened(tag.name), other=shortened(other.name))
        self.learner.read((*tag.prompts, *other.prompts))
        words = Message('Merge "{tag}" into "{other}"', tag=shortened(tag.name), other=shortened(other.name))
        with record_run(self._db, "merge", words) as run:
            if tag.id in ids_above(run.connection, other.id):
                raise RequestError(
                    '"{other}" is "{tag}", or is below it; choose another tag.',
                    other=shortened(other.name),
                    tag=shortened(tag.name),
                )
            for gone, kept in list(merge_into(run, run.tag(tag.id), run.tag(other.id))):
                run.score(gone, Scores(self.learner.space, {}))
                self._suggest_in(run, run.tag(kept))
        return self._tag(other.id)

    def remove(self, name: str) -> TagChange | None:
        """Removes a tag; undo restores its decisions. Raises RequestError also if there are tags below it."""
        tag = self._definition(name, _FIXED)
        with record_run(self._db, "remove", Message('Remove "{tag}"', tag=shortened(tag.name))) as run:
            run.define(replace(run.tag(tag.id), removed_at=run.now))
        return run.made

    def rate(self, photos: Iterable[Path | int], stars: int | None) -> TagChange | None:
        """Gives photos 0 to 5 stars; -1 rejects them, None returns to the stars of their files.

        Returns None if nothing changes. Raises RequestError also if there is no such number of stars.
        """
        ids = self._shown(photos)
        if stars is not None and not REJECTED <= stars <= MOST_STARS:
            raise RequestError(
                "A photo has 0 to {most_stars} stars, or -1 if it is rejected, not {stars}.",
                most_stars=MOST_STARS,
                stars=stars,
            )
        what = {None: Message("by its files"), REJECTED: Message("rejected")}.get(stars)
        what = what or Message.counted(stars or 0, "{number} star", "{number} stars")
        words = Message("Rate {photos}: {stars}", photos=photos_counted(len(ids)), stars=what)
        with record_run(self._db, "rate", words) as run:
            given = person_stars(run.connection, ids)
            run.rate([photo for photo in ids if given.get(photo) != stars], stars)
        return run.made

    def rating(self, photo_id: int) -> int | None:
        """A visible photo's stars: the user's, else those of its primary file; -1 means rejected."""
        with self._db.reading() as connection:
            return stars_of(connection, [photo_id]).get(photo_id)

    def runs(self, limit: int = 100) -> list[TagChange]:
        """The changes, latest first."""
        return runs.runs(self._db, limit)

    def collect_runs(self) -> AbstractContextManager[list[TagChange]]:
        """Collects the runs that this thread, not others or other processes, commits inside the block."""
        return runs.collect_runs()

    def undo(self, run_id: int | None = None) -> TagChange:
        """Undoes a run, by default the user's latest one that is not undone.

        Raises RequestError if there is none, or a tag that it changed was changed again since.
        """
        return self._settled(*runs.undo_or_redo(self._db, run_id, undo=True))

    def redo(self, run_id: int | None = None) -> TagChange:
        """Redoes an undone run, by default the one undone last.

        Raises RequestError if there is none, it was not undone, or a tag that it changed has changed since.
        """
        return self._settled(*runs.undo_or_redo(self._db, run_id, undo=False))

    def _settled(self, run: TagChange, due: Iterable[int]) -> TagChange:
        """Recomputes the suggestions that could not be restored."""
        with suppress(BundleError):  # without the model, the suggestions stay as they are
            for tag_id in due:
                with self._db.writer() as connection:
                    tag = tags_by_id(connection, [tag_id])[tag_id]
                    if tag.is_live and (tag.suggests or has_scores(connection, tag_id)):
                        scores = self.learner.suggested(tag, decided(connection, tag_id))
                        put_scores(connection, None, tag_id, scores)
                        revise(connection)
        return run

    def _suggest_in(self, run: RunRecorder, tag: Definition) -> None:
        """Renews the suggestions of a suggesting tag from its present definition and decisions."""
        if tag.suggests or has_scores(run.connection, tag.id):
            run.score(tag.id, self.learner.suggested(tag, decided(run.connection, tag.id)))


def _require_learner(tag: Definition) -> None:
    """Favourites and albums have no words, examples and threshold."""
    if tag.prompts or tag.examples or tag.against or tag.suggests or tag.threshold is not None:
        _require_kind(tag)


def _require_training(tag: Definition, verdicts: Mapping[int, State]) -> None:
    _require_kind(tag)
    if not can_learn(tag, verdicts):
        raise RequestError(
            '"{name}" has nothing to go by yet: give it a few words or an example photo, or accept a photo.',
            name=shortened(tag.name),
        )


def _require_kind(tag: Definition) -> None:
    if tag.kind != "tag":
        raise RequestError('"{name}" is filled by hand and suggests nothing.', name=shortened(tag.name))
