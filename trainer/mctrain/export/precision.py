"""How a graph's weights are stored: halves with a Cast behind (computed in float32), as they are, or int8 for text."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

if TYPE_CHECKING:
    from pathlib import Path

# smaller tensors (norms, biases, z-scores) stay float32: they weigh nothing and halves could cost exactness
_LEAST_VALUES = 4096
_INT8_OPERATORS = ["MatMul", "Gemm", "Gather"]


def store_halves(source: Path, target: Path) -> None:
    """Rewrites large float32 weights as float16, each followed by a Cast; the runtime folds the Cast when it loads."""
    model = onnx.load(source)
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or int(np.prod(weight.dims)) < _LEAST_VALUES:
            continue
        name, stored = weight.name, f"{weight.name}_half"
        values: Any = numpy_helper.to_array(weight)
        with np.errstate(over="ignore"):  # what comes of it is measured
            halves = values.astype(np.float16)
        weight.CopyFrom(numpy_helper.from_array(halves, stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    _save(model, target)


def store_floats(source: Path, target: Path) -> None:
    """Leaves the weights as they are."""
    _save(onnx.load(source), target)


def store_int8(source: Path, target: Path) -> None:
    """Quantises a text tower: weights to int8, activations while it runs; two to three times faster and a quarter of float32's file."""
    logging.disable(logging.WARNING)  # the quantiser advises a step that is for convolutions
    try:
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=_INT8_OPERATORS,
            per_channel=True,
            weight_type=QuantType.QInt8,
            reduce_range=True,  # 7 bits: with 8 sums overflow on processors without VNNI; recall is the same
        )
    finally:
        logging.disable(logging.NOTSET)
    _save(onnx.load(target), target)


def _save(model: onnx.ModelProto, target: Path) -> None:
    """Without what the exporter wrote down for its own developers, paths of its machine among it."""
    model.doc_string = ""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.doc_string = ""
        if hasattr(value, "metadata_props"):
            del value.metadata_props[:]
    onnx.save(model, target)
