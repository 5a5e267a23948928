"""Several processes under torchrun are one run: the same weights, one that writes, and all stop together."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from tests.trainer.training.conftest import ALONE

from mctrain.training.metrics import METRICS
from mctrain.weights.checkpoint import states

pytestmark = pytest.mark.soak  # each is three processes that load torch

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
TOLD = ('evaluation.figures=["dev: text to image at 1"]', "evaluation.every=2", "evaluation.patience=1")
# norms of each process would see its half alone; and AdamW as published makes whole steps of what is but rounding
EXACT = ('optimizer.held=["image", "text"]', "run.steps=3", "optimizer.epsilon=1e-3", "optimizer.rate=1e-2")


def torchrun(words):
    return subprocess.Popen(
        [*TORCHRUN, "-m", "mctrain", *words],
        env=ALONE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip


def test_two_processes_train_what_one_does_with_the_whole_batch(command, run_in, opened, tmp_path):
    run_in(tmp_path / "one", *EXACT, *TOLD)
    process = torchrun(command(tmp_path / "two", *EXACT, *TOLD))
    out, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert out.splitlines() == [f"{tmp_path / 'two' / 'checkpoint.pt'}: 3 steps"]
    fresh = opened(*EXACT).student.clip.state_dict()
    one, two = (torch.load(states(tmp_path / own)[-1], weights_only=True)["state"] for own in ("one", "two"))
    for kind in ("weights", "average"):
        for name, own in one[kind].items():
            torch.testing.assert_close(two[kind][name], own, rtol=0, atol=1e-6, msg=name)
    assert max((own - fresh[name]).abs().max() for name, own in one["weights"].items()) > 1e-3
    left, right = (
        [json.loads(line) for line in (tmp_path / own / METRICS).read_text().splitlines()]
        for own in ("one", "two")
    )
    assert (left[0]["start"]["processes"], right[0]["start"]["processes"]) == (1, 2)
    for one_line, other in zip(left[1:], right[1:], strict=True):
        for key in set(one_line) - {"photos_a_second", "waiting"}:
            assert other[key] == pytest.approx(one_line[key], abs=1e-4), key
    assert told.count("source: a few photos") == 1
