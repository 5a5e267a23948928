"""What each process of `test_ranks` runs: the gradients of its share of one batch, written down by the first process."""

from __future__ import annotations

import sys

import torch
from torch import distributed, nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)
from torch.nn.parallel import DistributedDataParallel

from mctrain.data.reinforced.manifest import TeacherRecord
from mctrain.training.accumulation import BatchPart, loss_and_gradients
from mctrain.training.losses import Embeddings, LossSettings, reinforced_loss
from mctrain.training.student import Precision

COUNT, BANK, DIM = 8, 4, 6
TEACHERS = (TeacherRecord("narrow", 5, 70.0, ""), TeacherRecord("wide", 9, 30.0, ""))


class Pair(nn.Module):
    """Two towers and their factor."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.image = nn.Sequential(nn.Flatten(), nn.Linear(12, 16), nn.GELU(), nn.Linear(16, DIM))
        self.text = nn.Sequential(nn.EmbeddingBag(40, 16), nn.GELU(), nn.Linear(16, DIM))
        self.logit_scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, pixels, ids):
        return (
            F.normalize(self.image(pixels), dim=1),
            F.normalize(self.text(ids), dim=1),
            self.logit_scale.exp(),
        )


def batch():
    draw = torch.Generator().manual_seed(5)
    pixels = torch.randn(COUNT, 3, 2, 2, generator=draw)
    ids = [torch.randint(40, (count, 4), generator=draw) for count in (COUNT, COUNT, BANK)]
    taught = [
        torch.cat([F.normalize(torch.randn(count, width, generator=draw), dim=1) for width in (5, 9)], dim=1)
        for count in (COUNT, COUNT, COUNT, BANK)
    ]
    return pixels, ids, taught


def gradients(model, rank, ranks, parts):
    """Of a rank's share of the batch in so many parts, for λ = 0.75; and the loss of this share."""
    pixels, ids, taught = batch()
    pixels, *ids = (rows.chunk(ranks)[rank] for rows in (pixels, *ids))
    taught = Embeddings(*(rows.chunk(ranks)[rank] for rows in taught))
    shares = zip(*(rows.chunk(parts) for rows in (pixels, *ids)), strict=True)
    own = [BatchPart(photos, torch.cat(texts), tuple(map(len, texts))) for photos, *texts in shares]
    settings = LossSettings(0.75, TEACHERS, entries=30)
    loss = loss_and_gradients(
        model,
        own,
        lambda student, scale: reinforced_loss(student, scale, taught, settings),
        Precision("fp32", torch.device("cpu")),
    )
    return {"loss": loss.total.detach(), **{name: own.grad for name, own in model.named_parameters()}}


def main(target, met, rank):
    rank, ranks = int(rank), 2
    distributed.init_process_group("gloo", init_method=met, rank=rank, world_size=ranks)
    found = [gradients(DistributedDataParallel(Pair()), rank, ranks, parts) for parts in (1, 2)]
    everyone = [None] * ranks
    distributed.all_gather_object(everyone, found)
    if rank == 0:
        torch.save(everyone, target)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
