"""A run may learn from shards of a store: what was stopped goes on, and says how exactly."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.trainer.training.conftest import Heard

from mctrain.places import place_of, write
from mctrain.training.metrics import METRICS

CHANGES = ("data.bank=0", "run.log_every=1", "run.steps=4", "run.save_every=2")


class Stopping(Heard):
    """Stands for whatever ends a process after a step."""

    def advance(self, step, steps, sentence):
        super().advance(step, steps, sentence)
        if step == 3:
            raise KeyboardInterrupt


def test_a_run_from_a_store_goes_on_behind_its_last_state(run_in, places, tmp_path):
    store = place_of(f"memory://{tmp_path.name}")
    for path in places.photos.iterdir():
        write(store / path.name, path.read_bytes())
    streamed, heard = replace(places, photos=store), Heard()
    with pytest.raises(KeyboardInterrupt):
        run_in(tmp_path / "run", *CHANGES, journal=Stopping(), places=streamed)
    outcome = run_in(tmp_path / "run", *CHANGES, journal=heard, places=streamed)
    assert outcome.path is not None
    assert "24 samples of 2 shards, streamed: " in heard.lines[0]
    told = [json.loads(line) for line in (tmp_path / "run" / METRICS).read_text().splitlines()]
    assert [line["step"] for line in told if "loss" in line][-2:] == [3, 4]
