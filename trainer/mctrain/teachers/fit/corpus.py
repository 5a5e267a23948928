"""The training set in memory: cached features of all photos, vectors of all texts, and which text belongs to which photo."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.blanks import TRAINING, pack_blanks
from mctrain.data.classes import class_names, class_prompts
from mctrain.data.contrasts import contrast_of
from mctrain.data.named import find_shards
from mctrain.data.phrasing import load_phrasing
from mctrain.data.refusal import shipped
from mctrain.data.shards import samples
from mctrain.data.words import CAPTIONS, CLASSES, QUERIES
from mctrain.models import minilm
from mctrain.teachers.fit.features import cache_features, cached
from mctrain.teachers.fit.sentences import Sentences
from mctrain.teachers.fit.sureness import fit_factors, join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.models.minilm import MiniLM
    from mctrain.recipes.fit import DataTable
    from mctrain.teachers.fit.features import Views

    Bar = Callable[[str, int | None], Callable[[int, str], None]]


@dataclass(frozen=True, slots=True)
class Places:
    """Folders: the data's, and that of what is computed of them, which may be deleted at any time."""

    data: Path
    cache: Path


@dataclass(frozen=True, slots=True)
class Ragged:
    """A list of row numbers for each photo, end to end: photo i owns `rows[starts[i]:starts[i + 1]]`."""

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, lists: Iterable[Sequence[int]]) -> Ragged:
        """Joins the lists."""
        lists = list(lists)
        starts = np.concatenate([[0], np.cumsum([len(rows) for rows in lists])]).astype(np.int64)
        return cls(np.array([row for rows in lists for row in rows], np.int64), starts)

    def draw(self, photos: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.int64]:
        """One row for each photo, `chance` in [0, 1) choosing it; -1 where a photo owns none."""
        counts = self.starts[photos + 1] - self.starts[photos]
        places = self.starts[photos] + (chance * counts).astype(np.int64)
        if not len(self.rows):
            return np.full(len(photos), -1)
        return np.where(counts > 0, self.rows[np.minimum(places, len(self.rows) - 1)], -1)


@dataclass(frozen=True, slots=True)
class Corpus:
    """All that the loop reads, without the photos that stand apart.

    `shards` that hold the photos, blanks among them, the photos' `keys`, and their `rows` among all that the shards hold; `features` [views, photos, networks * 1280] and `logits` [views, photos, 1000] float16;
    `captions` and `queries` point from photos to rows of `texts`, `prompts` from ImageNet classes, `contrasts` from texts;
    `factors` [networks] are those of the joined logits. `vectors` [texts, 384] float16 are there once a trunk has seen the texts.
    """

    shards: tuple[Path, ...]
    keys: tuple[str, ...]
    rows: NDArray[np.int64]
    features: NDArray[np.float16]
    logits: NDArray[np.float16]
    factors: tuple[float, ...]
    texts: tuple[str, ...]
    captions: Ragged
    queries: Ragged
    prompts: Ragged
    contrasts: Ragged
    vectors: NDArray[np.float16]

    def seen_by(self, trunk: MiniLM, cache: Path, bar: Bar) -> Corpus:
        """With the vectors that a trunk gives for its texts."""
        return replace(self, vectors=Sentences(trunk, cache).of(self.texts, bar("texts", len(self.texts))))


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts of one photo: sentences about it, and short words that should find it."""

    captions: tuple[str, ...]
    queries: tuple[str, ...]


def build_corpus(table: DataTable, views: Views, places: Places, bar: Bar, *, workers: int) -> Corpus:
    """Reads the texts, caches what is missing of the photos and joins everything; `bar(title, total)` makes a progress display.

    Raises:
        DataError: a file is missing or damaged.
    """
    data, cache = places.data, places.cache
    shards = find_shards(data, table.shards)
    if table.blanks:
        shards.append(pack_blanks(TRAINING, table.blanks, cache))
    texts, taken = _read_texts(shards, table, data)
    count = views.augmentation.views
    cache_features(shards, views, cache, bar("photo views", len(taken) * count), workers=workers)
    prompts = class_prompts(class_names(data, "imagenet"))
    everything = [text for own in texts for text in (*own.captions, *own.queries)]
    contrasts = _contrasts(everything) if table.contrasts else {}
    everything += [text for group in prompts for text in group]
    distinct = tuple(sorted({*everything, *contrasts.values()}))
    rows = {text: row for row, text in enumerate(distinct)}
    looks = [_looks(shards, views, view, cache) for view in range(count)]
    keys = [key for key, kept in zip(looks[0][0], taken, strict=True) if kept]
    logits = np.stack([own[:, taken] for _, _, own in looks])
    photos = len(keys) - table.blanks  # how sure a network is of what shows nothing measures nothing
    factors = fit_factors(logits[0, :, :photos], views)
    return Corpus(
        shards=tuple(shards),
        keys=tuple(keys),
        rows=np.flatnonzero(taken),
        features=np.stack([own[taken] for _, own, _ in looks]),
        logits=join(logits, factors),
        factors=factors,
        texts=distinct,
        captions=Ragged.of([rows[text] for text in own.captions] for own in texts),
        queries=Ragged.of([rows[text] for text in own.queries] for own in texts),
        prompts=Ragged.of([rows[text] for text in group] for group in prompts),
        contrasts=Ragged.of([rows[contrasts[text]]] if text in contrasts else [] for text in distinct),
        vectors=np.empty((0, minilm.WIDTH), np.float16),
    )


def _contrasts(texts: Iterable[str]) -> dict[str, str]:
    """Of each text that has one."""
    found = ((text, contrast_of(text)) for text in set(texts))
    return {text: contrast for text, contrast in found if contrast is not None}


def _looks(
    shards: Sequence[Path], views: Views, view: int, cache: Path
) -> tuple[list[str], NDArray[np.float16], NDArray[np.float16]]:
    """One view of all photos: their keys, features [photos, networks * 1280] and logits [networks, photos, 1000]."""
    keys: list[str] = []
    features, logits = [], []
    for shard in shards:
        seen = cached(shard, views, view, cache)
        keys += seen[0].keys.tolist()
        features.append(np.concatenate([own.features for own in seen], axis=1))
        logits.append(np.stack([own.logits for own in seen]))
    return keys, np.concatenate(features), np.concatenate(logits, axis=1)


def _read_texts(
    shards: Sequence[Path], table: DataTable, data: Path
) -> tuple[list[_Texts], NDArray[np.bool_]]:
    """The texts of every photo that is trained on, in the order of the shards, and which of all photos these are."""
    phrasing = load_phrasing(data / table.templates, data / table.translations)
    known = shipped()
    texts: list[_Texts] = []
    taken: list[bool] = []
    for shard in shards:
        for sample in samples(shard):
            taken.append(not known.stands_apart(sample.key, sample.words))
            if taken[-1]:
                words = phrasing.words_of(sample.key, {"json": json.dumps(sample.words).encode()})
                made = words.synthetic
                queries = dict.fromkeys((*made.get(QUERIES, ()), *made.get(CLASSES, ())))
                texts.append(_Texts((*words.human, *made.get(CAPTIONS, ())), tuple(queries)))
    return texts, np.array(taken, np.bool_)
