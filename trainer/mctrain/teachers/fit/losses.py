"""The losses, as functions of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

if TYPE_CHECKING:
    from torch import Tensor


def contrastive_loss(
    photos: Tensor, texts: Tensor, rows: Tensor, scale: Tensor, others: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """CLIP's loss over a batch, in which equal texts are right for each other's photos.

    `photos` and `texts` are unit vectors [n, dim]; `rows` [n] names the texts, and two photos that drew the same short
    query ("dog") share its target instead of being pushed away from it. `others`, vectors [m, dim] and their names [m], are
    more texts to tell a photo's own from; none finds a photo.
    """
    more, named = others or (texts[:0], rows[:0])
    columns, names = torch.cat([texts, more]), torch.cat([rows, named])
    scores = scale * photos @ columns.T  # [n, n + m]
    same = (rows[:, None] == names[None, :]).to(scores.dtype)
    among = same[:, : len(rows)]
    by_texts = _cross_entropy(scores, same / same.sum(1, keepdim=True))
    by_photos = _cross_entropy(scores[:, : len(rows)].T, among / among.sum(1, keepdim=True))
    return (by_texts + by_photos) / 2


def class_name_loss(photos: Tensor, classes: Tensor, taught: Tensor, scale: Tensor) -> Tensor:
    """What the original classifier says of a photo, asked of the class names: `taught` [n, classes] are its probabilities."""
    return _cross_entropy(scale * photos @ classes.T, taught)


def _cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    return -(target * F.log_softmax(scores, dim=1)).sum(1).mean()
