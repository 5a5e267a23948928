"""A whole fit: refuse evaluation data, build the corpus, fit both heads, then tune stages, or fit an image head per fold."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mctrain.atomic_files import open_atomic
from mctrain.data.checks.leakage import evaluation_digests, refuse_evaluation
from mctrain.data.shard_names import find_shards
from mctrain.data.shards import file_digest
from mctrain.errors import DataError, TrainerError
from mctrain.models.clip import build_clip, load_trunks
from mctrain.models.lite import JoinedNetworks, Lite
from mctrain.models.lite_stages import UpperStages
from mctrain.models.presets import preset_of
from mctrain.recipes.parser import load
from mctrain.recipes.teaching import TEACH, TeachingRecipe
from mctrain.teachers.fit.corpus import build_corpus
from mctrain.teachers.fit.features import Views, cache_outputs, open_maps
from mctrain.teachers.fit.heads import Classifier, FitData, Heads, as_tensor, fit
from mctrain.teachers.fit.tuning import tune
from mctrain.teachers.folds import fold_of, save_folds
from mctrain.weights.checkpoint import (
    CHECKPOINT,
    Checkpoint,
    HeadFit,
    load_checkpoint,
    overwrite_error,
    save_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from mctrain.models.clip import Clip
    from mctrain.models.lite import LiteTower
    from mctrain.models.minilm import MiniLmTower
    from mctrain.recipes.teaching import StagesTable
    from mctrain.teachers.fit.corpus import Bar, Corpus, FitFolders


PROGRESS = "progress.pt"
DATA = "data.json"


def tune_stages(
    clip: Clip, data: FitData, recipe: TeachingRecipe, progress_file: Path, report: Callable[[float], None]
) -> tuple[float, ...]:
    """Tunes the upper stages of a single image network in place, together with its fitted heads, from the last finished epoch
    in `progress_file` if any; returns the mean loss of each epoch.

    BatchNorm statistics and the classifier are frozen. The classifier's output on the original features is the target;
    its output on the tuned features is the branch's input.

    Raises:
        TrainerError: as `fit`.
    """
    table = cast("StagesTable", recipe.stages)
    assert data.maps is not None
    trunk = cast("LiteTower", clip.image).trunk
    network = cast("Lite", trunk.networks[0]) if isinstance(trunk, JoinedNetworks) else trunk
    numbers = torch.bfloat16 if recipe.training.bf16 else torch.float32
    stages = UpperStages(network, table.first, data.maps.side, numbers)
    heads = Heads.from_clip(clip, stages)
    heads.requires_grad_()
    before = copy.deepcopy(heads.state_dict())
    training = replace(
        recipe.training,
        epochs=table.epochs,
        rate=table.head_rate,
        warmup=table.warmup,
        distil=table.distil,
        pseudo=table.pseudo,
    )
    history = fit(heads, data, replace(recipe, training=training), progress_file, report)
    tuned = heads.state_dict()
    heads.load_state_dict({name: torch.lerp(each, tuned[name], table.moved) for name, each in before.items()})
    stages.write_back(network, table.first)
    return history


@dataclass(frozen=True, slots=True)
class Fitted:
    """A checkpoint and its file."""

    content: Checkpoint
    path: Path
    history: tuple[float, ...]


def teach(
    recipe: TeachingRecipe, folders: FitFolders, folder: Path, bar: Bar, *, threads: int, workers: int = 1
) -> Fitted:
    """Follows a recipe; finished steps are not repeated.

    Raises:
        LeakageError: the recipe's files hold evaluation data.
        DataError: a file is missing or damaged.
        TrainerError: the folder holds a run of another recipe or other files, or another checkpoint.
    """
    torch.set_num_threads(threads)
    table, root = recipe.data, folders.data
    files = [*find_shards(root, table.shards), *find_shards(root, [table.templates, table.translations])]
    refuse_evaluation(files, evaluation_digests(root, table.evaluation_shards, table.evaluation_texts))
    learnt = {path.name: file_digest(path) for path in files}
    _demand_same_data(folder, learnt)
    preset = preset_of(recipe.model)
    torch.manual_seed(recipe.training.seed)
    clip = build_clip(preset, scale=recipe.training.temperature)
    load_trunks(clip, preset)
    clip.requires_grad_(requires_grad=False)
    views = Views(recipe.augmentation, recipe.training.seed, recipe.model.networks, preset.image_spec())
    corpus = build_corpus(table, views, folders, bar, workers=workers)
    trunk = cast("MiniLmTower", clip.text).trunk
    if recipe.text:
        tuned = load_checkpoint(Path(fitted_path(recipe.text, folders, bar))).clip.text
        trunk.load_state_dict(cast("MiniLmTower", tuned).trunk.state_dict())
    if recipe.tuning is not None:
        tune(clip, corpus, recipe, folder, bar)
    corpus = corpus.with_text_vectors(trunk, folders.cache, bar)
    data = FitData(corpus, np.arange(len(corpus.keys)), _classifier(clip, corpus, recipe))
    history = _fit_heads(clip, data, recipe, folder, bar)
    if recipe.stages is not None:
        seen = bar("views before the stages", len(corpus.keys) * recipe.augmentation.views)
        views = replace(views, first=recipe.stages.first)
        cache_outputs(corpus.shards, views, folders.cache, seen, workers=workers)
        maps = open_maps(corpus.shards, corpus.rows, views, folders.cache)
        report = _reporter(bar("epochs of the stages", recipe.stages.epochs))
        history += tune_stages(clip, replace(data, maps=maps), recipe, folder / f"stages.{PROGRESS}", report)
    run = HeadFit(recipe, history, learnt)
    checkpoint = Checkpoint(preset, clip.eval().requires_grad_(requires_grad=False), run)
    return Fitted(checkpoint, save_checkpoint(folder, checkpoint), history)


def fitted_path(title: str, folders: FitFolders, bar: Bar) -> str:
    """The path of a model; a `teach:RECIPE` is fitted first, into the cache.

    Raises:
        TrainerError: as `teach`.
    """
    if not title.startswith(TEACH):
        return title
    recipe = load(TeachingRecipe, title.removeprefix(TEACH))
    folder = folders.cache / f"teacher-{recipe.name}-{recipe.digest()}"
    if not (folder / CHECKPOINT).exists():  # written last
        teach(recipe, folders, folder, bar, threads=1)
    return str(folder)


def _demand_same_data(folder: Path, learnt: dict[str, str]) -> None:
    """Records the digests of a run's files, or compares them with the recorded ones.

    A folder with a checkpoint but no fit is refused: the fit would overwrite the checkpoint.
    """
    path = folder / DATA
    if not path.exists():
        made = folder / CHECKPOINT
        if made.exists() and not (folder / PROGRESS).exists():
            raise overwrite_error(made)
        with open_atomic(path) as file:
            file.write(json.dumps(learnt, indent=1).encode())
        return
    try:
        begun = json.loads(path.read_bytes())
    except ValueError as fault:
        raise DataError(f"{path} is damaged; choose another folder with -o.") from fault
    if begun != learnt:
        raise TrainerError(f"{folder} holds a run of other photos or texts; choose another folder with -o.")


def _classifier(clip: Clip, corpus: Corpus, recipe: TeachingRecipe) -> Classifier | None:
    """The trunk's classifier, if a loss needs it; applies the corpus's factors to its logits."""
    trunk = cast("LiteTower", clip.image).trunk
    if isinstance(trunk, JoinedNetworks):
        trunk.factors.copy_(torch.tensor(corpus.factors))
    if not recipe.training.pseudo and recipe.stages is None:
        return None
    return Classifier.fit(*trunk.last_layer(), as_tensor(corpus.features[0]))


def _fit_heads(
    clip: Clip, data: FitData, recipe: TeachingRecipe, folder: Path, bar: Bar
) -> tuple[float, ...]:
    """Fits both heads on all photos; then, in the same space, an image head without the photos of each fold."""
    corpus = data.corpus
    heads = Heads.from_clip(clip)
    heads.requires_grad_()
    heads.image.fit_scores(as_tensor(corpus.features[0]))
    heads.text.fit_scores(as_tensor(corpus.vectors))
    begun = copy.deepcopy(heads.image)
    report = _reporter(bar("epochs", recipe.training.epochs))
    history = fit(heads, data, recipe, folder / PROGRESS, report)
    folds = np.array([fold_of(key, recipe.training.folds) for key in corpus.keys])
    parts: list[dict[str, Tensor]] = []
    for fold in range(recipe.training.folds):
        short = replace(recipe, training=replace(recipe.training, epochs=recipe.training.fold_epochs))
        kept = Heads(copy.deepcopy(begun).requires_grad_(), heads.text, heads.logit_scale)
        kept.freeze_space()
        rows = np.flatnonzero(folds != fold)
        report = _reporter(bar(f"epochs without fold {fold}", short.training.epochs))
        fit(kept, replace(data, photos=rows), short, folder / f"fold-{fold}.{PROGRESS}", report)
        parts.append(kept.image.state_dict())
    if parts:
        save_folds(folder, parts)
    return history


def _reporter(progress: Callable[[int, str], None]) -> Callable[[float], None]:
    return lambda loss: progress(1, f"loss {loss:.3f}")
