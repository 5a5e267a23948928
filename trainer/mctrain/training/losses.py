"""The loss of reinforced training, as functions of embeddings (MobileCLIP, multi-modal reinforced training).

Of photos V [b, d], texts T [b, d] and the bank's texts B [m, d] the student's rows are softmax(s · V [T | B]ᵀ) and
softmax(s · T Vᵀ). Those of teacher k are the same of its own vectors at its own scale, and the target is the mean of the
teachers' softmaxes. Per set of texts:

    clip          ½ [CE(V → T, diagonal) + CE(T → V, diagonal)]
    distillation  ½ [KL(target ‖ student) of V → T | B, and of T → V], which is 0 where the student says what the teachers say

each the mean over its rows, the two sets of texts (captions, synthetic ones) summed; the whole is (1 - λ) clip + λ distillation.
A batch without synthetic texts has one set; where λ is 0, there need be no teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own custom)
from torch.utils.checkpoint import checkpoint

from mctrain.errors import RecipeError
from mctrain.training.ranks import first_row, gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.data.reinforced.manifest import TeacherRecord

_ENTRIES = 1 << 24  # of one matrix of similarities that is in memory at a time: 64 MB


@dataclass(frozen=True, slots=True)
class LossSettings:
    """`distil` is λ, from 0, plain CLIP, to 1, the teachers alone; `teachers` stand in the order of their embeddings.

    `entries` of one matrix of similarities are computed at a time.
    """

    distil: float
    teachers: tuple[TeacherRecord, ...]
    entries: int = _ENTRIES

    def __post_init__(self) -> None:
        if not 0 <= self.distil <= 1 or (self.distil and not self.teachers):
            raise RecipeError(
                f"The share of distillation is {self.distil} with {len(self.teachers)} teachers; give a number from 0, none, to 1, "
                "nothing else, and 0 where there is no teacher."
            )

    def target(self, rows: Tensor, columns: Tensor) -> Tensor:
        """What the teachers say of rows [r, D] among columns [c, D], as shares [r, c]: the mean of their softmaxes."""
        widths = [teacher.width for teacher in self.teachers]
        pairs = zip(torch.split(rows, widths, 1), torch.split(columns, widths, 1), self.teachers, strict=True)
        shares = [torch.softmax(teacher.scale * each @ others.T, dim=1) for each, others, teacher in pairs]
        return torch.stack(shares).mean(0)


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Unit vectors of a batch, of the student or, end to end, of its teachers; `synthetic` and `bank` may be empty."""

    photos: Tensor  # [n, d]
    captions: Tensor  # [n, d]
    synthetic: Tensor  # [n, d] or [0, d]
    bank: Tensor  # [m, d]

    def gathered(self) -> Embeddings:
        """Of all processes."""
        return Embeddings(*map(gather, (self.photos, self.captions, self.synthetic, self.bank)))


@dataclass(frozen=True, slots=True)
class Loss:
    """`total` is what is to shrink; its two parts as they are, before they are weighed, have no gradient."""

    total: Tensor
    clip: Tensor
    distillation: Tensor


@dataclass(frozen=True, slots=True)
class _Side:
    """Rows of this process, and the columns of all, in the space of the student and in those of the teachers.

    The row r belongs to the column `first` + r; of the columns the first `count` can be right.
    """

    rows: Tensor  # [n, d]
    columns: Tensor  # [c, d]
    taught_rows: Tensor  # [n, D]
    taught_columns: Tensor  # [c, D]
    first: int
    count: int


def reinforced_loss(student: Embeddings, scale: Tensor, taught: Embeddings, settings: LossSettings) -> Loss:
    """The loss of this process's rows among the columns of all processes, the mean over the former.

    Each process has equally many photos and texts of its own, and the bank's texts are shared out among them. The mean of
    the gradients over the processes, which DistributedDataParallel takes, is that of one process with the whole batch.
    Similarities are as exact as the vectors even under autocast: at a scale of 100 bfloat16 knows steps of one half.
    """
    with torch.autocast(scale.device.type, enabled=False):
        sums = torch.stack([_sums(side, scale, settings) for side in _sides(student, taught)]).sum(0)
        clip, distillation = sums / (2 * len(student.photos))
    total = (1 - settings.distil) * clip + settings.distil * distillation
    return Loss(total, clip.detach(), distillation.detach())


def _sides(student: Embeddings, taught: Embeddings) -> Sequence[_Side]:
    """Photos among texts and texts among photos, for both sets of texts; whatever all processes have is gathered once."""
    columns = student.gathered()
    with torch.no_grad():
        known = taught.gathered()
    first, count = first_row(len(student.photos)), len(columns.photos)
    sides = []
    for texts, all_texts, known_texts, all_known in (
        (student.captions, columns.captions, taught.captions, known.captions),
        (student.synthetic, columns.synthetic, taught.synthetic, known.synthetic),
    ):
        if not len(texts):
            continue
        among = torch.cat([all_texts, columns.bank])  # [N + M, d]
        known_among = torch.cat([all_known, known.bank])  # [N + M, D]
        sides.append(_Side(student.photos, among, taught.photos, known_among, first, count))
        sides.append(_Side(texts, columns.photos, known_texts, known.photos, first, count))
    return sides


def _sums(side: _Side, scale: Tensor, settings: LossSettings) -> Tensor:
    """Both terms, summed over the rows [2]: some rows at a time, and again when their gradient is wanted."""
    at_once = max(1, settings.entries // len(side.columns))
    total = scale.new_zeros(2)
    for start in range(0, len(side.rows), at_once):
        rows = slice(start, min(start + at_once, len(side.rows)))
        block = checkpoint(_block, side, rows, scale, settings, use_reentrant=False, preserve_rng_state=False)
        total = total + cast("Tensor", block)
    return total


def _block(side: _Side, rows: slice, scale: Tensor, settings: LossSettings) -> Tensor:
    """The sums of both terms over some rows [2]."""
    scores = scale * side.rows[rows] @ side.columns.T  # [r, c]
    right = torch.arange(rows.start, rows.stop, device=scores.device) + side.first
    clip = F.cross_entropy(scores[:, : side.count], right, reduction="sum")
    if not settings.teachers:
        return torch.stack([clip, clip.new_zeros(())])
    target = settings.target(side.taught_rows[rows], side.taught_columns)  # [r, c]
    distillation = F.kl_div(F.log_softmax(scores, dim=1), target, reduction="sum")
    return torch.stack([clip, distillation])
