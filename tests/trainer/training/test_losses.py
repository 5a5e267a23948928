"""The loss equals its definition, written out row by row in float64, and open_clip's where it is plain CLIP."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.data.reinforced.manifest import TeacherRecord
from mctrain.training.step.losses import Embeddings, LossSettings, reinforced_loss

TEACHERS = (TeacherRecord("narrow", 5, 70.0, ""), TeacherRecord("wide", 9, 30.0, ""))
COUNT, TEXTS, WIDTH, SCALE = 6, 7, 4, 20.0


def unit(draw, count, *widths):
    """Vectors of several widths end to end, each of length 1 by itself."""
    parts = [F.normalize(torch.randn(count, width, generator=draw), dim=1) for width in widths]
    return torch.cat(parts, dim=1)


def batch(bank=TEXTS, seed=1):
    """The embeddings of a student and of two teachers."""
    draw = torch.Generator().manual_seed(seed)
    counts = (COUNT, COUNT, COUNT, bank)
    student = Embeddings(*(unit(draw, count, WIDTH).requires_grad_() for count in counts))
    teacher = Embeddings(*(unit(draw, count, 5, 9) for count in counts))
    return student, teacher


def leaves(student):
    return [student.photos, student.captions, student.synthetic, student.bank]


def shares(row):
    top = max(row)
    powers = [torch.exp(score - top) for score in row]
    return [power / sum(powers) for power in powers]


def written_out(student, scale, teacher, distil):
    """The loss by loops over rows and columns in float64: total, CLIP's part, distillation's part."""
    photos, captions, synthetic, bank = student
    taught_photos, taught_captions, taught_synthetic, taught_bank = teacher
    clip = distillation = 0.0
    for texts, taught_texts in ((captions, taught_captions), (synthetic, taught_synthetic)):
        for rows, columns, teacher_rows, teacher_columns, right in (
            (photos, [*texts, *bank], taught_photos, [*taught_texts, *taught_bank], len(texts)),
            (texts, [*photos], taught_texts, [*taught_photos], len(photos)),
        ):
            for index in range(len(rows)):
                scores = [scale * (rows[index] @ column) for column in columns]
                student_says = shares(scores)
                clip = clip - torch.log(shares(scores[:right])[index]) / (2 * len(rows))
                targets = [0.0] * len(columns)
                for cut, alpha in ((slice(0, 5), 70.0), (slice(5, 14), 30.0)):
                    teacher_says = shares(
                        [alpha * (teacher_rows[index][cut] @ c[cut]) for c in teacher_columns]
                    )
                    targets = [t + s / 2 for t, s in zip(targets, teacher_says, strict=True)]
                for target, says in zip(targets, student_says, strict=True):
                    distillation = distillation + target * torch.log(target / says) / (2 * len(rows))
    return (1 - distil) * clip + distil * distillation, clip, distillation


@pytest.mark.parametrize(
    ("distil", "bank", "entries"), [(0.0, TEXTS, 30), (0.75, 0, 1), (0.75, TEXTS, 1 << 24), (1.0, TEXTS, 30)]
)
def test_values_and_gradients_are_those_of_the_definition(distil, bank, entries):
    student, teacher = batch(bank)
    scale = torch.tensor(SCALE, requires_grad=True)
    found = reinforced_loss(student, scale, teacher, LossSettings(distil, TEACHERS, entries))
    gradients = torch.autograd.grad(found.total, [*leaves(student), scale])

    exact = [leaf.detach().double().requires_grad_() for leaf in leaves(student)]
    exact_scale = torch.tensor(SCALE, dtype=torch.float64, requires_grad=True)
    expected = written_out(exact, exact_scale, [rows.double() for rows in leaves(teacher)], distil)
    for value, wanted in zip((found.total, found.clip, found.distillation), expected, strict=True):
        assert value.item() == pytest.approx(wanted.item(), rel=1e-5)
    wanted = torch.autograd.grad(expected[0], [*exact, exact_scale], materialize_grads=True)
    for found_gradient, gradient in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(found_gradient.double(), gradient, rtol=1e-4, atol=1e-5)
        assert found_gradient.numel() == 0 or distil == 0 or gradient.abs().max() > 1e-3


def test_similarities_are_float32_under_autocast():
    student, teacher = batch()
    settings = LossSettings(0.75, TEACHERS)
    exact = reinforced_loss(student, torch.tensor(100.0), teacher, settings)
    with torch.autocast("cpu", torch.bfloat16):
        found = reinforced_loss(student, torch.tensor(100.0), teacher, settings)
        coarse = 100.0 * student.photos @ student.captions.T
    assert coarse.dtype == torch.bfloat16
    assert found.total.dtype == torch.float32
    assert torch.equal(found.total, exact.total)
