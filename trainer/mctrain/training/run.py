"""A whole run: refuse what is not for training, build the corpus, train, write the checkpoint."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mctrain.data.corpus import build_corpus
from mctrain.data.refusal import refuse_evaluation, reserved
from mctrain.data.shards import file_digest, find_shards, samples
from mctrain.training.checkpoint import Checkpoint, Probe, save_checkpoint
from mctrain.training.loop import train

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mctrain.data.refusal import Reserved
    from mctrain.recipe import Recipe

    Bar = Callable[[str, int | None], Callable[[int, str], None]]

_PROBE_PHOTOS_A_SHARD = 8


@dataclass(frozen=True, slots=True)
class Finished:
    """A checkpoint and the file that holds it."""

    content: Checkpoint
    path: Path


def run_recipe(recipe: Recipe, data: Path, cache: Path, folder: Path, bar: Bar, *, threads: int) -> Finished:
    """Follows a recipe; every step that was finished before is found and not repeated.

    Raises:
        RefusalError: the recipe's files hold something that is for evaluation only.
        DataError: a file is missing or damaged.
        TrainerError: the folder holds a run of another recipe.
    """
    torch.set_num_threads(threads)
    table = recipe.data
    shards = find_shards(data, table.shards)
    texts = find_shards(data, [table.templates, table.translations])
    known = reserved(data, table.evaluation_shards, table.evaluation_texts)
    refuse_evaluation([*shards, *texts], known)
    corpus = build_corpus(table, data, cache, bar)
    epochs = bar("epochs", recipe.training.epochs)
    trained = train(recipe, corpus, folder, lambda loss: epochs(1, f"loss {loss:.3f}"))
    digests = {path.name: file_digest(path) for path in (*shards, *texts)}
    checkpoint = Checkpoint(recipe, trained.heads, trained.history, digests, _probe(shards, known))
    return Finished(checkpoint, save_checkpoint(folder, checkpoint))


def _probe(shards: Sequence[Path], known: Reserved) -> Probe:
    """A few photos of each shard, of those that are trained on, with one text each."""
    photos, texts = [], []
    for shard in shards:
        trained = (own for own in samples(shard) if not known.stands_apart(own.key, own.words))
        for sample in itertools.islice(trained, _PROBE_PHOTOS_A_SHARD):
            words = [*sample.words["captions"][:1], *sample.words.get("queries", ())[:1]]
            photos.append(sample.photo)
            texts += words or [sample.words["label"]]
    return Probe(tuple(photos), tuple(texts))
