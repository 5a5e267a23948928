"""The training set in memory: features of all photos, vectors of all texts, their pairs, and the batches drawn from them.

The image head's branch and the class-name terms read probabilities. Logits of other networks or photo sizes have another
spread, so each network's are scaled until the mean entropy over the training photos equals Lite0's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.data.blanks import TRAINING, pack_blanks
from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.hard_negatives import hard_negative_of
from mctrain.data.phrasing import class_names, class_prompts, load_phrasing
from mctrain.data.shard_names import find_shards
from mctrain.data.shards import samples
from mctrain.data.texts import CAPTIONS, CLASSES, QUERIES
from mctrain.models import minilm
from mctrain.models.lite import is_plain
from mctrain.teachers.fit.features import cache_outputs, cached
from mctrain.teachers.fit.text_vectors import TrunkVectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.models.minilm import MiniLM
    from mctrain.recipes.teaching import DataTable, TrainingTable
    from mctrain.teachers.fit.features import Views

    Bar = Callable[[str, int | None], Callable[[int, str], None]]


_ENTROPY = 3.4  # nats, the mean over whole training photos at 224 pixels
_ROUNDS = 30  # bisection steps between 1/3 and 3
_PHOTOS = 2000  # enough for a mean within 0.01
_RANGE = (1 / 3, 3.0)


def entropy(logits: NDArray[np.float32]) -> float:
    """The mean entropy, in nats, of the probabilities of logits [n, classes]."""
    logs = torch.log_softmax(torch.from_numpy(logits), dim=1)
    return float(-(logs.exp() * logs).sum(1).mean())


def fit_factors(logits: NDArray[np.float16], views: Views) -> tuple[float, ...]:
    """A factor for each network's logits [networks, photos, classes] of whole photos."""
    if is_plain(views.networks, views.spec.size):
        return (1.0,)
    step = max(1, logits.shape[1] // _PHOTOS)
    return tuple(_factor(each[::step].astype(np.float32)) for each in logits)


def _factor(logits: NDArray[np.float32]) -> float:
    least, most = _RANGE
    for _ in range(_ROUNDS):
        middle = (least + most) / 2
        least, most = (middle, most) if entropy(logits * middle) > _ENTROPY else (least, middle)
    return round((least + most) / 2, 4)


def join(logits: NDArray[np.float16], factors: tuple[float, ...]) -> NDArray[np.float16]:
    """[views, networks, photos, classes] → their weighted means [views, photos, classes]."""
    weights = np.array(factors, np.float32) / len(factors)
    joined = np.empty((logits.shape[0], *logits.shape[2:]), np.float16)
    for view, of_view in enumerate(logits):
        joined[view] = np.einsum("npc,n->pc", of_view, weights, optimize=True)
    return joined


@dataclass(frozen=True, slots=True)
class FitFolders:
    """The data folder, and the cache folder, which may be deleted at any time."""

    data: Path
    cache: Path


@dataclass(frozen=True, slots=True)
class Ragged:
    """Concatenated lists of row numbers per photo: photo i owns `rows[starts[i]:starts[i + 1]]`."""

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def from_lists(cls, lists: Iterable[Sequence[int]]) -> Ragged:
        """Joins the lists."""
        lists = list(lists)
        starts = np.concatenate([[0], np.cumsum([len(rows) for rows in lists])]).astype(np.int64)
        return cls(np.array([row for rows in lists for row in rows], np.int64), starts)

    def draw(self, photos: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.int64]:
        """One row per photo, chosen by `chance` in [0, 1); -1 if a photo owns none."""
        counts = self.starts[photos + 1] - self.starts[photos]
        positions = self.starts[photos] + (chance * counts).astype(np.int64)
        if not len(self.rows):
            return np.full(len(photos), -1)
        return np.where(counts > 0, self.rows[np.minimum(positions, len(self.rows) - 1)], -1)


@dataclass(frozen=True, slots=True)
class Corpus:
    """The training data of the loop, without held-out photos.

    `shards` hold the photos, including blanks; `keys` and `rows` locate the photos in them. `features` [views, photos,
    networks * 1280] and `logits` [views, photos, 1000] are float16. `captions` and `queries` map photos to rows of
    `texts`, `prompts` map ImageNet classes, `contrasts` map texts. `factors` [networks] scale the joined logits.
    `vectors` [texts, 384] float16 are set once a trunk has embedded the texts.
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

    def with_text_vectors(self, trunk: MiniLM, cache: Path, bar: Bar) -> Corpus:
        """A copy with a trunk's vectors of the texts."""
        return replace(self, vectors=TrunkVectors(trunk, cache).of(self.texts, bar("texts", len(self.texts))))


def build_corpus(table: DataTable, views: Views, folders: FitFolders, bar: Bar, *, workers: int) -> Corpus:
    """Reads the texts, computes missing features and joins everything; `bar(title, total)` makes a progress display.

    Raises:
        DataError: a file is missing or damaged.
    """
    data, cache = folders.data, folders.cache
    shards = find_shards(data, table.shards)
    if table.blanks:
        shards.append(pack_blanks(TRAINING, table.blanks, cache))
    captions, queries, taken = _read_texts(shards, table, data)
    count = views.augmentation.views
    cache_outputs(shards, views, cache, bar("photo views", len(taken) * count), workers=workers)
    prompts = class_prompts(class_names(data, "imagenet"))
    everything = [text for each in (*captions, *queries) for text in each]
    contrasts = {
        text: contrast
        for text in (set(everything) if table.contrasts else ())
        if (contrast := hard_negative_of(text)) is not None
    }
    everything += [text for group in prompts for text in group]
    distinct = tuple(sorted({*everything, *contrasts.values()}))
    rows = {text: row for row, text in enumerate(distinct)}
    outputs = [_cached_view(shards, views, view, cache) for view in range(count)]
    keys = [key for key, kept in zip(outputs[0][0], taken, strict=True) if kept]
    logits = np.stack([each[:, taken] for _, _, each in outputs])
    photos = len(keys) - table.blanks  # blanks would distort the entropy
    factors = fit_factors(logits[0, :, :photos], views)
    return Corpus(
        shards=tuple(shards),
        keys=tuple(keys),
        rows=np.flatnonzero(taken),
        features=np.stack([each[taken] for _, each, _ in outputs]),
        logits=join(logits, factors),
        factors=factors,
        texts=distinct,
        captions=Ragged.from_lists([rows[text] for text in each] for each in captions),
        queries=Ragged.from_lists([rows[text] for text in each] for each in queries),
        prompts=Ragged.from_lists([rows[text] for text in group] for group in prompts),
        contrasts=Ragged.from_lists(
            [rows[contrasts[text]]] if text in contrasts else [] for text in distinct
        ),
        vectors=np.empty((0, minilm.WIDTH), np.float16),
    )


def _cached_view(
    shards: Sequence[Path], views: Views, view: int, cache: Path
) -> tuple[list[str], NDArray[np.float16], NDArray[np.float16]]:
    """One view of all photos, as `cached`."""
    seen = [cached(shard, views, view, cache) for shard in shards]
    keys, features, logits = zip(*seen, strict=True)
    return [key for each in keys for key in each], np.concatenate(features), np.concatenate(logits, axis=1)


def _read_texts(
    shards: Sequence[Path], table: DataTable, data: Path
) -> tuple[list[list[str]], list[list[str]], NDArray[np.bool_]]:
    """The captions and short queries of every training photo, in the order of the shards, and a mask of these among all photos."""
    phrasing = load_phrasing(data / table.templates, data / table.translations)
    known = shipped_digests()
    captions, queries, taken = list[list[str]](), list[list[str]](), list[bool]()
    for shard in shards:
        for sample in samples(shard):
            taken.append(not known.skips(sample.key, sample.record))
            if taken[-1]:
                words = phrasing.texts_of(sample.key, sample.members)
                made = words.synthetic
                captions.append([*words.human, *made.get(CAPTIONS, ())])
                queries.append(list(dict.fromkeys((*made.get(QUERIES, ()), *made.get(CLASSES, ())))))
    return captions, queries, np.array(taken, np.bool_)


@dataclass(frozen=True, slots=True)
class FitBatch:
    """Row numbers of the corpus: photos and views [n], texts [slots, n], a prompt per class [classes], contrasts [m] of the texts."""

    photos: NDArray[np.int64]
    views: NDArray[np.int64]
    texts: NDArray[np.int64]
    prompts: NDArray[np.int64]
    contrasts: NDArray[np.int64]


def batches(corpus: Corpus, rows: NDArray[np.int64], table: TrainingTable, epoch: int) -> Iterator[FitBatch]:
    """One epoch over photos, given by their rows, shuffled by seed and epoch; an incomplete last batch is dropped."""
    draw = np.random.default_rng([table.seed, epoch])
    order = draw.permutation(rows)
    for start in range(0, len(order) - table.batch + 1, table.batch):
        photos = order[start : start + table.batch]
        views = draw.integers(0, corpus.features.shape[0], len(photos))
        texts = np.stack(
            [draw_texts(corpus, photos, table.queries, draw) for _ in range(table.texts_a_photo)]
        )
        classes = np.arange(len(corpus.prompts.starts) - 1)
        prompts = corpus.prompts.draw(classes, draw.random(len(classes)))
        contrasts = np.unique(corpus.contrasts.draw(texts.reshape(-1), np.zeros(texts.size)))
        yield FitBatch(photos, views, texts, prompts, contrasts[contrasts >= 0])


def draw_texts(
    corpus: Corpus, photos: NDArray[np.int64], queries: float, draw: np.random.Generator
) -> NDArray[np.int64]:
    """One text per photo: a query with probability `queries`, or the other kind if the photo has only one."""
    captions = corpus.captions.draw(photos, draw.random(len(photos)))
    short = corpus.queries.draw(photos, draw.random(len(photos)))
    wants_short = draw.random(len(photos)) < queries
    return np.where((wants_short & (short >= 0)) | (captions < 0), short, captions)
