"""The tensors of a bundle's graph by the names of its tower, whatever form they are kept in: as they are, as halves, as int8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from mctrain.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor


_PRODUCTS = frozenset({"MatMul", "MatMulInteger"})
_BETWEEN = frozenset({"Cast", "Mul"})  # what int8 has between a product and its bias


_MEAN = "head.mean"  # the first that a head does is to take it off
_SHARES = "Softmax"  # the first that its branch does with the classifier's logits


class StoredWeights:
    """One graph, as `mctrain export` writes it. Names of a tower stay, but those of matrices that the graph has transposed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._model = onnx.load(path)
        graph = self._model.graph
        self._arrays = {own.name: numpy_helper.to_array(own) for own in graph.initializer}
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
            place = self._place(name)
            if place is None:
                raise WeightsError(f"{self.path} has no {name} that could be replaced.")
            own, turned = place
            changed[own] = (values.T if turned else values).numpy().astype(self._arrays[own].dtype)
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        for weight in model.graph.initializer:
            if weight.name in changed:
                weight.CopyFrom(numpy_helper.from_array(changed[weight.name], weight.name))
        onnx.save(model, path)

    def only(self, shape: tuple[int, ...]) -> Tensor | None:
        """The one constant of a shape, whatever it is called; None where there is none, or several."""
        found = [own for own in self._arrays.values() if own.shape == shape]
        return torch.tensor(found[0].astype("float32")) if len(found) == 1 else None

    def _values(self, name: str) -> NDArray[Any] | None:
        place = self._place(name)
        if place is not None:
            own, turned = place
            return self._arrays[own].T if turned else self._arrays[own]
        for own, turned in self._spellings(name):
            if f"{own}_quantized" in self._arrays:
                return self._restored(own).T if turned else self._restored(own)
        return None

    def _place(self, name: str) -> tuple[str, bool] | None:
        """The array that holds a tensor as it stands or in halves, and whether it is transposed there."""
        for own, turned in self._spellings(name):
            for form in (own, f"{own}_half"):
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
