"""Checkpoints are read back as saved, and faults in them are named."""

from __future__ import annotations

import pytest
import torch
from tests.trainer.conftest import changed_tensors, published

from mctrain.errors import WeightsError
from mctrain.models.presets import PRESETS
from mctrain.weights.checkpoint import (
    Checkpoint,
    WeightsFile,
    demand_checkpoint,
    load_checkpoint,
    save_checkpoint,
)

PRESET = PRESETS["laptop_xxs"]


def checkpoint(randomised, publisher, *, folded):
    model, _ = published(PRESET, publisher, randomised, folded=folded)
    return Checkpoint(PRESET.as_run_by(publisher), model, WeightsFile("a.pt", "0" * 64, publisher), folded)


@pytest.mark.parametrize(("publisher", "folded"), [("open_clip", True), ("timm", False)])
def test_a_checkpoint_comes_back_as_it_was_saved(publisher, folded, randomised, tmp_path):
    saved = checkpoint(randomised, publisher, folded=folded)
    path = save_checkpoint(tmp_path, saved)
    assert list(tmp_path.iterdir()) == [path]
    for place in (path, tmp_path):
        found = load_checkpoint(place)
        assert (found.preset, found.origin, found.folded) == (saved.preset, saved.origin, folded)
        assert not changed_tensors(found.clip.state_dict(), saved.clip.state_dict())


def test_a_file_that_is_no_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(WeightsError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("words")
    with pytest.raises(WeightsError, match="damaged or holds more than weights"):
        load_checkpoint(tmp_path / "text.pt")
    torch.save({"state_dict": {}}, tmp_path / "published.pt")
    with pytest.raises(WeightsError, match="is not a checkpoint of mctrain; `mctrain import` makes one"):
        load_checkpoint(tmp_path / "published.pt")


@pytest.mark.parametrize("content", [b"published weights", None])
def test_an_import_overwrites_only_imported_weights(content, randomised, tmp_path):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content) if content else torch.save({"kind": "mctrain", "source": None}, path)
    with pytest.raises(
        WeightsError, match=r"checkpoint\.pt exists and is not a checkpoint of imported weights"
    ):
        demand_checkpoint(tmp_path)
    path.unlink()
    save_checkpoint(tmp_path, checkpoint(randomised, "timm", folded=False))
    assert demand_checkpoint(tmp_path) == path  # one of its own is replaced
