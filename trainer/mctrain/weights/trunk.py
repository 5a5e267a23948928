"""The trunk of a bundle's image tower as a graph of its own: what the head is given of a photo, whatever it makes of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import TensorProto, helper

from mctrain.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

_MEAN = "head.mean"  # the first that a head does is to take it off
_SHARES = "Softmax"  # the first that its branch does with the classifier's logits


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
