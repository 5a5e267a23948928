"""What a recipe says of a step happens in it: data, sizes, frozen parts, averages, precision, memory."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from tests.trainer.conftest import write_shard
from tests.trainer.training.conftest import Heard, learn

from mctrain.data.shards import members
from mctrain.errors import DataError, RecipeError, TrainerError
from mctrain.recipes.tables import ModelTable
from mctrain.training.student import build_student
from mctrain.weights.checkpoint import states

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
    return {name: own.clone() for name, own in clip.state_dict().items()}


def moved(before, after):
    return {name for name, own in before.items() if not torch.equal(own, after[name])}


def test_plain_photos_with_their_first_caption_alone(opened):
    run = opened(*PLAIN, 'data.captions="first"', 'data.synthetic=""', "run.steps=2")
    lessons = list(run.feed.lessons(0, 2))
    assert [tuple(map(len, lesson.ids)) for lesson in lessons] == [(8, 0, 0)] * 2
    assert lessons[0].taught.photos.shape == (8, 0)
    before = weights(run.student.clip)
    losses = learn(run, lessons)
    assert losses[0] > 1
    assert moved(before, run.student.clip.state_dict())


def test_photos_have_the_size_of_their_step_and_a_run_goes_on_inside_of_it(opened):
    sizes = "run.sizes=[{ step = 0, size = 40 }, { step = 2, size = 48 }, { step = 4, size = 32 }]"
    run = opened(sizes)
    assert [lesson.pixels.shape[-1] for lesson in run.feed.lessons(0, 7)] == [40, 40, 48, 48, 32, 32, 32]
    whole = list(run.feed.lessons(0, 5))
    for one, other in zip(whole[3:], run.feed.lessons(3, 5), strict=True):
        assert torch.equal(one.pixels, other.pixels)
        assert all(torch.equal(a, b) for a, b in zip(one.ids, other.ids, strict=True))


def test_frozen_parts_stay_and_so_do_the_statistics_of_held_norms(opened):
    run = opened(
        'optimizer.rules=[{ part = "image", factor = 0 }, { part = "image.head", factor = 1 }]', 'optimizer.held=["image"]',
        "optimizer.average=0", "run.parts=2",
    )  # fmt: skip
    before = weights(run.student.clip)
    learn(run, run.feed.lessons(0, 2))
    changed = moved(before, run.student.clip.state_dict())
    assert {name for name in changed if name.startswith("image")} == {"image.head.weight", "image.head.bias"}
    assert any("running_mean" in name for name in changed)  # of the text tower
    assert "logit_scale" in changed


def test_ranges_of_changes_learn_from_what_the_towers_make_of_the_photos(opened, randomised, monkeypatch):
    """The gradient is the slope of the loss itself; the term of their own counts nothing here."""
    monkeypatch.setattr("mctrain.training.range_augment._WEIGHT", 0.0)

    def step(change):
        changes = ("run.range_augment=true", "run.parts=2", 'optimizer.held=["image", "text"]')
        run = opened(*changes, "optimizer.average=0")
        randomised(run.student.clip)
        ranges = run.student.augment.brightness
        for own in (ranges.low, ranges.high):
            own.data.fill_(0.0)
        ranges.high.data.add_(change)
        return learn(run, run.feed.lessons(0, 1))[0], ranges.high.grad.item()

    slope = (step(1e-3)[0] - step(-1e-3)[0]) / 2e-3
    assert step(0.0)[1] == pytest.approx(slope, rel=0.1)


def test_recomputed_blocks_give_the_same_gradients_and_count_a_batch_once(opened):
    runs = [opened(f"run.recompute={own}", "run.parts=2", "optimizer.average=0") for own in ("false", "true")]
    for run in runs:
        learn(run, run.feed.lessons(0, 1))
    one, other = (run.student.clip for run in runs)
    for (name, own), again in zip(one.named_parameters(), other.parameters(), strict=True):
        assert own.grad is None or torch.equal(own.grad, again.grad), name
    assert not moved(weights(one), other.state_dict())
    counts = {int(own) for name, own in other.named_buffers() if name.endswith("num_batches_tracked")}
    assert counts == {2}


def pretrained(recipe_of):
    """Lite0 under MiniLM, smaller than it was trained for: what dropout and timm's blocks do in it is the same."""
    recipe = recipe_of("run.recompute=true")
    table = ModelTable(("lite0",), 64, 16, 8, 8, 0.2, 0.1, 0.2, 0.1, 0.0)
    return replace(
        recipe, towers=None, model=table, optimizer=replace(recipe.optimizer, rules=(), average=0.0)
    )


def test_pretrained_towers_are_recomputed_with_the_same_dropout(recipe_of):
    recipe = pretrained(recipe_of)
    pixels, ids = torch.rand(4, 3, 64, 64), torch.randint(1, 1000, (4, 6))
    found = []
    for again in (False, True):
        clip = build_student(replace(recipe, run=replace(recipe.run, recompute=again)), None, CPU).clip
        torch.manual_seed(3)
        photos, texts, _ = clip(pixels, ids)
        (photos @ texts.T).square().sum().backward()
        found.append(clip)
    for (name, own), other in zip(found[0].named_parameters(), found[1].parameters(), strict=True):
        assert own.grad is None or torch.equal(own.grad, other.grad), name
    assert not moved(weights(found[0]), found[1].state_dict())


@pytest.mark.parametrize(
    ("image", "size", "layout"),
    [("laptop_xxs", 32, torch.contiguous_format), ("lite0", 64, torch.channels_last)],
)
def test_channels_may_come_last_where_a_processor_can_do_it(opened, image, size, layout):
    """The same losses, but for the order of sums; on a processor torch dies of it in an MCi tower, which stays as it is."""
    towers = (f"towers.image={image}", f"towers.size={size}", "optimizer.rules=[]", "run.batch=2")
    plain, last = (opened(*towers, f"run.channels_last={own}") for own in ("false", "true"))
    lesson = next(last.feed.lessons(0, 1))
    seen = []
    last.student.clip.image.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    losses = [learn(run, [lesson] * 2) for run in (plain, last)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    kernels = [
        own for own in last.student.clip.image.parameters() if own.ndim == 4 and min(own.shape[1:]) > 1
    ]
    assert all(own.is_contiguous(memory_format=layout) for own in (*kernels, *seen))
    assert kernels
    assert len(seen) == 2


@pytest.mark.parametrize("kind", ["bf16", pytest.param("fp16", marks=pytest.mark.soak)])
def test_halves_train_nearly_as_float32(opened, kind):
    """Float16 too, if slowly, on a processor: its first scales overflow, and these steps are left out."""
    exact = opened("run.steps=3", "optimizer.average=0")
    wanted = learn(exact, exact.feed.lessons(0, 1))
    run = opened("run.steps=6", f"run.precision={kind}", "optimizer.average=0")
    before = weights(run.student.clip)
    losses = learn(run, run.feed.lessons(0, 6))
    assert losses[0] == pytest.approx(wanted[0], rel=0.02)
    assert len(moved(before, run.student.clip.state_dict())) > 100
    assert all(own.dtype == torch.float32 for own in run.student.clip.parameters())


def test_a_rate_far_too_high_ends_in_a_sentence_and_the_last_state_remains(run_in, tmp_path):
    with pytest.raises(TrainerError, match="is not finite"):
        run_in(tmp_path, "optimizer.rate=1e9", "run.save_every=1", "run.steps=50", "optimizer.warmup=0")
    state = torch.load(states(tmp_path)[-1], weights_only=True)["state"]
    assert all(own.isfinite().all() for own in state["weights"].values())


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        (["run.batch=25"], RecipeError, "24 samples do not fill a batch of 25"),
        (["run.parts=5"], RecipeError, "has 8 photos a step, too few for 5 parts"),
        (["run.batch=1"], RecipeError, "has 1 photos a step, too few for 1 parts"),
        (["towers.image=mobileclip_b"], RecipeError, "accepts photos of 224 pixels only, not of 32"),
        (["loss.scales=[1.0]"], RecipeError, "has 1 scales for 2 teachers"),
        (['optimizer.held=["tail"]'], RecipeError, "no BatchNorm in tail"),
        (["run.sizes=[{ step = 3, size = 32 }, { step = 1, size = 32 }]"], RecipeError, "give them in order"),
        (['data.shards=["none.tar"]'], DataError, "There is no file none.tar"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_sentence_before_the_first_step(opened, changes, kind, sentence):
    with pytest.raises(kind, match=sentence):
        opened(*changes)


def test_samples_that_cannot_be_used_are_counted_at_the_end(run_in, places, reinforced_set, tmp_path):
    """Nine of a shard of ten are left where one has no photo."""
    parts = [
        (f"{key}.{suffix}", content)
        for key, suffix, content in members(reinforced_set / "0.tar")
        if suffix != "jpg" or key != min(own for own, *_ in members(reinforced_set / "0.tar"))
    ]
    shutil.copytree(reinforced_set, tmp_path / "set")
    write_shard(tmp_path / "set" / "0.tar", parts)
    heard = Heard()
    own = replace(places, photos=tmp_path / "set")
    run_in(tmp_path / "run", "run.steps=1", 'data.shards=["0.tar"]', places=own, journal=heard)
    assert heard.lines[-1] == "samples skipped: 1 no photo"
