"""What a bundle says of itself is true of what lies in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mctrain.export.papers import LICENCE, write_papers
from mctrain.models.clip import build_clip
from mctrain.models.presets import PRESETS
from mctrain.weights.bundle import read_bundle
from mctrain.weights.checkpoint import Checkpoint, Source

SOURCE = Source("weights.pt", "0" * 64, "timm")


@pytest.fixture
def family():
    preset = PRESETS["laptop_xxs"]
    return Checkpoint(preset, build_clip(preset), SOURCE)


def licence(checkpoint, folder):
    write_papers(checkpoint, folder)
    return (folder / LICENCE).read_text(encoding="utf-8")


def test_the_licence_names_the_vocabulary_that_lies_in_the_bundle_and_no_other(family, starter, tmp_path):
    assert "the vocabulary of CLIP" in licence(family, tmp_path)
    image_alone = replace(family, clip=build_clip(family.preset, with_text=False))
    assert "vocabulary" not in licence(image_alone, tmp_path)
    assert "vocabulary" not in licence(read_bundle(starter), tmp_path)
