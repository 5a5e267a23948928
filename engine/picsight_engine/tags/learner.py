"""Teaches tags by the model that searches now: what each of them goes by, and what it suggests."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.errors import StorageError
from picsight_engine.store.suggestions import Scores, keep_vectors, kept_vectors
from picsight_engine.tags.appraisal import ENOUGH, Preview, Statistics, judged, right_and_wrong, sureness
from picsight_engine.tags.lesson import Lesson, Material
from picsight_engine.tags.tree import threshold_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.store.database import Database
    from picsight_engine.store.decisions import State
    from picsight_engine.store.tags import Definition
    from picsight_engine.vectors.matrix import Rows


@dataclass(frozen=True, slots=True)
class Model:
    """What tags need of the model that searches now: its bundle, the vectors, and a text tower."""

    bundle: Bundle
    rows: Callable[[], Rows]
    embed: Callable[[str], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Reach:
    """The photos [p] that reach a tag's threshold, and their scores [p]: small, for ten thousand tags may suggest millions."""

    tag: Definition
    space: str
    photos: NDArray[np.int64]
    scores: NDArray[np.float32]

    def shown(self, since: Sequence[int] | None = None) -> Scores:
        """What the tag suggests, of all photos or of these: examples are in it, or are not, whatever it has learnt."""
        found = dict.fromkeys(self.tag.examples, threshold_of(self.tag))
        found |= zip(self.photos.tolist(), self.scores.tolist(), strict=True)
        left_out = {*self.tag.against} if since is None else {*self.tag.against, *(found.keys() - set(since))}
        return Scores(self.space, {photo: found[photo] for photo in found.keys() - left_out})


class Learner:
    """Any thread may call; a model that is exchanged is taken up by the next call."""

    def __init__(self, db: Database, model: Callable[[], Model]) -> None:
        self._db = db
        self._model = model
        self._lock = threading.Lock()
        self._known: tuple[Bundle, Lesson] | None = None

    @property
    def space(self) -> str:
        """The space in which tags are scored."""
        return self._model().bundle.manifest.space_id

    def lesson(self) -> Lesson:
        """The photos as they are now."""
        model = self._model()
        rows = model.rows()
        with self._lock:
            if self._known is None or self._known[0] is not model.bundle or self._known[1].rows is not rows:
                self._known = model.bundle, Lesson(rows, model.bundle.manifest.calibration)
            return self._known[1]

    def read(self, texts: Iterable[str]) -> None:
        """Reads the words of a tag once, before anything is locked.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
        """
        model, wanted = self._model(), list(dict.fromkeys(texts))
        tower = _tower(model.bundle)
        new: dict[str, NDArray[np.float32]] = {}
        with suppress(StorageError):  # without room nothing is kept, and what follows says so
            known = kept_vectors(self._db, tower, wanted) if wanted else {}
            try:
                for text in wanted:
                    if text not in known:
                        new[text] = model.embed(text)
            finally:
                if new:
                    with self._db.writer() as connection:
                        keep_vectors(connection, tower, new)

    def suggested(self, tag: Definition, verdicts: Mapping[int, State]) -> Scores:
        """The photos that reach a tag's threshold; none where it has nothing to go by.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
        """
        (reach,) = self.reached([tag], {tag.id: verdicts})
        return reach.shown()

    def reached(
        self,
        tags: Sequence[Definition],
        verdicts: Mapping[int, Mapping[int, State]],
        since: Sequence[int] | None = None,
    ) -> list[Reach]:
        """The same for many tags in one pass over all photos, or over those that came last.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
        """
        lesson, space = self.lesson(), self.space
        able = [tag for tag in tags if has_lesson(tag, verdicts[tag.id])]
        linears = [lesson.learnt(material) for material in self._materials(able, verdicts)]
        found = lesson.reaching(linears, [threshold_of(tag) for tag in able], since)
        nothing = np.empty(0, np.int64), np.empty(0, np.float32)
        return [
            *(Reach(tag, space, *reached) for tag, reached in zip(able, found, strict=True)),
            *(Reach(tag, space, *nothing) for tag in tags if not has_lesson(tag, verdicts[tag.id])),
        ]

    def _materials(
        self, tags: Sequence[Definition], verdicts: Mapping[int, Mapping[int, State]]
    ) -> list[Material]:
        """What tags go by: decisions, and examples where nothing else was decided."""
        texts = list(dict.fromkeys(text for tag in tags for text in tag.prompts))
        vectors = self._vectors(texts)
        rows = {text: row for row, text in enumerate(texts)}
        return [
            _material(tag, verdicts[tag.id], vectors[[rows[text] for text in tag.prompts]]) for tag in tags
        ]

    def preview(self, tag: Definition, verdicts: Mapping[int, State]) -> Preview:
        """How all visible photos stand to a tag.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
        """
        lesson, (material,) = self.lesson(), self._materials([tag], {tag.id: verdicts})
        rows = lesson.rows
        shown = rows.ids > 0 if rows.hidden is None else ~rows.hidden
        scores = lesson.scores(lesson.learnt(material), threshold_of(tag))
        return Preview(
            rows.ids[shown],
            scores[shown],
            frozenset(material.alike),
            frozenset(material.unlike),
            threshold_of(tag),
        )

    def statistics(
        self, tag: Definition, verdicts: Mapping[int, State], suggested: tuple[int, int], border: int
    ) -> Statistics:
        """How well a tag has learnt; `suggested` are how many decided photos it had suggested, and of those how many are accepted.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
        """
        (material,) = self._materials([tag], {tag.id: verdicts})
        scores = judged(self.lesson(), material, frozenset(verdicts))
        accepted = frozenset(photo for photo, verdict in verdicts.items() if verdict == "accepted")
        right, wrong = right_and_wrong(scores, accepted, threshold_of(tag))
        return Statistics(
            decided=len(verdicts),
            accepted=len(accepted),
            rejected=len(verdicts) - len(accepted),
            precision=suggested[1] / suggested[0] if suggested[0] else None,
            right=sum(right),
            sure=sureness(right, wrong),
            more=max(0, ENOUGH - len(verdicts)),
            border=tuple(self.preview(tag, verdicts).border(border)),
        )

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, dim] of these texts, which the text tower reads where they were never read before."""
        model = self._model()
        known = kept_vectors(self._db, _tower(model.bundle), texts) if texts else {}
        found = [known[text] if text in known else model.embed(text) for text in texts]
        return np.array(found, np.float32).reshape(len(texts), model.bundle.manifest.dim)


def _material(tag: Definition, verdicts: Mapping[int, State], words: NDArray[np.float32]) -> Material:
    taught: dict[int, State] = {
        **dict.fromkeys(tag.examples, "accepted"),
        **dict.fromkeys(tag.against, "rejected"),
        **verdicts,
    }
    alike = tuple(photo for photo, verdict in taught.items() if verdict == "accepted")
    unlike = tuple(photo for photo, verdict in taught.items() if verdict == "rejected")
    return Material(tag.prompts, words, alike, unlike)


def has_lesson(tag: Definition, verdicts: Mapping[int, State]) -> bool:
    """Whether there is anything to go by: words, or a photo that is alike."""
    return tag.kind == "tag" and bool(tag.prompts or tag.examples or "accepted" in verdicts.values())


def made_of(
    tag: Definition,
    prompts: tuple[str, ...] | None,
    examples: tuple[int, ...] | None,
    against: tuple[int, ...] | None,
) -> Definition:
    """The tag with other words and photos, None for those that stay; a photo is what was said of it last.

    With its first words or examples it begins to suggest.
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
    """Names all that a text's vector depends on: the bundle's files, and how texts are put to them."""
    files = sorted((name, record.sha256) for name, record in bundle.manifest.files.items())
    return hashlib.sha256(repr((files, bundle.manifest.text)).encode()).hexdigest()
