"""Several processes together compute the gradient of the whole batch."""

from __future__ import annotations

import subprocess
import sys

import torch
from tests.conftest import REPOSITORY
from tests.trainer.conftest import ALONE
from tests.trainer.training.test_accumulation import SETTINGS, batch, demand_same, model
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from mctrain.training.step.accumulation import BatchPart, loss_and_gradients
from mctrain.training.step.losses import Embeddings, reinforced_loss
from mctrain.training.step.student import Precision


def gradients(wrap, rank, ranks, parts):
    """The gradients and the loss of a rank's share of the batch, computed in so many parts."""
    clip = model(0.0)
    clip.image[1].eval()
    pixels, *ids, teacher = batch()
    pixels, *ids = (rows.chunk(ranks)[rank] for rows in (pixels, *ids))
    teacher = Embeddings(
        *(
            rows.chunk(ranks)[rank]
            for rows in (teacher.photos, teacher.captions, teacher.synthetic, teacher.bank)
        )
    )
    shares = zip(*(rows.chunk(parts) for rows in (pixels, *ids)), strict=True)
    loss = loss_and_gradients(
        wrap(clip),
        [BatchPart(photos, torch.cat(texts), tuple(map(len, texts))) for photos, *texts in shares],
        lambda student, scale: reinforced_loss(student, scale, teacher, SETTINGS),
        Precision("fp32", torch.device("cpu")),
    )
    return {
        "loss": loss.total.detach(),
        **{name: parameter.grad for name, parameter in clip.named_parameters()},
    }


def test_two_processes_compute_the_gradient_of_the_whole_batch(tmp_path):
    """They start as under torchrun, but meet at a file instead of a port."""
    words = [sys.executable, "-m", "tests.trainer.training.test_ranks", str(tmp_path)]
    started = [subprocess.Popen([*words, str(rank)], env=ALONE, cwd=REPOSITORY) for rank in range(2)]
    assert [process.wait(120) for process in started] == [0, 0]
    everyone = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    wanted = gradients(lambda clip: clip, 0, 1, 1)
    for way in (0, 1):
        first, second = (each[way] for each in everyone)
        assert torch.equal(first["image.5.weight"], second["image.5.weight"])
        assert first["loss"] != second["loss"]  # each has the loss of its own rows
        demand_same({**first, "loss": (first["loss"] + second["loss"]) / 2}, wanted)


def main(folder, rank):
    distributed.init_process_group("gloo", init_method=f"file://{folder}/met", rank=int(rank), world_size=2)
    found = [gradients(DistributedDataParallel, int(rank), 2, parts) for parts in (1, 2)]
    torch.save(found, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
