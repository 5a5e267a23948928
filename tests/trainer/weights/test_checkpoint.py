"""Checkpoints of the family come back as they were saved, and say what is wrong with them."""

from __future__ import annotations

import pytest
import torch

from mctrain.errors import TrainerError, WeightsError
from mctrain.models.presets import PRESETS
from mctrain.training.checkpoint import load_checkpoint
from mctrain.weights.checkpoint import FamilyCheckpoint, Source, load_family, save_family
from mctrain.weights.convert import empty_model, layout_of

PRESET = PRESETS["laptop_xxs"]


def checkpoint(randomised, publisher, *, folded):
    model = randomised(empty_model(PRESET, layout_of(publisher, PRESET), folded=folded))
    return FamilyCheckpoint(PRESET.as_run_by(publisher), publisher, folded, Source("a.pt", "0" * 64), model)


@pytest.mark.parametrize(("publisher", "folded"), [("apple", False), ("open_clip", True), ("timm", False)])
def test_a_checkpoint_comes_back_as_it_was_saved(publisher, folded, randomised, tmp_path):
    saved = checkpoint(randomised, publisher, folded=folded)
    path = save_family(tmp_path, saved)
    assert list(tmp_path.iterdir()) == [path]
    for place in (path, tmp_path):
        found = load_family(place)
        assert (found.preset, found.publisher, found.folded, found.source) == (
            saved.preset,
            publisher,
            folded,
            saved.source,
        )
        state = found.model.state_dict()
        assert all(torch.equal(own, state[name]) for name, own in saved.model.state_dict().items())


def test_what_is_no_checkpoint_of_the_family_is_left_to_others(tmp_path):
    assert load_family(tmp_path / "none.pt") is None
    (tmp_path / "text.pt").write_text("words")
    assert load_family(tmp_path / "text.pt") is None
    torch.save({"recipe": {}}, tmp_path / "run.pt")
    assert load_family(tmp_path / "run.pt") is None


def test_a_damaged_checkpoint_is_one_sentence(randomised, tmp_path):
    path = save_family(tmp_path / "own.pt", checkpoint(randomised, "timm", folded=False))
    content = torch.load(path, weights_only=True)
    for key, value in (
        ("publisher", "nobody"),
        ("preset", "mobileclip_s0"),
        ("preset", "of a later version"),
        ("weights", {}),
        ("weights", None),
        ("source", {}),
    ):
        torch.save({**content, key: value}, tmp_path / "damaged.pt")
        with pytest.raises(WeightsError, match=r"damaged\.pt is damaged; import the weights again\.$"):
            load_family(tmp_path / "damaged.pt")


def test_imported_weights_are_no_run(randomised, tmp_path):
    path = save_family(tmp_path, checkpoint(randomised, "timm", folded=False))
    with pytest.raises(TrainerError, match="is no run of `mctrain train`; `mctrain import` makes"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"published weights", None])
def test_what_is_no_checkpoint_of_the_family_is_not_written_over(content, randomised, tmp_path):
    """Weights that took an hour to fetch, or a run that took a night."""
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content) if content else torch.save({"recipe": {}, "heads": {}}, path)
    before = path.read_bytes()
    with pytest.raises(WeightsError, match=r"checkpoint\.pt exists and is no checkpoint of imported weights"):
        save_family(tmp_path, checkpoint(randomised, "timm", folded=False))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    for _ in range(2):  # one of its own is replaced
        save_family(tmp_path, checkpoint(randomised, "timm", folded=False))
