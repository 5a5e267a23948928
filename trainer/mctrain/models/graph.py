"""Exports torch modules as ONNX graphs, and runs them."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

# Must be set before the import; otherwise ONNX Runtime writes a device id and telemetry into the user's cache.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from mctrain.atomic_files import draft_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

OPSET = 20

onnxruntime.disable_telemetry_events()
_SILENT = 4  # errors are also raised as exceptions, and should be shown once
onnxruntime.set_default_logger_severity(_SILENT)  # for messages outside of sessions


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of a graph; `axes` names its dynamic axes."""

    name: str
    axes: dict[int, str]


def write_graph(
    module: torch.nn.Module, example: torch.Tensor, entry: Port, outputs: Sequence[str], path: Path
) -> None:
    """Exports a module with one input using torch's dynamo exporter; the legacy one is silently wrong on MiniLM.

    `example` must be at least 2 long on each dynamic axis, or the exporter treats the length as constant.
    """
    # MultiHeadAttention's fast path has no ONNX form
    cast("Any", torch.backends).mha.set_fastpath_enabled(False)
    shapes = ({axis: torch.export.Dim(name, min=1) for axis, name in entry.axes.items()},)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _nothing_in_place(module):
        warnings.simplefilter("ignore")  # the exporter's deprecation warnings
        torch.onnx.export(
            module.eval(),
            (example,),
            str(path),
            dynamo=True,
            opset_version=OPSET,
            input_names=[entry.name],
            output_names=list(outputs),
            dynamic_shapes=shapes,
            external_data=False,
            verbose=False,
        )


@contextlib.contextmanager
def _nothing_in_place(module: torch.nn.Module) -> Iterator[None]:
    """Turns off in-place activations, which the exporter decomposes into many small operations: a third of its time."""
    acting: list[Any] = [each for each in module.modules() if getattr(each, "inplace", False)]
    for activation in acting:
        activation.inplace = False
    try:
        yield
    finally:
        for activation in acting:
            activation.inplace = True


def provide_graph(
    path: Path,
    make: Callable[[], torch.nn.Module],
    example: torch.Tensor,
    entry: Port,
    outputs: Sequence[str],
) -> Path:
    """A module's graph, exported if missing; `make` is called only then."""
    if not path.exists():
        with draft_of(path) as draft:
            write_graph(make(), example, entry, outputs, draft)
    return path


def stop_at_last_end_token(path: Path, context: int) -> None:
    """Fixes the context of a text graph with dynamic length, and makes it compute only up to the last end token.

    Exact only in a causal tower, where no token sees later ones: a query of seven tokens then costs seven rows instead of
    77. The end token is the largest id, as in the tower's pooling.
    """
    model = onnx.load(path)
    graph = model.graph
    entry = graph.input[0]
    whole, read = entry.name, f"{entry.name}_read"
    for node in graph.node:
        node.input[:] = [read if name == whole else name for name in node.input]
    constants = {f"{read}_{name}": value for name, value in (("none", 0), ("one", 1))}
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.array([value], dtype=np.int64), name))
    none, one = constants
    nodes = [
        helper.make_node("ArgMax", [whole], [f"{read}_ends"], axis=1, keepdims=0),  # [n]
        helper.make_node("ReduceMax", [f"{read}_ends"], [f"{read}_last"], keepdims=1),  # [1]
        helper.make_node("Add", [f"{read}_last", one], [f"{read}_length"]),
        helper.make_node("Slice", [whole, none, f"{read}_length", one], [read]),  # [n, length]
        *graph.node,
    ]
    del graph.node[:]
    graph.node.extend(nodes)
    entry.type.tensor_type.shape.dim[1].dim_value = context
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


class Graph:
    """A graph on the CPU, for caching features and for comparing exports with torch."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = _SILENT
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._entry = self._session.get_inputs()[0].name

    def __call__(self, batch: NDArray[Any]) -> list[NDArray[np.float32]]:
        """All outputs for one batch."""
        return cast("list[NDArray[np.float32]]", self._session.run(None, {self._entry: batch}))
