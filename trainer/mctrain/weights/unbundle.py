"""Reads a bundle back into a checkpoint, both towers from its graphs.

Of what a bundle stored in fewer bits the rest is gone: halves are as good as the original, int8 is near it. A graph has each
BatchNorm folded into the convolution before it, and so does not tell them apart: a norm gets the statistics of its network's
package, and the convolution and the norm's bias whatever then gives the same. Where the trunk was not tuned these are the
package's own weights. Only bundles on pretrained trunks can be read: graphs of other towers have whole branches folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from mctrain.errors import RecipeError, WeightsError
from mctrain.models.clip import build_clip
from mctrain.models.lite import Joined, LiteTower, load_trunk
from mctrain.models.lite_stages import unfold
from mctrain.models.presets import preset_of
from mctrain.recipes.parser import parse
from mctrain.recipes.tables import ModelTable
from mctrain.weights.checkpoint import Checkpoint, WeightsFile
from picsight_engine.bundles.bundle import IMAGE_GRAPH, MANIFEST, TEXT_GRAPH, open_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.models.lite import LiteShape
    from mctrain.models.presets import Preset
    from picsight_engine.bundles.bundle import Manifest

_PRODUCTS = frozenset({"MatMul", "MatMulInteger"})
_BETWEEN = frozenset({"Cast", "Mul"})  # what int8 has between a product and its bias
_MEAN = "head.mean"  # the first that a head does is to take it off
_SHARES = "Softmax"  # the first that its branch does with the classifier's logits
_FACTORS = "trunk.factors"


def read_bundle(folder: Path) -> Checkpoint:
    """The model of a bundle, in float32.

    Raises:
        BundleError: it is damaged.
        WeightsError: it is not on pretrained trunks, or it or its graphs are not of the model that it says it is.
        TrainerError: the package of a network is missing.
    """
    bundle = open_bundle(folder, hashes=True)
    manifest = bundle.manifest
    preset = _preset(manifest.provenance, folder)
    _demand_same(preset, manifest, folder)
    clip = build_clip(preset, scale=manifest.logit_scale).eval()
    _read_image(
        cast("LiteTower", clip.image), cast("LiteShape", preset.image), StoredWeights(folder / IMAGE_GRAPH)
    )
    text = cast("nn.Module", clip.text)
    text.load_state_dict(StoredWeights(folder / TEXT_GRAPH).like(text.state_dict()))
    clip.requires_grad_(requires_grad=False)
    source = WeightsFile.of(folder / MANIFEST, "picsight", manifest.licence.id)
    return Checkpoint(preset.named(manifest.name, manifest.title), clip, source)


def _preset(provenance: dict[str, Any], folder: Path) -> Preset:
    """The model in numbers: of a fit its recipe says them, of a training run the bundle itself."""
    recipe = _table(provenance, "recipe")
    table = _table(recipe, "model") or _table(provenance, "model")
    try:
        return preset_of(parse(ModelTable, table, str(folder / MANIFEST)))
    except RecipeError as fault:
        raise WeightsError(
            f"{folder} is not on a Lite network and MiniLM with heads of ours, so it cannot be read back; begin with the checkpoint "
            "that it was made of, or import the published weights."
        ) from fault


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of what somebody wrote into a manifest; empty for none and for anything else."""
    each = content.get(name)
    return each if isinstance(each, dict) else {}


def _demand_same(preset: Preset, manifest: Manifest, folder: Path) -> None:
    described = (manifest.dim, manifest.image and manifest.image.size)
    if described != (preset.dim, preset.size) or manifest.text is None:
        raise WeightsError(
            f"{folder} is not what its manifest says that it was made as, {preset.dim} dimensions of texts and of photos of "
            f"{preset.size} pixels, so it cannot be read back; install or export it again."
        )


def _read_image(tower: LiteTower, shape: LiteShape, stored: StoredWeights) -> None:
    load_trunk(tower.trunk, shape.networks)
    convs = {name: each for name, each in tower.named_modules() if isinstance(each, nn.Conv2d)}
    norms = {name: each for name, each in tower.named_modules() if isinstance(each, nn.BatchNorm2d)}
    plain = {
        name: each
        for name, each in tower.state_dict().items()
        if name.rpartition(".")[0] not in convs.keys() | norms.keys() and name != _FACTORS
    }
    tower.load_state_dict(stored.like(plain), strict=False)
    for (name, conv), norm in zip(convs.items(), norms.values(), strict=True):  # each norm is behind one
        weight, bias = f"{name}.weight", f"{name}.weight_bias"
        found = stored.like({weight: conv.weight, bias: norm.bias})
        unfold(conv, norm, found[weight], found[bias])
    if isinstance(tower.trunk, Joined) and shape.branch:
        _read_factors(tower.trunk, stored)


def _read_factors(trunk: Joined, stored: StoredWeights) -> None:
    """They have lost their name on the way: the one constant of a number a network, over photos and classes."""
    factors = stored.only((len(trunk.networks), 1, 1))
    if factors is None:
        raise WeightsError(
            f"{stored.path} has no factors of its networks' logits, so the bundle cannot be read back."
        )
    trunk.factors.copy_(factors.flatten())


class StoredWeights:
    """One graph, as `mctrain export` writes it. Names of a tower stay, but those of matrices that the graph has transposed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._model = onnx.load(path)
        graph = self._model.graph
        self._arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._products = _products(graph)

    def like(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of these names, in float32; those that are given say of which shape.

        Raises:
            WeightsError: one is missing, or of another shape.
        """
        found = {}
        for name, wanted in tensors.items():
            values = self._values(name)
            if values is None:
                raise WeightsError(f"{self.path} has no {name}, so the bundle cannot be read back.")
            if values.shape != wanted.shape:
                raise WeightsError(
                    f"{self.path} has {name} as {values.shape} instead of {tuple(wanted.shape)}, so the bundle cannot be "
                    "read back."
                )
            found[name] = torch.tensor(values.astype("float32"))
        return found

    def write_with(self, tensors: dict[str, Tensor], path: Path) -> None:
        """Writes the same graph with other values of these tensors, each in the form in which it is kept, but for int8.

        Raises:
            WeightsError: one is missing.
        """
        changed = {}
        for name, values in tensors.items():
            place, turned = self._place(name) or ("", False)
            if not place or turned:
                raise WeightsError(f"{self.path} has no {name} that could be replaced.")
            changed[place] = values.numpy().astype(self._arrays[place].dtype)
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        for weight in model.graph.initializer:
            if weight.name in changed:
                weight.CopyFrom(numpy_helper.from_array(changed[weight.name], weight.name))
        onnx.save(model, path)

    def only(self, shape: tuple[int, ...]) -> Tensor | None:
        """The one constant of a shape, whatever it is called; None where there is none, or several."""
        found = [each for each in self._arrays.values() if each.shape == shape]
        return torch.tensor(found[0].astype("float32")) if len(found) == 1 else None

    def _values(self, name: str) -> NDArray[Any] | None:
        place = self._place(name)
        if place is not None:
            each, turned = place
            return self._arrays[each].T if turned else self._arrays[each]
        for each, turned in self._spellings(name):
            if f"{each}_quantized" in self._arrays:
                return self._restored(each).T if turned else self._restored(each)
        return None

    def _place(self, name: str) -> tuple[str, bool] | None:
        """The array that holds a tensor as it stands or in halves, and whether it is transposed there."""
        for each, turned in self._spellings(name):
            for form in (each, f"{each}_half"):
                if form in self._arrays:
                    return form, turned
        return None

    def _spellings(self, name: str) -> list[tuple[str, bool]]:
        """What a tensor may be called, and whether it is transposed then."""
        if not name.endswith(".weight"):
            return [(name, False)]
        product = self._products.get(f"{name.removesuffix('weight')}bias", "")
        return [(name, False), (f"{name}_Transposed", True), (product, True)]

    def _restored(self, name: str) -> NDArray[Any]:
        """From int8 with one scale, or one a column [n_in, n_out]."""
        whole, scale, zero = (
            self._arrays[f"{name}_{part}"].astype("float32") for part in ("quantized", "scale", "zero_point")
        )
        restored: NDArray[Any] = (whole - zero) * scale
        return restored


def _products(graph: onnx.GraphProto) -> dict[str, str]:
    """The matrix of each product by what is added to it: a linear map's bias keeps its name."""
    users = {entry: node for node in graph.node for entry in node.input}
    found: dict[str, str] = {}
    for node in graph.node:
        if node.op_type not in _PRODUCTS:
            continue
        after = users.get(node.output[0])
        while after is not None and after.op_type in _BETWEEN:
            after = users.get(after.output[0])
        if after is not None and after.op_type == "Add":
            matrix = node.input[1].removesuffix("_quantized")
            found |= dict.fromkeys(after.input, matrix)
    return found


def write_trunk(source: Path, target: Path) -> None:
    """Pixels [n, 3, size, size] → features [n, features], and where the head has a branch logits [n, classes].

    Raises:
        WeightsError: the graph is not of a pretrained trunk under a head.
    """
    model = onnx.load(source)
    graph = model.graph
    features = [node.input[0] for node in graph.node if _MEAN in node.input]
    logits = [node.input[0] for node in graph.node if node.op_type == _SHARES]
    if len(features) != 1 or len(logits) > 1:
        raise WeightsError(
            f"{source} has no trunk and head of ours, so that its head alone cannot learn; begin with a bundle made on the starter."
        )
    del graph.output[:]
    for name in (*features, *logits):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    onnx.save(model, target)
