"""Copies unchanged towers from the bundle that a run began with.

So the same photo or search keeps the identical vector, and weights are not rounded twice.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import torch

from mctrain.weights.from_bundle import StoredWeights, read_bundle
from picsight_engine.bundles.bundle import IMAGE_GRAPH, TEXT_GRAPH

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from mctrain.weights.checkpoint import Checkpoint
    from picsight_engine.bundles.bundle import Bundle, TextSpec

_HEAD = "head."

_Drift = dict[str, Any]  # the drift of a stored tower, as recorded at its export


class ReusedTowers:
    """The unchanged parts of a bundle: the text tower, the image tower, or the image tower without its head."""

    def __init__(self, bundle: Bundle, made: Checkpoint) -> None:
        """Reads the bundle back.

        Raises:
            WeightsError: as `read_bundle`.
        """
        self._bundle, self.folder = bundle, bundle.folder
        begun = read_bundle(bundle.folder)
        changed = _changed(begun.clip.image, made.clip.image)
        same_input = bundle.manifest.image == made.preset.image_spec()
        self.image = same_input and not changed
        self.trunk = same_input and all(name.startswith(_HEAD) for name in changed)
        self.text = begun.preset.text == made.preset.text and not _changed(begun.clip.text, made.clip.text)
        self.stored = str(bundle.manifest.drift["image"]["stored"])
        self._head = {
            name: tensor for name, tensor in made.clip.image.state_dict().items() if name.startswith(_HEAD)
        }

    def copy_text(self, work: Path) -> tuple[list[str], _Drift, TextSpec]:
        """Copies the text tower and its tokenizer into `work`; returns their names, drift and settings."""
        spec = self._bundle.text_spec()
        names = [TEXT_GRAPH, spec.tokenizer]
        for name in names:
            shutil.copyfile(self.folder / name, work / name)
        return names, dict(self._bundle.manifest.drift["text"]), spec

    def copy_image(self, work: Path) -> tuple[str, _Drift]:
        """Copies the image tower into `work`; returns its space and drift."""
        shutil.copyfile(self.folder / IMAGE_GRAPH, work / IMAGE_GRAPH)
        return self._bundle.manifest.space_id, dict(self._bundle.manifest.drift["image"])

    def write_image(self, path: Path) -> None:
        """Writes the image tower with the new head, in the stored precision.

        Raises:
            WeightsError: the graph has no such head.
        """
        StoredWeights(self.folder / IMAGE_GRAPH).write_with(self._head, path)


def _changed(begun: nn.Module | None, made: nn.Module | None) -> list[str]:
    """The names of the tensors that differ."""
    before, after = (each.state_dict() if each is not None else {} for each in (begun, made))
    return [
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or not torch.equal(before[name], after[name])
    ]
