"""Several processes under torchrun are one run: the same weights, one writer."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from tests.trainer.conftest import ALONE

from mctrain.training.metrics import METRICS
from mctrain.weights.checkpoint import states

pytestmark = pytest.mark.soak  # each is three processes that load torch

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
MEASURED = ('evaluation.figures=["dev: text to image at 1"]', "evaluation.every=2", "evaluation.patience=1")
# each process would normalise its half alone, and AdamW as published turns rounding errors into whole steps
EXACT = ('optimizer.held=["image", "text"]', "run.steps=3", "optimizer.epsilon=1e-3", "optimizer.rate=1e-2")


def torchrun(words):
    return subprocess.Popen(
        [*TORCHRUN, "-m", "mctrain", *words],
        env=ALONE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip


def test_two_processes_train_what_one_does_with_the_whole_batch(command, run_in, opened, tmp_path):
    run_in(tmp_path / "one", *EXACT, *MEASURED)
    process = torchrun(command(tmp_path / "two", *EXACT, *MEASURED))
    out, messages = process.communicate(timeout=300)
    assert process.returncode == 0, messages
    assert out.splitlines() == [f"{tmp_path / 'two' / 'checkpoint.pt'}: 3 steps"]
    fresh = opened(*EXACT).student.clip.state_dict()
    one, two = (
        torch.load(states(tmp_path / name)[-1], weights_only=True)["state"] for name in ("one", "two")
    )
    for kind in ("weights", "average"):
        for name, tensor in one[kind].items():
            torch.testing.assert_close(two[kind][name], tensor, rtol=0, atol=1e-6, msg=name)
    assert max((tensor - fresh[name]).abs().max() for name, tensor in one["weights"].items()) > 1e-3
    left, right = (
        [json.loads(line) for line in (tmp_path / folder / METRICS).read_text().splitlines()]
        for folder in ("one", "two")
    )
    assert (left[0]["start"]["processes"], right[0]["start"]["processes"]) == (1, 2)
    for one_line, other in zip(left[1:], right[1:], strict=True):
        for key in set(one_line) - {"photos_a_second", "waiting"}:
            assert other[key] == pytest.approx(one_line[key], abs=1e-4), key
    assert messages.count("made for: a few photos") == 1
