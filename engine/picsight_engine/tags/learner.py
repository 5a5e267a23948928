"""Teaches tags by the model that searches now: what each of them goes by, and what it suggests."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight_engine.errors import StorageError
from picsight_engine.store.suggestions import Scores
from picsight_engine.tags.preview import Preview
from picsight_engine.tags.prompts import Prompts
from picsight_engine.tags.statistics import ENOUGH, Statistics, judged, right_and_wrong, sureness
from picsight_engine.tags.teaching import Lesson, Material
from picsight_engine.tags.tree import threshold_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.models.bundle import Bundle
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
        with suppress(StorageError):  # without room nothing is kept, and what follows says so
            self._prompts().keep(texts)

    def material(self, tag: Definition, verdicts: Mapping[int, State]) -> Material:
        """What a tag goes by: decisions, and examples where nothing else was decided.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
        """
        taught: dict[int, State] = {
            **dict.fromkeys(tag.examples, "accepted"),
            **dict.fromkeys(tag.against, "rejected"),
            **verdicts,
        }
        return Material(
            prompts=tag.prompts,
            words=self._prompts().vectors(tag.prompts),
            alike=tuple(photo for photo, verdict in taught.items() if verdict == "accepted"),
            unlike=tuple(photo for photo, verdict in taught.items() if verdict == "rejected"),
        )

    def suggested(self, tag: Definition, verdicts: Mapping[int, State]) -> Scores:
        """The photos that reach a tag's threshold; none where it has nothing to go by.

        Examples are in the tag, or are not, whatever it learns.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
        """
        if not has_lesson(tag, verdicts):
            return Scores(self.space, {})
        lesson, least = self.lesson(), threshold_of(tag)
        reaching = lesson.reaching(lesson.learnt(self.material(tag, verdicts)), least)
        shown = {**dict.fromkeys(tag.examples, least), **reaching}
        return Scores(
            self.space, {photo: score for photo, score in shown.items() if photo not in tag.against}
        )

    def preview(self, tag: Definition, verdicts: Mapping[int, State]) -> Preview:
        """How all visible photos stand to a tag.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
        """
        lesson, material = self.lesson(), self.material(tag, verdicts)
        rows = lesson.rows
        shown = rows.ids > 0 if rows.hidden is None else ~rows.hidden
        scores = lesson.scores(lesson.learnt(material))
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
        scores = judged(self.lesson(), self.material(tag, verdicts), frozenset(verdicts))
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

    def _prompts(self) -> Prompts:
        model = self._model()
        return Prompts(self._db, model.bundle, model.embed)


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
