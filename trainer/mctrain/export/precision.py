"""The precision of a graph: test inputs, storage of weights, and the difference from the torch module.

Weights are float16 with a Cast (computed in float32), float32, or int8 for text.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from mctrain.data.shards import samples
from mctrain.data.texts import texts_of
from mctrain.errors import DataError, ExportError
from mctrain.models.graph import Graph
from picsight_engine.runtime.backend_comparison import eight_photos
from picsight_engine.runtime.unit_rows import flaw_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import TextSpec

# smaller tensors (norms, biases, z-scores) stay float32: they take no space, and float16 could cost precision
_LEAST_VALUES = 4096
_INT8_OPERATORS = ["MatMul", "Gemm", "Gather"]
_SAME = 1e-4  # largest difference in a unit vector's entry due to summation order
_FIRST_WORD = 1000  # smaller ids are special tokens and characters
_COUNT = 32
_THINGS = ("dog", "cat", "boat", "tree", "red car", "cup of coffee", "child", "mountain lake")
_PHRASES = ("a photo of a {}", "{} in the rain", "two people beside a {}", "{}")


@dataclass(frozen=True, slots=True)
class SampleInputs:
    """RGB pictures and texts, and their source: a shard's name, or "packaged photographs"."""

    pictures: tuple[PIL.Image.Image, ...]
    texts: tuple[str, ...]
    source: str


def inputs_of(shard: Path) -> SampleInputs:
    """The first captioned photos of a shard, with their captions.

    Raises:
        DataError: it cannot be read, or holds no photo with a caption.
    """
    captioned = ((each, texts_of(each.members, each.key).captions) for each in samples(shard))
    found = list(islice(((each, captions[0]) for each, captions in captioned if captions), _COUNT))
    if len(found) < 2:
        raise DataError(f"{shard} holds fewer than two photos with captions; choose another shard.")
    return SampleInputs(
        tuple(each.image() for each, _ in found), tuple(caption for _, caption in found), shard.name
    )


def packaged_inputs() -> SampleInputs:
    """The packaged photographs and the middle of each, whole and in three windows, and plain phrases; always the same."""
    pictures = []
    for photo in eight_photos():
        width, height = photo.size
        pictures += [photo, photo.crop((0, 0, width // 2, height))]
        pictures += [
            photo.crop((0, 0, width, height // 2)),
            photo.crop((width // 2, height // 2, width, height)),
        ]
    texts = tuple(phrase.format(thing) for phrase in _PHRASES for thing in _THINGS)
    return SampleInputs(tuple(pictures), texts, "packaged photographs")


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
        with np.errstate(over="ignore"):  # the drift shows overflows
            halves = values.astype(np.float16)
        weight.CopyFrom(numpy_helper.from_array(halves, stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    _save(model, target)


def store_floats(source: Path, target: Path) -> None:
    """Keeps float32 weights."""
    _save(onnx.load(source), target)


def store_int8(source: Path, target: Path) -> None:
    """Quantises a text tower dynamically to int8: two to three times faster, a quarter of the size of float32."""
    logging.disable(logging.WARNING)  # the quantiser recommends a step that only helps convolutions
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
    """Saves without the exporter's debug data, which includes paths of this machine."""
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


@dataclass(frozen=True, slots=True)
class Drift:
    """Cosines between the embeddings of torch and of the stored graph, over `count` real inputs.

    `centred`: the mean over all embeddings is subtracted first.
    """

    count: int
    mean: float
    least: float
    centred: bool = True


def trial_texts(spec: TextSpec) -> list[torch.Tensor]:
    """Token ids in batches of several shapes if the tower accepts any, each row with another end token, then padding."""
    draw = torch.Generator().manual_seed(0)
    shapes = (
        ((1, 3), (1, 64), (2, 9), (4, 17), (3, 64))
        if spec.dynamic
        else ((1, spec.context), (3, spec.context))
    )
    trials = []
    for count, tokens in shapes:
        most = spec.eot if spec.eot > _FIRST_WORD else 30 * _FIRST_WORD
        ids = torch.randint(_FIRST_WORD, most, (count, tokens), generator=draw)
        for row in range(count):
            end = (tokens - 1) // (row + 1)
            ids[row, end] = spec.eot
            ids[row, end + 1 :] = spec.pad_id
        trials.append(ids)
    return trials


def demand_vectors(vectors: NDArray[np.float32], tower: str) -> None:
    """Checks that rows [n, dim] are usable vectors.

    Raises:
        ExportError: one has no direction, or all are the same, as when weights are missing.
    """
    flaw = flaw_of(vectors)
    if flaw is None and len(vectors) > 1 and (vectors == vectors[0]).all():
        flaw = "the same vector for everything"
    if flaw is not None:
        raise ExportError(
            f"The {tower} tower of the checkpoint gives {flaw}, as if weights were missing, so nothing was written; "
            "train it or import whole weights."
        )


def demand_equal(module: torch.nn.Module, path: Path, trials: Sequence[torch.Tensor]) -> None:
    """Runs both on every trial.

    Raises:
        ExportError: they differ by more than rounding, or the module gives nothing to compare.
    """
    graph = Graph(path)
    for trial in trials:
        with torch.no_grad():
            wanted = module(trial).numpy()
        demand_vectors(wanted, path.stem.removeprefix("plain-"))
        difference = float(np.abs(graph(trial.numpy())[0] - wanted).max())
        if not difference <= _SAME:
            raise ExportError(
                f"The exported {path.stem} tower differs from the checkpoint by {difference:.1e} at the shape "
                f"{tuple(trial.shape)}; nothing was written."
            )


@torch.no_grad()
def embed(tower: torch.nn.Module, rows: Sequence[NDArray[Any]], name: str) -> NDArray[np.float32]:
    """Torch's embeddings [n, dim], one input at a time.

    Raises:
        ExportError: as `demand_vectors`, of the tower of this name.
    """
    vectors = np.concatenate([tower(torch.from_numpy(row)).numpy() for row in rows])
    demand_vectors(vectors, name)
    return vectors


def measure_drift(wanted: NDArray[np.float32], path: Path, rows: Sequence[NDArray[Any]]) -> Drift:
    """Cosines between torch's unit vectors [n, dim] and the stored graph's, one input at a time as in the engine.

    One at a time, because int8 scales by a batch's largest value.
    """
    graph = Graph(path)
    cosines = _centred_cosines(wanted, np.concatenate([graph(row)[0] for row in rows]))
    return Drift(len(rows), round(float(cosines.mean()), 5), round(float(cosines.min()), 5))


def _centred_cosines(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosines per row after centring: towers map everything near one point, where plain cosines hide differences. 0 for
    rows that are not finite, or equal to the mean.
    """
    wanted, found = wanted - wanted.mean(0), found - found.mean(0)
    lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(found, axis=1)
    has_direction = np.isfinite(lengths) & (lengths > 0)
    cosines = np.zeros(len(lengths), dtype=np.float32)
    cosines[has_direction] = (wanted[has_direction] * found[has_direction]).sum(1) / lengths[has_direction]
    return cosines
