"""The losses equal their definitions, computed entry by entry."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F  # noqa: N812 - torch's convention

from mctrain.teachers.fit.heads import class_name_loss, contrastive_loss


def unit(count, seed):
    return F.normalize(torch.randn(count, 6, generator=torch.Generator().manual_seed(seed)), dim=1)


def naive(photos, texts, rows, scale):
    """CLIP's loss by loops over photos and texts; equal texts share the target."""
    count = len(photos)
    scores = [[scale * sum(a * b for a, b in zip(p, t, strict=True)) for t in texts] for p in photos]
    total = 0.0
    for i in range(count):
        same = [j for j in range(count) if rows[j] == rows[i]]
        over_texts = math.log(sum(math.exp(scores[i][j]) for j in range(count)))
        over_photos = math.log(sum(math.exp(scores[j][i]) for j in range(count)))
        total += sum(over_texts - scores[i][j] + over_photos - scores[j][i] for j in same) / len(same)
    return total / (2 * count)


def test_the_contrastive_loss_equals_a_naive_one():
    photos, texts = unit(5, 1), unit(5, 2)
    rows = torch.tensor([4, 9, 4, 2, 7])
    found = contrastive_loss(photos, texts, rows, torch.tensor(7.0))
    assert math.isclose(
        float(found), naive(photos.tolist(), texts.tolist(), rows.tolist(), 7.0), rel_tol=1e-5
    )


def test_a_contrast_is_one_more_text_in_the_softmax():
    """One of the contrasts is the text of photo 1."""
    photos, texts, more = unit(3, 11), unit(3, 12), unit(2, 13)
    rows, named = torch.tensor([4, 9, 2]), torch.tensor([9, 5])
    scores = 9 * photos @ torch.cat([texts, more]).T
    logs = torch.log_softmax(scores, dim=1)
    by_texts = -(logs[0, 0] + (logs[1, 1] + logs[1, 3]) / 2 + logs[2, 2]) / 3
    by_photos = F.cross_entropy(scores[:, :3].T, torch.arange(3))
    found = contrastive_loss(photos, texts, rows, torch.tensor(9.0), (more, named))
    assert torch.isclose(found, (by_texts + by_photos) / 2)


def test_the_class_name_loss_is_least_where_the_tower_agrees_with_the_classifier():
    photos, classes = unit(4, 7), unit(9, 8)
    agreed = torch.softmax(11 * photos @ classes.T, dim=1)
    scale = torch.tensor(11.0)
    expected = -(agreed * agreed.log()).sum(1).mean()
    assert torch.isclose(class_name_loss(photos, classes, agreed, scale), expected)
    assert class_name_loss(photos, classes, agreed.roll(1, 0), scale) > expected
