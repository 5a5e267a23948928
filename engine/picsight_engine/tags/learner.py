"""Trains tags with the present search model and computes their suggestions.

After new photos or a new model, every suggesting tag scores the photos that it has not scored yet: one pass, one run.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.errors import Message, StorageError
from picsight_engine.store.derived.vectors import photos_since, space_state
from picsight_engine.store.tagging.decisions import decided_for
from picsight_engine.store.tagging.pairs import photos_behind
from picsight_engine.store.tagging.runs import record_run
from picsight_engine.store.tagging.suggestions import (
    Scores,
    cache_vectors,
    cached_vectors,
    has_scores,
    put_scored_until,
    scored_until,
)
from picsight_engine.store.tagging.tags import live_tags, tags_by_id
from picsight_engine.tags.quality import ENOUGH, Preview, Statistics, confidence, confusion, cross_validate
from picsight_engine.tags.scoring import TagScorer, TrainingSet, best_of_each, scores_of
from picsight_engine.tags.tree import tags_counted, threshold_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.store.database import Database
    from picsight_engine.store.tagging.decisions import State
    from picsight_engine.store.tagging.runs import TagChange
    from picsight_engine.store.tagging.tags import Definition
    from picsight_engine.vectors.matrix import Rows


@dataclass(frozen=True, slots=True)
class TagModel:
    """The present search model as tags need it: its bundle, the vectors, and a text tower.

    `readings` returns the texts to embed for prompts: in English if the model does not know their language. The prompts are
    stored as typed, so that another language or model reads them anew.
    """

    bundle: Bundle
    rows: Callable[[], Rows]
    embed: Callable[[str], NDArray[np.float32]]
    readings: Callable[[Iterable[str]], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TagMatches:
    """The photos [p] that reach a tag's threshold, and their scores [p]; compact, as 10,000 tags may suggest millions."""

    tag: Definition
    space: str
    photos: NDArray[np.int64]
    scores: NDArray[np.float32]

    def suggestions(self, since: Sequence[int] | None = None) -> Scores:
        """The tag's suggestions among all photos or these; examples are not suggestions, whatever their score."""
        found = dict.fromkeys(self.tag.examples, threshold_of(self.tag))
        found |= zip(self.photos.tolist(), self.scores.tolist(), strict=True)
        left_out = {*self.tag.against} if since is None else {*self.tag.against, *(found.keys() - set(since))}
        return Scores(self.space, {photo: found[photo] for photo in found.keys() - left_out})


class Learner:
    """Trains and scores tags; thread-safe. Each call uses the present model.

    Whatever needs words raises BundleError if the text tower is missing or cannot be loaded.
    """

    def __init__(self, db: Database, model: Callable[[], TagModel]) -> None:
        self._db = db
        self._model = model
        self._lock = threading.Lock()
        self._known: tuple[Bundle, TagScorer] | None = None

    @property
    def space(self) -> str:
        """The space in which tags are scored."""
        return self._model().bundle.manifest.space_id

    def scorer(self) -> TagScorer:
        """The photos in their present state."""
        model = self._model()
        rows = model.rows()
        with self._lock:
            if self._known is None or self._known[0] is not model.bundle or self._known[1].rows is not rows:
                self._known = model.bundle, TagScorer(rows, model.bundle.manifest.calibration)
            return self._known[1]

    def read(self, prompts: Iterable[str]) -> None:
        """Embeds the words of a tag and caches them, before any lock is taken."""
        model = self._model()
        wanted = model.readings(prompts)
        tower = _tower(model.bundle)
        new: dict[str, NDArray[np.float32]] = {}
        with suppress(StorageError):  # on a full disk nothing is cached, and the next write reports it
            known = cached_vectors(self._db, tower, wanted) if wanted else {}
            try:
                for text in wanted:
                    if text not in known:
                        new[text] = model.embed(text)
            finally:
                if new:
                    with self._db.writer() as connection:
                        cache_vectors(connection, tower, new)

    def suggested(self, tag: Definition, verdicts: Mapping[int, State]) -> Scores:
        """The photos that reach a tag's threshold; none for a tag without words and examples."""
        (matches,) = self.matching([tag], {tag.id: verdicts})
        return matches.suggestions()

    def matching(
        self,
        tags: Sequence[Definition],
        verdicts: Mapping[int, Mapping[int, State]],
        since: Sequence[int] | None = None,
    ) -> list[TagMatches]:
        """The same for many tags in one pass over all photos, or over the latest ones."""
        scorer, space = self.scorer(), self.space
        able = [tag for tag in tags if can_learn(tag, verdicts[tag.id])]
        linears = [scorer.train(training) for training in self._training_of(able, verdicts)]
        found = scorer.reaching(linears, [threshold_of(tag) for tag in able], since)
        nothing = np.empty(0, np.int64), np.empty(0, np.float32)
        return [
            *(TagMatches(tag, space, *matching) for tag, matching in zip(able, found, strict=True)),
            *(TagMatches(tag, space, *nothing) for tag in tags if not can_learn(tag, verdicts[tag.id])),
        ]

    def _training_of(
        self, tags: Sequence[Definition], verdicts: Mapping[int, Mapping[int, State]]
    ) -> list[TrainingSet]:
        """The training material of tags: words, decisions, and examples that are not decided otherwise."""
        of_tags = [*map(self._model().readings, (tag.prompts for tag in tags))]
        texts = list(dict.fromkeys(chain.from_iterable(of_tags)))
        vectors = self._vectors(texts)
        rows = {text: row for row, text in enumerate(texts)}
        photos = {photo for tag in tags for photo in (*tag.examples, *tag.against, *verdicts[tag.id])}
        with self._db.reading() as connection:
            behind = frozenset(photos_behind(connection, photos))
        return [
            _training(tag, verdicts[tag.id], behind, readings, vectors[[rows[text] for text in readings]])
            for tag, readings in zip(tags, of_tags, strict=True)
        ]

    def preview(self, tag: Definition, verdicts: Mapping[int, State]) -> Preview:
        """The scores of all visible photos for a tag."""
        scorer, (training,) = self.scorer(), self._training_of([tag], {tag.id: verdicts})
        rows = scorer.rows
        shown = np.flatnonzero(rows.ids > 0 if rows.hidden is None else ~rows.hidden)
        scores = scores_of(rows, scorer.train(training), threshold_of(tag))[shown]
        return Preview(
            *best_of_each(rows, shown, scores),
            frozenset(training.alike),
            frozenset(training.unlike),
            threshold_of(tag),
        )

    def statistics(
        self, tag: Definition, verdicts: Mapping[int, State], suggested: tuple[int, int], border: int
    ) -> Statistics:
        """How well a tag has learnt; `suggested` is the number of decided suggestions, and how many of them were accepted."""
        (training,) = self._training_of([tag], {tag.id: verdicts})
        known = frozenset(verdicts) - training.behind
        scores = cross_validate(self.scorer(), training, known)
        accepted = known.intersection(training.alike)
        right, wrong = confusion(scores, accepted, threshold_of(tag))
        return Statistics(
            decided=len(known),
            accepted=len(accepted),
            rejected=len(known) - len(accepted),
            precision=suggested[1] / suggested[0] if suggested[0] else None,
            right=sum(right),
            confidence=confidence(right, wrong),
            more=max(0, ENOUGH - len(known)),
            border=tuple(self.preview(tag, verdicts).border(border)),
        )

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, dim] of these texts, from the cache or else from the text tower."""
        model = self._model()
        known = cached_vectors(self._db, _tower(model.bundle), texts) if texts else {}
        found = [known[text] if text in known else model.embed(text) for text in texts]
        return np.array(found, np.float32).reshape(len(texts), model.bundle.manifest.dim)


def _training(
    tag: Definition,
    verdicts: Mapping[int, State],
    behind: frozenset[int],
    readings: tuple[str, ...],
    words: NDArray[np.float32],
) -> TrainingSet:
    taught: dict[int, State] = {
        **dict.fromkeys(tag.examples, "accepted"),
        **dict.fromkeys(tag.against, "rejected"),
        **verdicts,
    }
    alike, unlike = (
        tuple(photo for photo, verdict in taught.items() if verdict == wanted and photo not in behind)
        for wanted in ("accepted", "rejected")
    )
    return TrainingSet(readings, words, alike, unlike, behind)


def can_learn(tag: Definition, verdicts: Mapping[int, State]) -> bool:
    """Whether there is anything to learn from: words, or a positive photo."""
    return tag.kind == "tag" and bool(tag.prompts or tag.examples or "accepted" in verdicts.values())


def with_examples(
    tag: Definition,
    prompts: tuple[str, ...] | None,
    examples: tuple[int, ...] | None,
    against: tuple[int, ...] | None,
) -> Definition:
    """The tag with other words and photos, None to keep them; the last statement about a photo wins.

    With its first words or examples, a tag begins to suggest.
    """
    alike = tag.examples if examples is None else examples
    unlike = tag.against if against is None else against
    if examples is None:
        alike = tuple(photo for photo in alike if photo not in unlike)
    unlike = tuple(photo for photo in unlike if photo not in alike)
    words = tag.prompts if prompts is None else prompts
    starts = bool(words or alike) and not (tag.prompts or tag.examples)
    return replace(tag, prompts=words, examples=alike, against=unlike, suggests=tag.suggests or starts)


def _tower(bundle: Bundle) -> str:
    """A key for everything on which a text's vector depends: the bundle's files and its text settings."""
    files = sorted((name, record.sha256) for name, record in bundle.manifest.files.items())
    return hashlib.sha256(repr((files, bundle.manifest.text)).encode()).hexdigest()


def suggest_for_new_photos(db: Database, learner: Learner) -> TagChange | None:
    """Suggests tags for new photos; returns None if there are no new photos or none reaches a threshold.

    Progress and suggestions are stored in one transaction: a run that is killed, or that raises BundleError, loses nothing.
    """
    space = learner.space
    last = space_state(db, space).last_row  # later photos are left for the next run
    with db.reading() as connection:
        known, row = scored_until(connection)
        anew = known != space
        tags = [
            tag
            for tag in live_tags(connection)
            if tag.suggests or (anew and tag.kind == "tag" and has_scores(connection, tag.id))
        ]
        verdicts = decided_for(connection, (tag.id for tag in tags))
    if not tags or (not anew and last <= row):
        return None
    since = None if anew else photos_since(db, space, row, last)
    learner.read(text for tag in tags for text in tag.prompts)
    found = learner.matching(tags, verdicts, since)
    with record_run(db, "index", _words(found, since)) as run:
        now = tags_by_id(run.connection, (matches.tag.id for matches in found))
        # The other tags were changed meanwhile, which has scored these photos.
        kept = [matches for matches in found if _goes_by_the_same(now[matches.tag.id], matches.tag)]
        if since is None:
            for matches in kept:
                run.score(matches.tag.id, matches.suggestions())
        else:
            run.score_new(since, {matches.tag.id: matches.suggestions(since) for matches in kept})
        put_scored_until(run.connection, space, last)
    return run.made


def _goes_by_the_same(now: Definition, then: Definition) -> bool:
    """Whether two definitions suggest the same photos; name and parent do not matter."""
    return replace(now, name=then.name, parent_id=then.parent_id) == then


def _words(found: Sequence[TagMatches], since: Sequence[int] | None) -> Message:
    """Such as "12 new photos were suggested for 3 tags"."""
    if since is not None:
        new = set(since)
        found = [matches for matches in found if not new.isdisjoint(matches.photos.tolist())]
    photos = len({photo for matches in found for photo in matches.photos.tolist()})
    tags = sum(len(matches.photos) > 0 for matches in found)
    one = "{number:,} new photo was suggested for {tags}"
    many = "{number:,} new photos were suggested for {tags}"
    if since is None:
        one = "{number:,} photo is suggested for {tags} by the model that searches now"
        many = "{number:,} photos are suggested for {tags} by the model that searches now"
    return Message.counted(photos, one, many, tags=tags_counted(tags))
