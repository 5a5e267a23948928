"""Fine-tunes the upper layers of MiniLM on captions, with frozen photo features.

The heads trained along with it are discarded; a teacher's heads are fitted afterwards to the tuned trunk's vectors.
Progress is saved every few steps; a step depends only on the seed, its number and the state before it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mctrain.errors import RecipeError
from mctrain.models.minilm import LAYERS, PAD_ID, MiniLmShape
from mctrain.models.tokenizer import load_tokenizer
from mctrain.optimisation.optimizer import FitLoop, build_head_optimizer, rate_at
from mctrain.teachers.fit.corpus import draw_texts
from mctrain.teachers.fit.heads import FitProgress, Heads, as_tensor, class_name_loss, contrastive_loss

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor, nn

    from mctrain.models.clip import Clip
    from mctrain.models.minilm import MiniLM, MiniLmTower
    from mctrain.recipes.teaching import TeachingRecipe, TuningTable
    from mctrain.teachers.fit.corpus import Bar, Corpus
    from picsight_engine.bundles.tokenizer import Tokenizer

TUNED = "tuned.pt"
_SAVED_EVERY = 25  # steps
_SCORED = 2000  # texts that the z-scores of the text head are computed from
_TRUNK_DECAY = 0.01


class _Tuned(torch.nn.Module):
    """The trained parts: the trunk, and heads that are discarded."""

    def __init__(self, heads: Heads, trunk: MiniLM) -> None:
        super().__init__()
        self.heads = heads
        self.trunk = trunk


def tune(clip: Clip, corpus: Corpus, recipe: TeachingRecipe, folder: Path, bar: Bar) -> None:
    """Tunes the model's text trunk in place, from the saved progress in `folder` if any.

    Raises:
        RecipeError: it asks for more layers, photos or classes than there are.
        TrainerError: the folder holds a run of another recipe.
    """
    table = cast("TuningTable", recipe.tuning)
    _demand_enough(table, corpus)
    trunk = cast("MiniLmTower", clip.text).trunk
    heads = copy.deepcopy(Heads.from_clip(clip))
    heads.requires_grad_()
    read = load_tokenizer(MiniLmShape(0, 0.0, 0.0))
    heads.image.fit_scores(as_tensor(corpus.features[0]))
    heads.text.fit_scores(_vectors(trunk, read, corpus.texts[:: max(1, len(corpus.texts) // _SCORED)]))
    upper = trunk.tunable(table.layers)
    for parameter in upper:
        parameter.requires_grad = True
    model = _Tuned(heads, trunk)
    optimizer = _optimizer(heads, upper, table)
    progress = FitProgress(folder / TUNED, recipe, model, None, optimizer)
    history = progress.restore()
    report = bar("steps of tuning", table.steps)

    def at_rate(step: int) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, table.steps, table.warmup, group["peak"])

    def after_step() -> None:
        report(1, f"loss {history[-1]:.3f}")
        if len(history) % _SAVED_EVERY == 0 or len(history) == table.steps:
            progress.save(history)

    def losses(step: int) -> Iterator[Tensor]:
        yield _loss(model, corpus, read, recipe, step)

    FitLoop(optimizer, losses, at_rate, heads.clamp_scale, upper).run(history, table.steps, after_step)
    trunk.requires_grad_(requires_grad=False)


def _demand_enough(table: TuningTable, corpus: Corpus) -> None:
    wanted = {"layers": table.layers, "photos": table.batch, "classes": table.classes}
    there = {"layers": LAYERS, "photos": len(corpus.keys), "classes": len(corpus.prompts.starts) - 1}
    for kind, count in wanted.items():
        if not 1 <= count <= there[kind]:
            raise RecipeError(
                f"The tuning asks for {count} {kind} where there are {there[kind]}; give another number."
            )


def _optimizer(heads: Heads, upper: list[nn.Parameter], table: TuningTable) -> torch.optim.AdamW:
    """The optimizer: the trunk has a low learning rate, the heads have that of a fit."""
    optimizer = build_head_optimizer(heads.named_parameters(), table.weight_decay)
    for group in optimizer.param_groups:
        group["peak"] = table.head_rate
    optimizer.add_param_group({"params": upper, "weight_decay": _TRUNK_DECAY, "peak": table.rate})
    return optimizer


def _loss(model: _Tuned, corpus: Corpus, read: Tokenizer, recipe: TeachingRecipe, step: int) -> Tensor:
    """CLIP's loss with one text per photo, and the class-name loss of some classes."""
    table, training = cast("TuningTable", recipe.tuning), recipe.training
    draw = np.random.default_rng([training.seed, step, 1])
    torch.manual_seed(int(draw.integers(2**31)))  # for the heads' dropout
    photos = draw.choice(len(corpus.keys), table.batch, replace=False)
    views = draw.integers(0, corpus.features.shape[0], table.batch)
    rows = draw_texts(corpus, photos, training.queries, draw)
    classes = draw.choice(len(corpus.prompts.starts) - 1, table.classes, replace=False)
    prompts = corpus.prompts.draw(classes, draw.random(len(classes)))
    features, logits = (as_tensor(each[views, photos]) for each in (corpus.features, corpus.logits))
    ids = read.encode([corpus.texts[row] for row in (*rows, *prompts)])
    model.heads.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=training.bf16):
        sentences = model.trunk(torch.from_numpy(ids))  # [batch + classes, 384]
        words = model.heads.text(sentences).float()  # [batch + classes, dim]
        seen = model.heads.image(features, logits).float()  # [batch, dim]
    texts, names = words.split([table.batch, table.classes])
    scale = model.heads.scale()
    loss = contrastive_loss(seen, texts, torch.from_numpy(rows), scale)
    taught = torch.softmax(logits[:, classes], dim=1)
    return loss + training.distil * class_name_loss(seen, names, taught, scale)


@torch.no_grad()
def _vectors(trunk: MiniLM, read: Tokenizer, texts: tuple[str, ...]) -> Tensor:
    """[n, 384]."""
    ids = torch.from_numpy(read.encode(list(texts)))
    order = (ids != PAD_ID).sum(1).argsort()  # short ones together
    return torch.cat(
        [trunk(ids[rows, : int((ids[rows] != PAD_ID).sum(1).max())]) for rows in torch.split(order, 32)]
    )
