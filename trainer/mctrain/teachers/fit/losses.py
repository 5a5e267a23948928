"""The losses, as functions of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F  # noqa: N812 (torch's own custom)

if TYPE_CHECKING:
    from torch import Tensor


def contrastive_loss(photos: Tensor, texts: Tensor, rows: Tensor, scale: Tensor) -> Tensor:
    """CLIP's loss over a batch, in which equal texts are right for each other's photos.

    `photos` and `texts` are unit vectors [n, dim]; `rows` [n] names the texts, and two photos that drew the same short
    query ("dog") share its target instead of being pushed away from it.
    """
    scores = scale * photos @ texts.T  # [n, n]
    same = (rows[:, None] == rows[None, :]).to(scores.dtype)
    target = same / same.sum(1, keepdim=True)
    return (_cross_entropy(scores, target) + _cross_entropy(scores.T, target)) / 2


def class_name_loss(photos: Tensor, classes: Tensor, taught: Tensor, scale: Tensor) -> Tensor:
    """What the original classifier says of a photo, asked of the class names: `taught` [n, classes] are its probabilities."""
    return _cross_entropy(scale * photos @ classes.T, taught)


def _cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    return -(target * F.log_softmax(scores, dim=1)).sum(1).mean()
