"""A step follows its recipe: data, frozen parts, averages, precision, memory."""

from __future__ import annotations

import copy
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL.Image import Resampling
from tests.trainer.conftest import changed_tensors, write_shard
from tests.trainer.training.conftest import RECIPE, RecordedReporter, learn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.data.shards import grouped, members
from mctrain.data.texts import texts_of
from mctrain.errors import DataError, RecipeError, TrainerError
from mctrain.models.clip import build_clip
from mctrain.models.lite import LiteShape
from mctrain.models.presets import PRESETS, preset_of
from mctrain.models.tokenizer import load_tokenizer
from mctrain.recipes.parser import load
from mctrain.recipes.tables import ModelTable
from mctrain.recipes.training import TrainingRecipe
from mctrain.training.run import Start, open_training
from mctrain.training.step.ranks import Rank
from mctrain.training.step.student import build_student
from mctrain.weights.checkpoint import Checkpoint, WeightsFile, states

PLAIN = (
    "augmentation.kind=weak",
    "augmentation.views=1",
    "augmentation.least_area=0.5",
    "augmentation.mirror=true",
    "loss.distil=0",
    "data.bank=0",
)
CPU = torch.device("cpu")


def weights(clip):
    return {name: tensor.clone() for name, tensor in clip.state_dict().items()}


def test_plain_photos_are_trained_with_their_first_caption(opened):
    run = opened(*PLAIN, 'data.captions="first"', 'data.synthetic=""', "run.steps=2")
    batches = list(run.feed.batches(0, 2))
    assert [tuple(map(len, batch.ids)) for batch in batches] == [(8, 0, 0)] * 2
    assert batches[0].teacher.photos.shape == (8, 0)
    before = weights(run.student.clip)
    losses = learn(run, batches)
    assert losses[0] > 1
    assert changed_tensors(before, run.student.clip.state_dict())


def test_the_steps_after_a_restart_are_those_of_the_whole_run(opened):
    run = opened()
    whole = list(run.feed.batches(0, 5))
    for one, other in zip(whole[3:], run.feed.batches(3, 5), strict=True):
        assert one.pixels.shape[-1] == 32
        assert torch.equal(one.pixels, other.pixels)
        assert all(torch.equal(a, b) for a, b in zip(one.ids, other.ids, strict=True))


def test_frozen_parts_and_the_statistics_of_held_norms_stay(opened):
    run = opened(
        'optimizer.rules=[{ part = "image", factor = 0 }, { part = "image.head", factor = 1 }]', 'optimizer.held=["image"]',
        "optimizer.average=0", "run.parts=2",
    )  # fmt: skip
    before = weights(run.student.clip)
    learn(run, run.feed.batches(0, 2))
    changed = changed_tensors(before, run.student.clip.state_dict())
    assert {name for name in changed if name.startswith("image")} == {"image.head.weight", "image.head.bias"}
    assert any("running_mean" in name for name in changed)  # of the text tower
    assert "logit_scale" in changed


def test_augmentation_ranges_learn_from_the_loss_of_the_towers(opened, randomised, monkeypatch):
    """The gradient is the slope of the loss; the term of the ranges is switched off here."""
    monkeypatch.setattr("mctrain.training.step.range_augment._WEIGHT", 0.0)

    def step(change):
        changes = ("run.range_augment=true", "run.parts=2", 'optimizer.held=["image", "text"]')
        run = opened(*changes, "optimizer.average=0")
        randomised(run.student.clip)
        ranges = run.student.augment.brightness
        for bound in (ranges.low, ranges.high):
            bound.data.fill_(0.0)
        ranges.high.data.add_(change)
        return learn(run, run.feed.batches(0, 1))[0], ranges.high.grad.item()

    slope = (step(1e-3)[0] - step(-1e-3)[0]) / 2e-3
    assert step(0.0)[1] == pytest.approx(slope, rel=0.1)


def test_recomputed_blocks_give_the_same_gradients_and_count_a_batch_once(opened):
    runs = [
        opened(f"run.recompute={recompute}", "run.parts=2", "optimizer.average=0")
        for recompute in ("false", "true")
    ]
    for run in runs:
        learn(run, run.feed.batches(0, 1))
    one, other = (run.student.clip for run in runs)
    for (name, parameter), again in zip(one.named_parameters(), other.parameters(), strict=True):
        assert parameter.grad is None or torch.equal(parameter.grad, again.grad), name
    assert not changed_tensors(weights(one), other.state_dict())
    counts = {int(buffer) for name, buffer in other.named_buffers() if name.endswith("num_batches_tracked")}
    assert counts == {2}


def test_pretrained_towers_are_recomputed_with_the_same_dropout(recipe_of):
    """Lite0 and MiniLM at a small size, with the dropout and blocks of the large ones."""
    recipe = recipe_of()
    recipe = replace(recipe, towers=None, optimizer=replace(recipe.optimizer, rules=(), average=0.0))
    preset = preset_of(ModelTable(("lite0",), 64, 16, 8, 8, 0.2, 0.1, 0.2, 0.1, 0.0))
    torch.manual_seed(0)
    begun = Checkpoint(preset, build_clip(preset), WeightsFile("", "", "picsight"))
    pixels, ids = torch.rand(4, 3, 64, 64), torch.randint(1, 1000, (4, 6))
    found = []
    for again in (False, True):
        start = replace(begun, clip=copy.deepcopy(begun.clip))
        clip = build_student(replace(recipe, run=replace(recipe.run, recompute=again)), start, CPU).clip
        torch.manual_seed(3)
        photos, texts, _ = clip(pixels, ids)
        (photos @ texts.T).square().sum().backward()
        found.append(clip)
    for (name, parameter), other in zip(found[0].named_parameters(), found[1].parameters(), strict=True):
        assert parameter.grad is None or torch.equal(parameter.grad, other.grad), name
    assert not changed_tensors(weights(found[0]), found[1].state_dict())


@pytest.mark.parametrize(
    ("image", "size", "layout"),
    [("laptop_xxs", 32, torch.contiguous_format), ("lite0", 64, torch.channels_last)],
)
def test_channels_may_come_last_if_the_tower_supports_it(opened, image, size, layout):
    """The losses differ only by rounding. An MCi tower keeps its layout, since torch crashes with it on a CPU."""
    towers = (f"towers.image={image}", f"towers.size={size}", "optimizer.rules=[]", "run.batch=2")
    plain, last = (opened(*towers, f"run.channels_last={last_first}") for last_first in ("false", "true"))
    batch = next(last.feed.batches(0, 1))
    seen = []
    last.student.clip.image.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    losses = [learn(run, [batch] * 2) for run in (plain, last)]
    assert losses[1][0] == pytest.approx(losses[0][0], rel=1e-4)
    assert losses[1][1] == pytest.approx(losses[0][1], rel=1e-2)  # a step enlarges what was rounded
    kernels = [
        kernel
        for kernel in last.student.clip.image.parameters()
        if kernel.ndim == 4 and min(kernel.shape[1:]) > 1
    ]
    assert all(tensor.is_contiguous(memory_format=layout) for tensor in (*kernels, *seen))
    assert kernels
    assert len(seen) == 2


@pytest.mark.parametrize("kind", ["bf16", pytest.param("fp16", marks=pytest.mark.soak)])
def test_half_precision_trains_nearly_as_float32(opened, kind):
    """Float16 works on a CPU, slowly; its first scales overflow, and these steps are skipped."""
    exact = opened("run.steps=3", "optimizer.average=0")
    wanted = learn(exact, exact.feed.batches(0, 1))
    run = opened("run.steps=6", f"run.precision={kind}", "optimizer.average=0")
    before = weights(run.student.clip)
    losses = learn(run, run.feed.batches(0, 6))
    assert losses[0] == pytest.approx(wanted[0], rel=0.1)
    assert len(changed_tensors(before, run.student.clip.state_dict())) > 100
    assert all(parameter.dtype == torch.float32 for parameter in run.student.clip.parameters())


def test_divergence_is_one_sentence_and_the_last_state_remains(run_in, tmp_path):
    with pytest.raises(TrainerError, match="is not finite"):
        run_in(tmp_path, "optimizer.rate=1e9", "run.save_every=1", "run.steps=50", "optimizer.warmup=0")
    state = torch.load(states(tmp_path)[-1], weights_only=True)["state"]
    assert all(tensor.isfinite().all() for tensor in state["weights"].values())


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        (["run.batch=25"], RecipeError, "24 samples do not fill a batch of 25"),
        (["run.parts=5"], RecipeError, "has 8 photos a step, too few for 5 parts"),
        (["run.batch=1"], RecipeError, "has 1 photos a step, too few for 1 parts"),
        (["towers.image=mobileclip_b"], RecipeError, "accepts photos of 224 pixels only, not of 32"),
        (["loss.scales=[1.0]"], RecipeError, "has 1 scales for 2 teachers"),
        (['optimizer.held=["tail"]'], RecipeError, "no BatchNorm in tail"),
        (['data.shards=["none.tar"]'], DataError, "There is no file none.tar"),
    ],
)  # fmt: skip
def test_an_impossible_setting_is_refused_before_the_first_step(opened, changes, kind, sentence):
    with pytest.raises(kind, match=sentence):
        opened(*changes)


def test_unusable_samples_are_counted_at_the_end(run_in, places, reinforced_set, tmp_path):
    """One of ten samples has no photo."""
    parts = [
        (f"{key}.{suffix}", content)
        for key, suffix, content in members(reinforced_set / "0.tar")
        if suffix != "jpg" or key != min(first for first, *_ in members(reinforced_set / "0.tar"))
    ]
    shutil.copytree(reinforced_set, tmp_path / "set")
    write_shard(tmp_path / "set" / "0.tar", parts)
    reporter = RecordedReporter()
    changed_places = replace(places, photos=tmp_path / "set")
    run_in(tmp_path / "run", "run.steps=1", 'data.shards=["0.tar"]', places=changed_places, reporter=reporter)
    assert reporter.lines[-1] == "samples skipped: 1 no photo"


def test_views_of_frozen_towers_are_computed_once_and_taken_in_turn(recipe_of, places, tmp_path):
    """The first of them is the whole photo; the next turn has the captions of other views."""
    shape = LiteShape(("lite0",), hidden=16, dropout=0.5, input_dropout=0.2, branch=1.0)
    preset = replace(PRESETS["laptop_xxs"], image=shape, size=32)
    start = Checkpoint(preset, build_clip(preset), WeightsFile("w.pt", "0" * 64, "picsight"))
    path = tmp_path / "frozen.toml"
    path.write_text(re.sub(r"\[towers\][^[]*", "", RECIPE), encoding="utf-8")
    rules = "optimizer.rules=[{ part='image.trunk', factor=0 }, { part='text', factor=0 }]"
    changes = (*PLAIN, "augmentation.views=2", 'data.synthetic=""', rules, "run.steps=12")
    recipe = load(TrainingRecipe, str(path), changes)
    run = open_training(recipe, Start(start, ""), places, Rank(), workers=0)
    steps = list(run.feed.batches(0, 12))
    clip, tokenizer = run.student.clip.eval(), load_tokenizer(preset.text)
    groups = [group for shard in sorted(places.photos.glob("*.tar")) for group in grouped(shard)]
    captions = [texts_of(group.members).human for group in groups]
    photos = [
        torch.from_numpy(np.array(g.image().resize((32, 32), Resampling.BICUBIC))).permute(2, 0, 1)
        for g in groups
    ]
    pixels = torch.stack(photos).float() / 255
    with torch.no_grad():
        whole = F.normalize(clip.image(pixels), dim=1)
        vectors = [
            F.normalize(clip.text(torch.from_numpy(tokenizer.encode(each))), dim=1) for each in captions
        ]
    drawn = {}
    for number, step in enumerate(steps):
        with torch.no_grad():
            made, texts, _ = run.student.model(step.pixels, step.ids[0])
        for row, (photo, text) in enumerate(zip(made, texts, strict=True)):
            place = int((whole @ photo).argmax())
            nearest = float(whole[place] @ photo)
            assert (nearest > 0.999999) == (number // 3 % 2 == 0), (number, row)
            if nearest > 0.999999:
                said = int((vectors[place] @ text).argmax())
                assert float(vectors[place][said] @ text) > 0.9999
                drawn.setdefault(place, []).append(said)
    assert sorted(map(len, drawn.values())) == [2] * 24
    assert len({place for place, said in drawn.items() if said[0] != said[1]}) > 5
    before = weights(run.student.clip)
    losses = learn(run, steps)
    assert losses[-1] < losses[0]
    assert all(
        name.startswith(("image.head.", "logit_scale"))
        for name in changed_tensors(before, run.student.clip.state_dict())
    )
