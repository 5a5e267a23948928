"""Gradients accumulated part by part are those of one graph over the whole batch."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.data.reinforced.manifest import TeacherRecord
from mctrain.models.clip import Clip
from mctrain.training.step.accumulation import BatchPart, loss_and_gradients
from mctrain.training.step.losses import Embeddings, LossSettings, reinforced_loss
from mctrain.training.step.student import Precision

COUNT, BANK, DIM = 6, 4, 8
SETTINGS = LossSettings(0.75, (TeacherRecord("narrow", 5, 70.0, ""), TeacherRecord("wide", 9, 30.0, "")))


class Words(nn.Module):
    """A text tower without attention."""

    def __init__(self, share):
        super().__init__()
        self.words = nn.Embedding(50, 12)
        self.drop = nn.Dropout(share)
        self.head = nn.Linear(12, DIM)

    def forward(self, ids):
        return self.head(self.drop(self.words(ids).mean(1)))


def model(share):
    torch.manual_seed(4)
    image = nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False),
        nn.BatchNorm2d(6),
        nn.GELU(),
        nn.Dropout(share),
        nn.Flatten(),
        nn.Linear(54, DIM),
    )
    return Clip(image, Words(share))


def batch():
    """Pixels, ids of captions, of synthetic texts and of the bank, and the teachers' embeddings."""
    draw = torch.Generator().manual_seed(2)
    ids = [torch.randint(50, (count, 4), generator=draw) for count in (COUNT, COUNT, BANK)]
    teacher = [
        torch.cat([F.normalize(torch.randn(count, width, generator=draw), dim=1) for width in (5, 9)], dim=1)
        for count in (COUNT, COUNT, COUNT, BANK)
    ]
    return torch.randn(COUNT, 3, 5, 5, generator=draw), *ids, Embeddings(*teacher)


def parts_of(size):
    """Parts of so many photos, and the bank's texts spread over them; some parts may have none."""
    pixels, captions, synthetic, bank, _ = batch()
    rows = list(zip(*(texts.split(size) for texts in (pixels, captions, synthetic)), strict=True))
    shares = bank.tensor_split(len(rows))
    return [
        BatchPart(photos, torch.cat([*texts, share]), (len(photos), len(photos), len(share)))
        for (photos, *texts), share in zip(rows, shares, strict=True)
    ]


def judge(student, scale):
    return reinforced_loss(student, scale, batch()[-1], SETTINGS)


def gradients(clip):
    return {
        name: parameter.grad.clone() for name, parameter in clip.named_parameters() if parameter.requires_grad
    }


def one_graph(clip, parts, kind="fp32"):
    """The loss and gradients if all parts stay in memory."""
    seen = [[], [], [], []]
    for part in parts:
        with Precision(kind, torch.device("cpu")).towers():
            photos, texts, scale = clip(part.pixels, part.ids)
        count = len(photos)
        kinds = (photos, texts[:count], texts[count : 2 * count], texts[2 * count :])
        for kept, rows in zip(seen, kinds, strict=True):
            kept.append(rows)
    loss = judge(Embeddings(*map(torch.cat, seen)), scale)
    loss.total.backward()
    return loss, gradients(clip)


def by_parts(clip, parts, kind="fp32"):
    precision = Precision(kind, torch.device("cpu"))
    if kind == "fp16":  # where a run would come to after some steps: the first scale is too large for these
        precision.scaler.load_state_dict({**precision.scaler.state_dict(), "scale": 32.0})
    loss = loss_and_gradients(clip, parts, judge, precision)
    return loss, {name: gradient / precision.scaler.get_scale() for name, gradient in gradients(clip).items()}


def demand_same(found, wanted, share=1e-5):
    """Compares each gradient relative to its size."""
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert gradient.abs().max() > 1e-4, name
        torch.testing.assert_close(
            found[name], gradient, rtol=0, atol=share * gradient.abs().max().item(), msg=name
        )


@pytest.mark.parametrize("size", [1, 4, COUNT])
def test_gradients_with_dropout_and_batch_norm_are_those_of_one_graph(size):
    parts = parts_of(size)
    whole, clip = model(0.4), model(0.4)
    torch.manual_seed(7)
    loss, wanted = one_graph(whole, parts)
    following = torch.rand(3)
    torch.manual_seed(7)
    gathered, found = by_parts(clip, parts)
    assert torch.equal(torch.rand(3), following)  # later steps see the same random numbers too
    assert torch.equal(gathered.total, loss.total)
    demand_same(found, wanted)
    for name, buffer in whole.named_buffers():  # each part was remembered once
        assert torch.equal(dict(clip.named_buffers())[name], buffer), name
    assert clip.image[1].num_batches_tracked == len(parts)
    assert clip.image[1].track_running_stats


def test_gradients_with_frozen_norms_are_those_of_one_pass():
    whole, clip = model(0.0), model(0.0)
    for clip_model in (whole, clip):
        clip_model.image[1].eval()
    _, wanted = one_graph(whole, parts_of(COUNT))
    _, found = by_parts(clip, parts_of(4))
    demand_same(found, wanted)
    assert clip.image[1].num_batches_tracked == 0


@pytest.mark.parametrize(("kind", "share"), [("bf16", 0.03), ("fp16", 0.01)])
def test_every_parameter_gets_its_gradient_in_half_precision(kind, share):
    whole, clip, exact = model(0.4), model(0.4), model(0.4)
    results = []
    for clip_model, way, numbers in (
        (whole, one_graph, kind),
        (clip, by_parts, kind),
        (exact, one_graph, "fp32"),
    ):
        torch.manual_seed(7)
        results.append(way(clip_model, parts_of(2), numbers)[1])
    demand_same(results[1], results[0], share)
    assert any(not torch.equal(results[0][name], results[2][name]) for name in results[0])


def test_frozen_parameters_get_no_gradient():
    whole, clip = model(0.4), model(0.4)
    clip.text.requires_grad_(False)
    clip.logit_scale.requires_grad_(False)
    torch.manual_seed(7)
    wanted = one_graph(whole, parts_of(2))[1]
    torch.manual_seed(7)
    found = by_parts(clip, parts_of(2))[1]
    demand_same(found, {name: gradient for name, gradient in wanted.items() if name.startswith("image")})
    assert clip.text.head.weight.grad is None
    assert clip.logit_scale.grad is None
