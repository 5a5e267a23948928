"""A whole run: embeds the decided photos, trains the image head, compares, and writes the checkpoint."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mctrain.data.held_out import is_held_out
from mctrain.data.shard_names import find_shards
from mctrain.data.shards import count_photos, file_digest
from mctrain.errors import WeightsError
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.measure import measure
from mctrain.evaluation.tasks import find_files
from mctrain.paths import on_disk
from mctrain.recipes.training import DECISIONS, SHARDS
from mctrain.training.comparison import compare, everyday_words, overlap
from mctrain.training.decisions.head import (
    DecisionData,
    TagWords,
    compared,
    fit,
    judge_tags,
    judged_tags,
    too_few,
)
from mctrain.training.decisions.trunk import BundleTrunk, HeadTeacher, embed, embed_decided
from mctrain.weights.checkpoint import CHECKPOINT, Trained, load_checkpoint, overwrite_error, save_checkpoint
from mctrain.weights.from_bundle import read_bundle
from picsight_engine.bundles.bundle import MANIFEST, open_bundle

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from mctrain.models.lite import LiteTower
    from mctrain.recipes.training import DecisionsRecipe
    from mctrain.training.decisions.head import TagScores
    from mctrain.training.environment import RunFolders
    from mctrain.weights.checkpoint import Compared

    Bar = Callable[[str, int | None], Callable[[int, str], None]]


@dataclass(frozen=True, slots=True)
class LearnResult:
    """The checkpoint's file, its scores on held-out photos by tag, and the tags with too few of them.

    `skipped` counts unusable samples and those without a decision, by reason.
    """

    path: Path
    tags: tuple[TagScores, ...]
    too_few: tuple[str, ...]
    sets: tuple[Compared, ...]
    skipped: Counter[str]


def learn(recipe: DecisionsRecipe, begin: Path, folders: RunFolders, folder: Path, bar: Bar) -> LearnResult:
    """Makes a checkpoint of the bundle `begin` with its image head trained on the decisions in the shards.

    Raises:
        DataError: there are too few decisions, or a shard or a set is damaged.
        WeightsError: the bundle is not on our trunks, or the checkpoint cannot be written.
        TrainerError: the folder holds a checkpoint of another kind, or the loss is not finite.
    """
    _demand_free(folder / CHECKPOINT)
    shards = find_shards(on_disk(folders.photos, "Decisions are read from a disk"), SHARDS)
    bundle, begun = open_bundle(begin, hashes=True), read_bundle(begin)
    tower = cast("LiteTower", begun.clip.image)
    with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
        sets = find_files(folders.tasks, folders.data, Path(scratch)) if folders.data else []
        trunk = BundleTrunk(bundle, Path(scratch))
        decided = embed_decided(shards, trunk, bar("photos", sum(map(count_photos, shards))))
        kept = np.array([is_held_out(key, recipe.apart.share) for key in decided.keys])
        held_out, learnt = decided.where(kept), decided.where(~kept)
        judged_tags(held_out, recipe.decisions.least)  # raises before the fit
        words, scale = trunk.texts(everyday_words()), begun.clip.scale().item()
        decision_data = DecisionData(
            learnt, TagWords.from_words(learnt.words, trunk), torch.from_numpy(words), scale
        )
        heads = (tower.head, fit(tower.head, decision_data, recipe, bar("steps", recipe.decisions.steps)))
        judged = judge_tags(heads, held_out, decision_data.tags, recipe.decisions.least)
        before, after = (embed(each, held_out.given) for each in heads)
        progress = bar("photos of sets", None)
        models = [EvaluatedModel(HeadTeacher(trunk, each), progress) for each in heads]
        results = (
            compared(judged, held_out),
            overlap((before, after), (words, words), scale),
            *(compare(found.task.name, *(measure(each, found) for each in models)) for found in sets),
        )
    tower.head.load_state_dict(heads[1].state_dict())
    origin = Trained(
        recipe=asdict(recipe),
        steps=recipe.decisions.steps,
        begun=file_digest(begin / MANIFEST),
        data={shard.name: file_digest(shard) for shard in shards},
        score=None,
        photos=len(learnt.keys),
        compared=results,
    )
    path = save_checkpoint(folder, replace(begun, origin=origin))
    return LearnResult(
        path, tuple(judged), tuple(too_few(held_out, recipe.decisions.least)), results, decided.skipped
    )


def _demand_free(path: Path) -> None:
    """Refuses to overwrite any checkpoint but an earlier fit's, which is repeated in minutes as decisions grow."""
    if not path.exists():
        return
    try:
        origin = load_checkpoint(path).origin
    except WeightsError as fault:
        raise overwrite_error(path) from fault
    if not (isinstance(origin, Trained) and DECISIONS in origin.recipe):
        raise overwrite_error(path)
