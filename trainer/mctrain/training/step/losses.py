"""The loss of reinforced training, as functions of embeddings (MobileCLIP, multi-modal reinforced training).

For photos V [b, d], texts T [b, d] and bank texts B [m, d], the student's rows are softmax(s · V [T | B]ᵀ) and
softmax(s · T Vᵀ). Each teacher's rows use its vectors and its logit scale, and the target is the mean of the
teachers' softmaxes. Per set of texts:

    clip          ½ [CE(V → T, diagonal) + CE(T → V, diagonal)]
    distillation  ½ [KL(target ‖ student) of V → T | B, and of T → V], which is 0 if the student matches the teachers

Each is the mean over its rows, summed over the two sets of texts (captions, synthetic); the loss is (1 - λ) clip + λ distillation.
A batch without synthetic texts has one set. With λ = 0 no teacher is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's convention)
from torch.utils.checkpoint import checkpoint

from mctrain.training.step.ranks import first_row, gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.data.reinforced.manifest import TeacherRecord

_ENTRIES = 1 << 24  # most entries of a similarity matrix in memory at a time: 64 MB


@dataclass(frozen=True, slots=True)
class LossSettings:
    """`distil` is λ, from 0 (plain CLIP, without teachers) to 1 (teachers only); `teachers` are in the order of their embeddings.

    At most `entries` of a similarity matrix are computed at a time.
    """

    distil: float
    teachers: tuple[TeacherRecord, ...]
    entries: int = _ENTRIES

    def target(self, rows: Tensor, columns: Tensor) -> Tensor:
        """The mean of the teachers' softmaxes [r, c] of rows [r, D] over columns [c, D]."""
        widths = [teacher.width for teacher in self.teachers]
        pairs = zip(torch.split(rows, widths, 1), torch.split(columns, widths, 1), self.teachers, strict=True)
        shares = [torch.softmax(teacher.scale * each @ others.T, dim=1) for each, others, teacher in pairs]
        return torch.stack(shares).mean(0)


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Unit vectors of a batch, from the student or concatenated from its teachers; `synthetic` and `bank` may be empty."""

    photos: Tensor  # [n, d]
    captions: Tensor  # [n, d]
    synthetic: Tensor  # [n, d] or [0, d]
    bank: Tensor  # [m, d]

    def gathered(self) -> Embeddings:
        """The embeddings of all processes."""
        return Embeddings(*map(gather, (self.photos, self.captions, self.synthetic, self.bank)))


@dataclass(frozen=True, slots=True)
class Loss:
    """`total` is the loss to minimise; its two parts are unweighted and have no gradient."""

    total: Tensor
    clip: Tensor
    distillation: Tensor


@dataclass(frozen=True, slots=True)
class _Side:
    """Rows of this process and columns of all, in the student's space and the teachers' spaces.

    Row r matches column `first` + r; only the first `count` columns can be matches.
    """

    rows: Tensor  # [n, d]
    columns: Tensor  # [c, d]
    teacher_rows: Tensor  # [n, D]
    teacher_columns: Tensor  # [c, D]
    first: int
    count: int


def reinforced_loss(student: Embeddings, scale: Tensor, teacher: Embeddings, settings: LossSettings) -> Loss:
    """The mean loss over this process's rows, with the columns of all processes.

    All processes have equally many photos and texts, and share the bank's texts evenly. The gradient that
    DistributedDataParallel averages equals that of one process with the whole batch. Similarities keep the precision of
    the vectors even under autocast: bfloat16 has steps of one half at a scale of 100.
    """
    with torch.autocast(scale.device.type, enabled=False):
        sums = torch.stack([_sums(side, scale, settings) for side in _sides(student, teacher)]).sum(0)
        clip, distillation = sums / (2 * len(student.photos))
    total = (1 - settings.distil) * clip + settings.distil * distillation
    return Loss(total, clip.detach(), distillation.detach())


def _sides(student: Embeddings, teacher: Embeddings) -> Sequence[_Side]:
    """Photo-to-text and text-to-photo rows for both sets of texts; gathers each tensor once."""
    columns = student.gathered()
    with torch.no_grad():
        known = teacher.gathered()
    first, count = first_row(len(student.photos)), len(columns.photos)
    sides = []
    for texts, all_texts, known_texts, all_known in (
        (student.captions, columns.captions, teacher.captions, known.captions),
        (student.synthetic, columns.synthetic, teacher.synthetic, known.synthetic),
    ):
        if not len(texts):
            continue
        among = torch.cat([all_texts, columns.bank])  # [N + M, d]
        known_among = torch.cat([all_known, known.bank])  # [N + M, D]
        sides.append(_Side(student.photos, among, teacher.photos, known_among, first, count))
        sides.append(_Side(texts, columns.photos, known_texts, known.photos, first, count))
    return sides


def _sums(side: _Side, scale: Tensor, settings: LossSettings) -> Tensor:
    """Both terms, summed over the rows [2]: computed in blocks, and recomputed in the backward pass."""
    at_once = max(1, settings.entries // len(side.columns))
    total = scale.new_zeros(2)
    for start in range(0, len(side.rows), at_once):
        rows = slice(start, min(start + at_once, len(side.rows)))
        block: Tensor = checkpoint(
            _block, side, rows, scale, settings, use_reentrant=False, preserve_rng_state=False
        )
        total = total + block
    return total


def _block(side: _Side, rows: slice, scale: Tensor, settings: LossSettings) -> Tensor:
    """The sums of both terms over a block of rows [2]."""
    scores = scale * side.rows[rows] @ side.columns.T  # [r, c]
    right = torch.arange(rows.start, rows.stop, device=scores.device) + side.first
    clip = F.cross_entropy(scores[:, : side.count], right, reduction="sum")
    if not settings.teachers:
        return torch.stack([clip, clip.new_zeros(())])
    target = settings.target(side.teacher_rows[rows], side.teacher_columns)  # [r, c]
    distillation = F.kl_div(F.log_softmax(scores, dim=1), target, reduction="sum")
    return torch.stack([clip, distillation])
