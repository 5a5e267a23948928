"""Towers are timed alone, in turns and on one thread; no time is asserted."""

from __future__ import annotations

from mctrain.export.speed import open_calls


def test_a_bundle_runs_as_it_ships(starter):
    towers = open_calls(str(starter))
    assert towers.runtime == "ONNX Runtime, as it ships"
    assert towers.image().shape == towers.text().shape == (1, 512)
