"""Towers are timed alone, in turns and on one thread; no time is asserted."""

from __future__ import annotations

import json
from itertools import groupby

import open_clip
import torch

from mctrain.evaluation.accuracy import CALLS, ROUNDS
from mctrain.export.speed import Calls, latencies, open_calls

TINY = {
    "embed_dim": 48,
    "vision_cfg": {"image_size": 64, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}


def recorded(names):
    """Towers that write down when they are called, and on how many threads."""
    calls = []

    def call(name):
        return lambda: calls.append((name, torch.get_num_threads()))

    return calls, [Calls("none", call(f"{own} image"), call(f"{own} text")) for own in names]


def test_models_take_turns_backwards_every_second_round_and_the_threads_come_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        calls, towers = recorded(["a", "b"])
        told = latencies(towers)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert {threads for _, threads in calls} == {1}
    order = ["a image", "a text", "b image", "b text"]
    turns = [(name, len(list(own))) for name, own in groupby(name for name, _ in calls)]
    flat = [name for name, count in turns for _ in range(count // CALLS)]
    rounds = [flat[start : start + 4] for start in range(0, len(flat), 4)]
    assert len(rounds) == ROUNDS + 1  # the first warms up
    assert rounds[0::2] == [order[::-1]] * len(rounds[0::2])
    assert rounds[1::2] == [order] * len(rounds[1::2])
    assert [own.runtime for own in told] == ["none", "none"]


def test_a_model_of_open_clip_runs_in_torch_a_photo_and_a_query_at_a_time(tmp_path):
    (tmp_path / "tiny-fast.json").write_text(json.dumps(TINY), encoding="utf-8")
    open_clip.add_model_config(tmp_path)
    model = open_clip.create_model("tiny-fast").eval()
    torch.save(model.state_dict(), tmp_path / "tiny.pt")
    towers = open_calls(f"open_clip:tiny-fast@{tmp_path / 'tiny.pt'}")
    assert towers.runtime == "torch"
    assert towers.image().shape == towers.text().shape == (1, 48)
    wanted = model.encode_text(open_clip.get_tokenizer("tiny-fast")(["a dog in the snow"]))
    assert torch.allclose(towers.text(), wanted, atol=1e-6)
    assert not towers.image().requires_grad


def test_a_bundle_runs_as_it_ships(starter):
    towers = open_calls(str(starter))
    assert towers.runtime == "ONNX Runtime, as it ships"
    assert towers.image().shape == towers.text().shape == (1, 512)
