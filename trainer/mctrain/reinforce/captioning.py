"""Adds generated captions to shards.

Only the member `syn.json` of a sample changes: it gets the texts.
"""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.data.photo import decode_photo
from mctrain.data.reinforced.manifest import Storage
from mctrain.data.shards import grouped
from mctrain.data.texts import parse_tags, retagged, text_field, texts_of
from mctrain.data.workers import prefetch
from mctrain.errors import DataError, TrainerError
from mctrain.reinforce.captioners.captioner import SamplingSettings, first_sentence, seed_of
from mctrain.reinforce.maker import trainable_samples
from mctrain.teachers.teacher import open_teacher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import PIL.Image

    from mctrain.data.shards import SampleMembers
    from mctrain.paths import AnyPath
    from mctrain.reinforce.captioners.captioner import Captioner
    from mctrain.reinforce.maker import Bar, ShardOutcome, ShardReport
    from mctrain.teachers.teacher import Teacher


_BATCH = 16  # photos per batch; batches must be reproducible, because the last bits of logits depend on them
_THREADS = 2  # threads that decode ahead
_REINFORCED = frozenset(each.suffix for each in Storage)
_FEW = 8  # fewest photos for the warning about equal captions
KEPT, BLANK, AGAIN, UNLIKE = "captions", "blank", "said again", "unlike the photo"
UNANSWERED = "no answer"


@dataclass(frozen=True, slots=True)
class CaptionConfig:
    """`load` opens the captioner; its sampling and the tag; `limit` photos of each shard, None for all. Captions whose cosine
    with their photo, by the teacher `judge`, is below `least` are dropped. Workers in other processes unpickle it.
    """

    load: Callable[[], Captioner]
    sampling: SamplingSettings
    seed: int
    tag: str
    judge: str | None
    least: float | None
    cache: Path
    limit: int | None

    @contextmanager
    def open(self) -> Iterator[Captioning]:
        """Loads the captioner and the judging teacher.

        Raises:
            BundleError: a bundle is damaged.
            TrainerError: an address names no model.
            WeightsError: there is no such model, or it is damaged.
        """
        judge = open_teacher(self.judge, self.cache) if self.judge else None
        yield Captioning(self, self.load(), judge)


@dataclass(frozen=True, slots=True)
class Captioning:
    """Makes captioned shards."""

    config: CaptionConfig
    captioner: Captioner
    judge: Teacher | None

    def identity(self) -> dict[str, Any]:
        """Everything besides the source that the bytes of a shard depend on."""
        config = self.config
        configuration = {
            **asdict(config.sampling), "seed": config.seed, "tag": config.tag, "limit": config.limit, "least similarity": config.least
        }  # fmt: skip
        models = {"captioner": self.captioner, "judge": self.judge}
        named = {title: {"name": each.name, "digest": each.digest} for title, each in models.items() if each}
        return {"configuration": configuration, **named}

    @property
    def limit(self) -> int | None:
        """The configured limit."""
        return self.config.limit

    @property
    def trials(self) -> int:
        """One trial, so that no request is sent twice."""
        return 1 if self.captioner.is_remote else 2

    def samples(
        self, source: Path, outcome: ShardOutcome, limit: int | None
    ) -> Iterator[tuple[str, Mapping[str, bytes]]]:
        """The samples with captions.

        Raises:
            DataError: the source is missing.
            TrainerError: the captioner does not answer, or for no photo at all.
        """
        photos, captioned = 0, Counter[str]()
        pictured = _pictures(_fit(source, outcome, limit), outcome)
        while batch := list(itertools.islice(pictured, _BATCH)):
            for described, texts in self._captions(batch, outcome):
                photos += 1
                captioned.update(texts)
                yield described.group.key, self._joined(described, texts)
        if not photos and outcome.faults[UNANSWERED]:
            raise TrainerError(
                f"{self.captioner.name} has no answer for any photo of {source.name}; look at its log."
            )
        outcome.warning = _warning(captioned, photos)

    @staticmethod
    def keys(shard: Path) -> list[str]:
        """The keys of all groups."""
        return [group.key for group in grouped(shard)]

    def finish(self, folder: AnyPath, reports: Sequence[ShardReport], bar: Bar) -> list[str]:
        """Writes nothing; returns a sentence that counts kept and dropped captions."""
        del folder, bar
        totals = sum((Counter(each.counts) for each in reports), Counter[str]())
        written = totals.total() or 1
        dropped = [
            f"{totals[name]} {name} ({totals[name] / written:.1%})"
            for name in (BLANK, AGAIN, UNLIKE)
            if totals[name]
        ]
        return [f"{totals[KEPT]} captions; dropped: {', '.join(dropped) or 'none'}"]

    def _captions(
        self, batch: Sequence[_Pictured], outcome: ShardOutcome
    ) -> Iterator[tuple[_Pictured, list[str]]]:
        """The captioned photos, each with its kept captions; dropped ones are counted."""
        seeds = [seed_of(each.group.key, self.config.seed) for each in batch]
        answers = self.captioner.describe([each.picture for each in batch], seeds, self.config.sampling)
        described: list[_Pictured] = []
        captions: list[list[str]] = []
        for pictured, texts in zip(batch, answers, strict=True):
            if not texts:
                outcome.miss(pictured.group.key, UNANSWERED)
                continue
            sentences = [kept for text in texts if (kept := first_sentence(text))]
            captions.append(list(dict.fromkeys(sentences)))
            described.append(pictured)
            outcome.counts[BLANK] += len(texts) - len(sentences)
            outcome.counts[AGAIN] += len(sentences) - len(captions[-1])
        if self.judge is not None and (least := self.config.least) is not None:
            likes = _likeness(self.judge, described, captions)
            count = sum(map(len, captions))
            captions = [[text for text in texts if next(likes) >= least] for texts in captions]
            outcome.counts[UNLIKE] += count - sum(map(len, captions))
        outcome.counts[KEPT] += sum(map(len, captions))
        return zip(described, captions, strict=True)

    def _joined(self, pictured: _Pictured, texts: Sequence[str]) -> dict[str, bytes]:
        """The members of a sample with the texts appended to its tag."""
        joined = dict.fromkeys((*text_field(pictured.tagged, self.config.tag), *texts))
        if not joined:
            return dict(pictured.group.members)
        return retagged(
            pictured.group.members, pictured.group.key, {**pictured.tagged, self.config.tag: list(joined)}
        )


def _likeness(
    judge: Teacher, described: Sequence[_Pictured], captions: Sequence[Sequence[str]]
) -> Iterator[float]:
    """The cosine of each caption with its photo, in the order of the photos."""
    texts = [text for each in captions for text in each]
    if not texts:
        return iter(())
    photos = judge.photos([each.picture for each in described], [each.group.key for each in described])
    rows = np.repeat(photos, [len(each) for each in captions], axis=0)  # [texts, width]
    return iter((rows * judge.texts(texts)).sum(1).tolist())


def _warning(captioned: Counter[str], photos: int) -> str:
    """A warning if at least half of the photos have the same caption; `captioned` counts the photos of each caption."""
    ((text, count),) = captioned.most_common(1) or [("", 0)]
    if photos < _FEW or 2 * count < photos:
        return ""
    return f"{count} of {photos} photos have the caption “{text}”; check whether the captioner sees them, or only declines."


@dataclass(frozen=True, slots=True)
class _Pictured:
    """A sample with its earlier synthetic texts by tag, and its decoded photo."""

    group: SampleMembers
    tagged: Mapping[str, Any]
    picture: PIL.Image.Image


def _fit(
    shard: Path, outcome: ShardOutcome, limit: int | None
) -> Iterator[tuple[SampleMembers, Mapping[str, Any]]]:
    """The trainable samples of a shard with their synthetic texts; the others are counted by reason."""
    seen = set[str]()
    for _, group in trainable_samples(shard, outcome, seen, limit):
        if _REINFORCED & group.members.keys():
            outcome.miss(group.key, "reinforced already")  # new texts would have no embeddings
            continue
        try:
            texts_of(group.members, group.key)
            tagged = parse_tags(group.members.get("syn.json", b"{}"), group.key)
        except DataError:
            outcome.miss(group.key, "broken words")
            continue
        seen.add(group.key)
        yield group, tagged


def _pictures(
    samples: Iterator[tuple[SampleMembers, Mapping[str, Any]]], outcome: ShardOutcome
) -> Iterator[_Pictured]:
    """Samples with their photos, in order, decoded ahead."""
    with ThreadPoolExecutor(_THREADS) as threads:
        work = ((*each, threads.submit(decode_photo, each[0].photo, each[0].key)) for each in samples)
        for group, tagged, picture in prefetch(work, _BATCH):
            try:
                yield _Pictured(group, tagged, picture.result())
            except DataError:
                outcome.miss(group.key, "broken photo")
