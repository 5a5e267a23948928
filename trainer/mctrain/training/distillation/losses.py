"""How far a student's vectors of texts are from the teacher's, as functions of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F  # noqa: N812 (torch's own custom)

if TYPE_CHECKING:
    from torch import Tensor


def cosine_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """1 less the mean cosine of unit vectors [n, dim]."""
    return 1 - (found * wanted).sum(1).mean()


def bank_loss(found: Tensor, wanted: Tensor, bank: Tensor, scale: float) -> Tensor:
    """The divergence of softmaxes over what a bank [m, dim] says to unit vectors [n, dim]: near the teacher's vector is not
    enough, what is alike for one has to be alike for the other.
    """
    said, taught = (F.log_softmax(scale * own @ bank.T, dim=1) for own in (found, wanted))
    return F.kl_div(said, taught, reduction="batchmean", log_target=True)
