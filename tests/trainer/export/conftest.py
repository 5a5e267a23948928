"""A small fitted checkpoint, and the bundle that it is exported as."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from mctrain.export.bundle import export_bundle
from mctrain.export.precision import inputs_of


@pytest.fixture(scope="package")
def checkpoint(finished):
    """A fitted checkpoint with one block of each kind in its trunks: exporting all blocks takes a minute."""
    clip = copy.deepcopy(finished.content.clip)
    for stage in clip.image.trunk.network.blocks:
        del stage[1:]
    del clip.text.trunk.layers[1:]
    return replace(finished.content, clip=clip)


@pytest.fixture(scope="package")
def bundle(checkpoint, tiny_data, tmp_path_factory):
    inputs = inputs_of(tiny_data / "flickr8k-train-000000.tar")
    return export_bundle(checkpoint, tmp_path_factory.mktemp("bundles") / "tiny", inputs, int8_text=False)
