"""The tags of one library: made, taught, asked and undone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from picsight_engine.errors import BundleError, RequestError
from picsight_engine.store import runs
from picsight_engine.store.decisions import (
    all_are_known,
    count_states,
    decided,
    states_of,
    suggested_and_decided,
)
from picsight_engine.store.ratings import own_stars, stars_of
from picsight_engine.store.runs import recorded
from picsight_engine.store.suggestions import best_suggestions, has_scores
from picsight_engine.store.tags import Definition, live_tags, paths_of, tags_by_id, tags_called, tags_revision
from picsight_engine.tags.learner import Learner, after, has_lesson, made_of
from picsight_engine.tags.names import checked_name, checked_prompts, checked_threshold, shortened
from picsight_engine.tags.tree import FAVOURITES, Marks, Tag, as_seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.decisions import State, Verdict
    from picsight_engine.store.runs import Run
    from picsight_engine.store.tags import TagKind
    from picsight_engine.tags.learner import Model
    from picsight_engine.tags.preview import Preview
    from picsight_engine.tags.statistics import Statistics

_DOING: dict[Verdict, str] = {"accepted": "Accept", "rejected": "Reject", "withdrawn": "Undecide"}
MOST_STARS = 5
_DRAFT = Definition(0, "This tag", None, "tag", threshold=None, suggests=False, created_at=0.0)


class Tags:
    """The tags of one library; any thread may call.

    A tag is meant by its path, or by its last name where that is the only one. Photos are given by path or id. Whatever
    changes something is one run, undone as a whole.
    """

    def __init__(self, db: Database, model: Callable[[], Model], photo_id: Callable[[Path], int]) -> None:
        """`photo_id` gives the photo at a path, or raises RequestError."""
        self._db = db
        self._learner = Learner(db, model)
        self._photo_id = photo_id

    @property
    def revision(self) -> int:
        """A number that changes with every tag, decision and suggestion, whichever process changed it."""
        return tags_revision(self._db)

    def all(self) -> list[Tag]:
        """Every tag, album and the favourites, which come first; then by path."""
        with self._db.reading() as connection:
            return as_seen(live_tags(connection), count_states(connection))

    def find(self, name: str) -> Tag:
        """The tag of this path or last name.

        Raises:
            RequestError: there is none, or several have this name.
        """
        return self._seen(self._definition(name).id)

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
        """Makes a tag; one with words or examples suggests photos at once, and new ones as they come.

        Raises:
            RequestError: the name cannot be, or is there already; there is no such parent or photo.
            BundleError: the text tower is missing or cannot be loaded.
        """
        empty = Definition(
            id=0,
            name=checked_name(name),
            parent_id=None if parent is None else self._definition(parent).id,
            kind=kind,
            threshold=checked_threshold(threshold),
            suggests=False,
            created_at=0.0,
        )
        draft = made_of(empty, checked_prompts(prompts), self._ids(examples), self._ids(against))
        _require_learner(draft)
        self._learner.read(draft.prompts)
        scores = self._learner.suggested(draft, {})
        with recorded(self._db, "new", f'New {kind} "{shortened(draft.name)}"') as run:
            tag_id = run.add(draft)
            run.score(tag_id, scores)
        return self._seen(tag_id)

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
        """Changes what a tag goes by, and lets it suggest anew; what is not given stays as it is.

        A tag that gets its first words or examples suggests from now on, unless `suggests` says otherwise: that is about
        new photos.

        Raises:
            RequestError: there is no such tag or photo, or it is filled by hand.
            BundleError: the text tower is missing or cannot be loaded.
        """
        known, least = self._definition(name), checked_threshold(threshold)
        words = None if prompts is None else checked_prompts(prompts)
        alike, unlike = (None if some is None else self._ids(some) for some in (examples, against))
        self._learner.read(known.prompts if words is None else words)
        with recorded(self._db, "change", f'Change "{shortened(known.name)}"') as run:
            tag = made_of(run.tag(known.id), words, alike, unlike)
            tag = replace(
                tag,
                threshold=tag.threshold if least is None else least,
                suggests=tag.suggests if suggests is None else suggests,
            )
            _require_learner(tag)
            run.define(tag)
            if tag.suggests or has_scores(run.connection, tag.id):
                run.score(tag.id, self._learner.suggested(tag, decided(run.connection, tag.id)))
        return self._seen(known.id)

    def preview(
        self,
        prompts: Iterable[str] = (),
        examples: Iterable[Path | int] = (),
        against: Iterable[Path | int] = (),
        tag: str | None = None,
    ) -> Preview:
        """How all photos would stand to a tag of these words and photos, and of what was decided for `tag`; nothing is kept.

        Raises:
            RequestError: there is nothing to go by, or no such tag or photo.
            BundleError: the text tower is missing or cannot be loaded.
        """
        known = _DRAFT if tag is None else self._definition(tag)
        draft = made_of(known, checked_prompts(prompts), self._ids(examples), self._ids(against))
        verdicts = self._verdicts(known)
        _require_lesson(draft, verdicts)
        return self._learner.preview(draft, verdicts)

    def statistics(self, name: str, *, border: int = 20) -> Statistics:
        """How well a tag has learnt, and at most so many undecided photos about which it is least sure.

        Raises:
            RequestError: there is no such tag, or it has nothing to go by.
            BundleError: the text tower is missing or cannot be loaded.
        """
        tag = self._definition(name)
        verdicts = self._verdicts(tag)
        _require_lesson(tag, verdicts)
        with self._db.reading() as connection:
            suggested = suggested_and_decided(connection, tag.id)
        return self._learner.statistics(tag, verdicts, suggested, border)

    def suggest(self, name: str) -> list[tuple[int, float]]:
        """Lets a tag look through all photos anew; returns those that it suggests, best first, with their scores.

        Raises:
            RequestError: there is no such tag, or it has nothing to go by: neither words nor photos.
            BundleError: the text tower is missing or cannot be loaded.
        """
        tag = self._definition(name)
        _require_lesson(tag, self._verdicts(tag))
        self._learner.read(tag.prompts)
        with recorded(self._db, "suggest", f'Suggestions for "{shortened(tag.name)}"') as run:
            scores = self._learner.suggested(run.tag(tag.id), decided(run.connection, tag.id))
            run.score(tag.id, scores)
        with self._db.reading() as connection:
            return best_suggestions(connection, tag.id)

    def decide(
        self,
        name: str,
        photos: Iterable[Path | int],
        verdict: Verdict,
        *,
        source: str = "you",
        time: float | None = None,
    ) -> Run | None:
        """Accepts or rejects photos, or withdraws what was decided; None where all of them are decided so already.

        A tag that suggests learns from it at once: its suggestions are a part of the run.

        Raises:
            RequestError: there is no such tag or photo.
        """
        tag, ids = self._definition(name), self._ids(photos)
        with suppress(BundleError):  # then it does not learn yet
            self._learner.read(tag.prompts)
        words = f'{_DOING[verdict]} {_photos(len(ids))}: "{shortened(tag.name)}"'
        with recorded(self._db, "decide", words) as run:
            tag = run.tag(tag.id)
            known = decided(run.connection, tag.id)
            changed = [photo for photo in ids if known.get(photo, "withdrawn") != verdict]
            run.decide(tag.id, changed, verdict, source, time)
            if changed and (tag.suggests or has_scores(run.connection, tag.id)):
                with suppress(BundleError):
                    run.score(tag.id, self._learner.suggested(tag, after(known, changed, verdict)))
        return run.made

    def rate(self, photos: Iterable[Path | int], stars: int | None) -> Run | None:
        """Gives photos 0 to 5 stars of a person's own, None to let those of their files count; None where nothing changes.

        Raises:
            RequestError: there is no such photo, or no such number of stars.
        """
        ids = self._ids(photos)
        if stars is not None and not 0 <= stars <= MOST_STARS:
            raise RequestError(f"A photo has 0 to {MOST_STARS} stars, not {stars}.")
        what = "by its files" if stars is None else f"{stars} star{'' if stars == 1 else 's'}"
        with recorded(self._db, "rate", f"Rate {_photos(len(ids))}: {what}") as run:
            own = own_stars(run.connection, ids)
            run.rate([photo for photo in ids if own.get(photo) != stars], stars)
        return run.made

    def rating(self, photo_id: int) -> int | None:
        """A visible photo's stars: a person's own, else what its first file says, where -1 is "rejected"."""
        with self._db.reading() as connection:
            return stars_of(connection, [photo_id]).get(photo_id)

    def marks(self, photo_ids: Sequence[int]) -> dict[int, Marks]:
        """For each of these visible photos what a person has said of it, and what is suggested."""
        states = self.states(photo_ids)
        with self._db.reading() as connection:
            stars = stars_of(connection, list(states))
        return {
            photo_id: Marks(
                rating=stars.get(photo_id),
                favourite=any(path == FAVOURITES and how == "accepted" for path, how, _ in own),
                tags=tuple((path, how) for path, how, _ in own if path != FAVOURITES),
            )
            for photo_id, own in states.items()
        }

    def states(self, photo_ids: Sequence[int]) -> dict[int, list[tuple[str, State, float | None]]]:
        """For each photo the paths of its tags, how it stands to them, and its score where that is known."""
        states = states_of(self._db, photo_ids)
        with self._db.reading() as connection:
            paths = paths_of(connection, (each.tag_id for own in states.values() for each in own))
        return {
            photo_id: sorted((paths[each.tag_id], each.state, each.score) for each in own)
            for photo_id, own in states.items()
        }

    def runs(self, limit: int = 100) -> list[Run]:
        """What was changed, the latest first."""
        return runs.runs(self._db, limit)

    def undo(self, run_id: int | None = None) -> Run:
        """Takes a run back, the latest one that holds unless another is meant.

        Raises:
            RequestError: there is none, or a tag that it changed was changed again since.
        """
        return runs.undo(self._db, run_id)

    def redo(self, run_id: int) -> Run:
        """Does again what was undone.

        Raises:
            RequestError: it was not undone, or a tag that it changed is another one now.
        """
        return runs.redo(self._db, run_id)

    def _seen(self, tag_id: int) -> Tag:
        return next(tag for tag in self.all() if tag.id == tag_id)

    def _ids(self, photos: Iterable[Path | int]) -> tuple[int, ...]:
        """The photos that are meant, each once."""
        ids = tuple(
            dict.fromkeys(photo if isinstance(photo, int) else self._photo_id(photo) for photo in photos)
        )
        with self._db.reading() as connection:
            if not all_are_known(connection, ids):
                raise RequestError("A photo that was named is not in the library any more.")
        return ids

    def _definition(self, name: str) -> Definition:
        with self._db.reading() as connection:
            ids = tags_called(connection, name)
            if len(ids) == 1:
                return tags_by_id(connection, ids)[ids[0]]
        if not ids:
            raise RequestError(f'There is no tag "{shortened(name)}".')
        raise RequestError(
            f'{len(ids)} tags are called "{shortened(name)}"; say below which one, as in "Birds/Waders".'
        )

    def _verdicts(self, tag: Definition) -> dict[int, State]:
        with self._db.reading() as connection:
            return decided(connection, tag.id)


def _require_learner(tag: Definition) -> None:
    """Favourites and albums have no words and no examples."""
    if tag.kind != "tag" and (tag.prompts or tag.examples or tag.against or tag.suggests):
        raise RequestError(f'"{shortened(tag.name)}" is filled by hand and suggests nothing.')


def _require_lesson(tag: Definition, verdicts: Mapping[int, State]) -> None:
    if tag.kind != "tag":
        raise RequestError(f'"{shortened(tag.name)}" is filled by hand and suggests nothing.')
    if not has_lesson(tag, verdicts):
        raise RequestError(
            f'"{shortened(tag.name)}" has nothing to go by yet: give it a few words or an example photo, or accept a photo.'
        )


def _photos(number: int) -> str:
    return f"{number:,} photo{'' if number == 1 else 's'}"
