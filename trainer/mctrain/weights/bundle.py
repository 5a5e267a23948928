"""Reads a bundle back into a checkpoint: heads from its graphs, pretrained trunks from their packages.

Of what a bundle stored in fewer bits the rest is gone: a head from float16 is as good as the original, one from int8 near
it. Only bundles on the packages' own trunks can be read: a tuned one, and the factors of joined ones, stand in no tensor
that a graph names, and graphs of other towers have their branches folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import onnx
import torch
from onnx import numpy_helper

from mctrain.errors import RecipeError, WeightsError
from mctrain.models.clip import build_clip, load_trunks
from mctrain.models.lite import is_plain
from mctrain.models.presets import preset_of
from mctrain.recipe import ModelTable, parse_table
from mctrain.weights.checkpoint import Checkpoint, Source
from picsight_engine.models.bundle import IMAGE_GRAPH, MANIFEST, TEXT_GRAPH, open_bundle

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.models.lite import LiteShape

    Arrays = dict[str, NDArray[np.generic]]

_FIRST_STARTER = {"networks": ["lite0"], "size": 224}  # what its recipe did not say yet
_HEAD = "head."


def read_bundle(folder: Path) -> Checkpoint:
    """The model of a bundle, in float32.

    Raises:
        BundleError: it is damaged.
        WeightsError: it is not on pretrained trunks, or these were tuned or joined.
        TrainerError: the package of a trunk is missing.
    """
    bundle = open_bundle(folder, hashes=True)
    manifest = bundle.manifest
    recipe: dict[str, Any] = manifest.provenance.get("recipe", {})
    table = recipe.get("model") or _FIRST_STARTER | recipe.get("heads", {})
    try:
        preset = preset_of(parse_table(ModelTable, table, str(folder / MANIFEST)))
    except RecipeError as fault:
        raise WeightsError(
            f"{folder} does not say of which pretrained networks it was made, so it cannot be read back; import the "
            "published weights instead."
        ) from fault
    model = cast("LiteShape", preset.image)
    if recipe.get("tuning") or not is_plain(model.networks, preset.size):
        raise WeightsError(
            f"{folder} was made of trunks that were tuned or joined, which its graphs do not give back; use the checkpoint "
            "that it was exported from."
        )
    clip = build_clip(preset, scale=manifest.logit_scale).eval()
    load_trunks(clip, preset)
    for tower, graph in ((clip.image, IMAGE_GRAPH), (clip.text, TEXT_GRAPH)):
        state = tower.state_dict()  # type: ignore[union-attr]
        state |= _head(folder / graph, [name for name in state if name.startswith(_HEAD)])
        tower.load_state_dict(state)  # type: ignore[union-attr]
    clip.requires_grad_(requires_grad=False)
    source = Source.of(folder / MANIFEST, "picsight", manifest.licence.id)
    return Checkpoint(preset.named(manifest.name, manifest.title), clip, source)


def _head(path: Path, names: list[str]) -> dict[str, Tensor]:
    """The tensors of a head, whatever form the graph keeps them in."""
    stored = {own.name: numpy_helper.to_array(own) for own in onnx.load(path).graph.initializer}
    found = {}
    for name in names:
        values = _values(stored, name)
        if values is None:
            raise WeightsError(f"{path} has no {name}, so the bundle cannot be read back.")
        found[name] = torch.from_numpy(values.astype("float32"))
    return found


def _values(stored: Arrays, name: str) -> NDArray[Any] | None:
    """As they are, from halves, or from int8 with a scale a column [n_in, n_out]."""
    for own in (name, f"{name}_half"):
        if own in stored:
            return stored[own]
    if f"{name}_Transposed_quantized" not in stored:
        return None
    whole, scale, zero = (
        stored[f"{name}_Transposed_{part}"].astype("float32") for part in ("quantized", "scale", "zero_point")
    )
    restored: NDArray[Any] = ((whole - zero) * scale).T
    return restored
