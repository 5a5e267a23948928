"""Reads a bundle back into a checkpoint, with both towers from its graphs.

Precision lost in a bundle stays lost: float16 is as good as the original, int8 is close to it. In a graph each BatchNorm is
folded into its convolution. Here a norm gets the statistics of its network's package, and the convolution and the norm's
bias are chosen to give the same output; for an untuned trunk they equal the package's weights. Only bundles on pretrained
trunks can be read: graphs of other towers have whole branches folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from mctrain.errors import RecipeError, WeightsError
from mctrain.models.clip import build_clip
from mctrain.models.lite import JoinedNetworks, LiteTower, load_trunk
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
_BETWEEN = frozenset({"Cast", "Mul"})  # int8 nodes between a product and its bias
_MEAN = "head.mean"  # subtracted first in a head
_SHARES = "Softmax"  # the first operation of its branch on the classifier's logits
_FACTORS = "trunk.factors"


def read_bundle(folder: Path) -> Checkpoint:
    """The model of a bundle, in float32.

    Raises:
        BundleError: it is damaged.
        WeightsError: it is not on pretrained trunks, or its graphs do not match the model in its manifest.
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
    source = WeightsFile.from_path(folder / MANIFEST, "picsight", manifest.licence.id)
    return Checkpoint(preset.named(manifest.name, manifest.title), clip, source)


def _preset(provenance: dict[str, Any], folder: Path) -> Preset:
    """The model's parameters: from the recipe of a fit, or from the bundle of a training run."""
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
    """A table in a manifest; empty if it is missing or not a table."""
    value = content.get(name)
    return value if isinstance(value, dict) else {}


def _demand_same(preset: Preset, manifest: Manifest, folder: Path) -> None:
    described = (manifest.dim, manifest.image and manifest.image.size)
    if described != (preset.dim, preset.size) or manifest.text is None:
        raise WeightsError(
            f"{folder} does not match its manifest ({preset.dim} dimensions for texts and photos, photos of {preset.size} "
            "pixels), so it cannot be read back; install or export it again."
        )


def _read_image(tower: LiteTower, shape: LiteShape, stored: StoredWeights) -> None:
    load_trunk(tower.trunk, shape.networks)
    convs = {name: each for name, each in tower.named_modules() if isinstance(each, nn.Conv2d)}
    norms = {name: each for name, each in tower.named_modules() if isinstance(each, nn.BatchNorm2d)}
    plain = {
        name: tensor
        for name, tensor in tower.state_dict().items()
        if name.rpartition(".")[0] not in convs.keys() | norms.keys() and name != _FACTORS
    }
    tower.load_state_dict(stored.like(plain), strict=False)
    for (name, conv), norm in zip(convs.items(), norms.values(), strict=True):  # each norm follows one
        weight, bias = f"{name}.weight", f"{name}.weight_bias"
        found = stored.like({weight: conv.weight, bias: norm.bias})
        unfold(conv, norm, found[weight], found[bias])
    if isinstance(tower.trunk, JoinedNetworks) and shape.branch:
        _read_factors(tower.trunk, stored)


def _read_factors(trunk: JoinedNetworks, stored: StoredWeights) -> None:
    """Reads the factors, which are unnamed in the graph: the only constant with one number per network."""
    factors = stored.only((len(trunk.networks), 1, 1))
    if factors is None:
        raise WeightsError(
            f"{stored.path} has no factors of its networks' logits, so the bundle cannot be read back."
        )
    trunk.factors.copy_(factors.flatten())


class StoredWeights:
    """A graph as `mctrain export` writes it. A tower's tensor names are kept, except for transposed matrices."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._model = onnx.load(path)
        graph = self._model.graph
        self._arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._products = _products(graph)

    def like(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tensors with these names and shapes, in float32.

        Raises:
            WeightsError: one is missing, or has another shape.
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
        """Writes the same graph with new values of these tensors in their stored precision; int8 is not supported.

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
        """The only constant of a shape; None if there is none, or several."""
        found = [each for each in self._arrays.values() if each.shape == shape]
        return torch.tensor(found[0].astype("float32")) if len(found) == 1 else None

    def _values(self, name: str) -> NDArray[Any] | None:
        place = self._place(name)
        if place is not None:
            stored, turned = place
            return self._arrays[stored].T if turned else self._arrays[stored]
        for spelling, turned in self._spellings(name):
            if f"{spelling}_quantized" in self._arrays:
                return self._restored(spelling).T if turned else self._restored(spelling)
        return None

    def _place(self, name: str) -> tuple[str, bool] | None:
        """The float32 or float16 array that holds a tensor, and whether it is transposed."""
        for spelling, turned in self._spellings(name):
            for form in (spelling, f"{spelling}_half"):
                if form in self._arrays:
                    return form, turned
        return None

    def _spellings(self, name: str) -> list[tuple[str, bool]]:
        """A tensor's possible names, and whether each is transposed."""
        if not name.endswith(".weight"):
            return [(name, False)]
        product = self._products.get(f"{name.removesuffix('weight')}bias", "")
        return [(name, False), (f"{name}_Transposed", True), (product, True)]

    def _restored(self, name: str) -> NDArray[Any]:
        """Dequantises integers with one scale, or one per column [n_in, n_out], convolution [n, …] or bias [n]."""
        stored = f"{name}_quantized"
        numbers = stored if f"{stored}_scale" in self._arrays else name  # of a bias
        places = (stored, f"{numbers}_scale", f"{numbers}_zero_point")
        whole, scale, zero = (self._arrays[place].astype("float32") for place in places)
        if whole.ndim > 2:  # of a convolution
            scale, zero = (each.reshape(-1, 1, 1, 1) for each in (scale, zero))
        restored: NDArray[Any] = (whole - zero) * scale
        return restored


def _products(graph: onnx.GraphProto) -> dict[str, str]:
    """The matrix of each product, by the bias added to it, which keeps its name."""
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
    """Writes the trunk's graph: pixels [n, 3, size, size] → features [n, features], and logits [n, classes] for a branch.

    Raises:
        WeightsError: the graph is not a pretrained trunk with a head.
    """
    model = onnx.load(source)
    graph = model.graph
    features = [node.input[0] for node in graph.node if _MEAN in node.input]
    logits = [node.input[0] for node in graph.node if node.op_type == _SHARES]
    if len(features) != 1 or len(logits) > 1:
        raise WeightsError(
            f"{source} has no trunk and head of ours, so its head cannot be trained alone; begin with a bundle based on the starter."
        )
    del graph.output[:]
    for name in (*features, *logits):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    onnx.save(model, target)
