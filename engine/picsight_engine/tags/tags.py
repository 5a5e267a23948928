"""The tags of one library: made, taught, asked and undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.store import runs
from picsight_engine.store.decisions import all_are_known, count_states, decided, states_of
from picsight_engine.store.runs import recorded
from picsight_engine.store.suggestions import Scores, best_suggestions
from picsight_engine.store.tags import Definition, live_tags, paths_of, tags_by_id, tags_called, tags_revision
from picsight_engine.tags.names import checked_name, checked_prompts, checked_threshold, shortened
from picsight_engine.tags.teaching import Lesson
from picsight_engine.tags.tree import Tag, as_seen, can_learn, threshold_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.models.bundle import Bundle
    from picsight_engine.store.database import Database
    from picsight_engine.store.decisions import State, Verdict
    from picsight_engine.store.runs import Run
    from picsight_engine.store.tags import TagKind
    from picsight_engine.vectors.matrix import Rows

_DOING: dict[Verdict, str] = {"accepted": "Accept", "rejected": "Reject", "withdrawn": "Undecide"}


@dataclass(frozen=True, slots=True)
class Model:
    """What tags need of the model that searches now: its bundle, the vectors, and a text tower."""

    bundle: Bundle
    rows: Callable[[], Rows]
    embed: Callable[[str], NDArray[np.float32]]


class Tags:
    """The tags of one library; any thread may call.

    A tag is meant by its path, or by its last name where that is the only one. Photos are given by path or id. Whatever
    changes something is one run, undone as a whole.
    """

    def __init__(self, db: Database, model: Callable[[], Model], photo_id: Callable[[Path], int]) -> None:
        """`photo_id` gives the photo at a path, or raises RequestError."""
        self._db = db
        self._model = model
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
        alike, unlike = self._ids(examples), self._ids(against)
        words = checked_prompts(prompts)
        draft = Definition(
            id=0,
            name=checked_name(name),
            parent_id=None if parent is None else self._definition(parent).id,
            kind=kind,
            threshold=checked_threshold(threshold),
            suggests=bool(words or alike),
            created_at=0.0,
            prompts=words,
            examples=alike,
            against=tuple(photo for photo in unlike if photo not in alike),
        )
        scores = self._suggested(draft, {}) if draft.suggests else None
        with recorded(self._db, "new", f'New {kind} "{shortened(draft.name)}"') as run:
            tag_id = run.add(draft)
            if scores is not None:
                run.score(tag_id, scores)
        return self._seen(tag_id)

    def suggest(self, name: str) -> list[tuple[int, float]]:
        """Lets a tag look through all photos anew; returns those that it suggests, best first, with their scores.

        Raises:
            RequestError: there is no such tag, or it has nothing to go by: neither words nor photos.
            BundleError: the text tower is missing or cannot be loaded.
        """
        tag = self._definition(name)
        with self._db.reading() as connection:
            verdicts = decided(connection, tag.id)
        _require_lesson(tag, verdicts)
        scores = self._suggested(tag, verdicts)
        with recorded(self._db, "suggest", f'Suggestions for "{shortened(tag.name)}"') as run:
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

        Raises:
            RequestError: there is no such tag or photo.
        """
        tag, ids = self._definition(name), self._ids(photos)
        words = f'{_DOING[verdict]} {_photos(len(ids))}: "{shortened(tag.name)}"'
        with recorded(self._db, "decide", words) as run:
            known = decided(run.connection, tag.id)
            changed = [photo for photo in ids if known.get(photo, "withdrawn") != verdict]
            run.decide(tag.id, changed, verdict, source, time)
        return run.made

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

    def _suggested(self, tag: Definition, verdicts: Mapping[int, State]) -> Scores:
        """The photos that reach a tag's threshold.

        Decisions teach, and examples where nothing else was decided; these are, or are not, in the tag whatever it learns.
        """
        taught: dict[int, State] = {
            **dict.fromkeys(tag.examples, "accepted"),
            **dict.fromkeys(tag.against, "rejected"),
            **verdicts,
        }
        alike = [photo for photo, verdict in taught.items() if verdict == "accepted"]
        unlike = [photo for photo, verdict in taught.items() if verdict == "rejected"]
        model = self._model()
        lesson = Lesson(model.rows(), model.bundle.manifest.calibration, model.embed)
        least = threshold_of(tag)
        reaching = lesson.reaching(lesson.scores(tag.prompts, alike, unlike), least)
        shown = {**dict.fromkeys(tag.examples, least), **reaching}
        return Scores(
            model.bundle.manifest.space_id,
            {photo: score for photo, score in shown.items() if photo not in tag.against},
        )


def _require_lesson(tag: Definition, verdicts: Mapping[int, State]) -> None:
    if not can_learn(tag):
        raise RequestError(f'"{shortened(tag.name)}" is filled by hand and suggests nothing.')
    if not (tag.prompts or tag.examples or "accepted" in verdicts.values()):
        raise RequestError(
            f'"{shortened(tag.name)}" has nothing to go by yet: give it a few words or an example photo, or accept a photo.'
        )


def _photos(number: int) -> str:
    return f"{number:,} photo{'' if number == 1 else 's'}"
