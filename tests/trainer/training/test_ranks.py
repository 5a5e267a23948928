"""Several processes take the gradient that one would take of the whole batch."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.trainer.training.conftest import ALONE
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

SCRIPT = Path(__file__).with_name("one_rank.py")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def without_prefix(gradients):
    return {name.removeprefix("module."): own for name, own in gradients.items()}


def demand_same(found, wanted):
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert gradient.abs().max() > 1e-3, name
        torch.testing.assert_close(
            found[name], gradient, rtol=0, atol=1e-5 * gradient.abs().max().item(), msg=name
        )


def test_two_processes_whole_and_by_parts(script, tmp_path):
    """As torchrun starts them, but for the port, which a file stands for."""
    words = [sys.executable, str(SCRIPT), str(tmp_path / "found.pt"), f"file://{tmp_path}/met"]
    started = [subprocess.Popen([*words, str(rank)], env=ALONE) for rank in range(2)]
    assert [own.wait(120) for own in started] == [0, 0]
    everyone = torch.load(tmp_path / "found.pt", weights_only=True)
    wanted = script["gradients"](script["Pair"](), 0, 1, 1)
    for way in (0, 1):
        first, second = (without_prefix(each[way]) for each in everyone)
        assert torch.equal(first["image.1.weight"], second["image.1.weight"])
        assert first["loss"] != second["loss"]  # each has the loss of its own rows
        demand_same({**first, "loss": (first["loss"] + second["loss"]) / 2}, wanted)


def test_a_group_of_one_process_is_that_process(script):
    wanted = script["gradients"](script["Pair"](), 0, 1, 1)
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        for parts in (1, 2):
            demand_same(
                without_prefix(script["gradients"](DistributedDataParallel(script["Pair"]()), 0, 1, parts)),
                wanted,
            )
    finally:
        distributed.destroy_process_group()
