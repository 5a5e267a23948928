"""Quantises a bundle's image tower: convolutions compute with 8-bit numbers, which takes half the time.

Each convolution's input has one scale, from the least and the largest value that training photos give it. Weights have one
scale per channel and 7 bits: with 8, sums of pairs overflow on processors without VNNI, whose vectors would be others. What
7 bits change in the mean of a channel is taken off its bias (Nagel et al., "Data-Free Quantization Through Weight Equalization
and Bias Correction", 2019). The first convolution stays in floats: it is small, and rounding it costs the most. So does the
head, which fine-tuning replaces.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import logging
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.shards import file_digest, samples
from mctrain.errors import DataError, ExportError
from mctrain.export.precision import measure_drift, store_halves
from mctrain.models.graph import Graph
from picsight_engine.bundles.bundle import IMAGE_GRAPH, IMAGE_PACKAGE, require_bundle_folder, write_bundle
from picsight_engine.bundles.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from mctrain.data.shards import SampleMembers
    from picsight_engine.bundles.bundle import Bundle, ImageSpec

_OPERATORS = ["Conv", "Add", "Clip"]
_MOST = 1250  # photos
_APART = 5  # one of so many measures the drift and calibrates nothing
_LEAST = 50
LEAST_INT8 = 0.98  # mean centred cosine to the float graph
_DIGITS = 16


def quantise_bundle(
    source: Bundle,
    shards: Sequence[Path],
    target: Path,
    *,
    report: Callable[[str], object] = lambda _: None,
) -> Bundle:
    """Writes `source` with a quantised image tower, which has a space of its own; all else is copied.

    The scores that count as a match are left out, because they were fitted to other vectors: calibrate the bundle.

    Raises:
        DataError: a shard is damaged, or they hold too few photos that are for training.
        ExportError: the tower is quantised already, loses too much, has no convolutions, or has a Core ML package; nothing
            was written.
        BundleError: `target` exists and is not a bundle.
    """
    require_bundle_folder(target)
    manifest, spec = source.manifest, source.image_spec()
    if any(name.startswith(IMAGE_PACKAGE) for name in manifest.files):
        raise ExportError(
            "A Core ML package computes in half precision and would not agree with an 8-bit graph; export without it."
        )
    if manifest.drift.get("image", {}).get("stored") == "int8":
        raise ExportError(f"The image tower of {source.folder} is quantised already.")
    photos = draw_photos(shards)
    apart = photos[::_APART]
    used = [photo for number, photo in enumerate(photos) if number % _APART]
    report(f"{len(used)} photos calibrate the image tower, {len(apart)} others measure it: some minutes.")
    with tempfile.TemporaryDirectory(prefix="mctrain-") as folder:
        stored = Path(folder) / IMAGE_GRAPH
        store_int8_photos(source.folder / spec.graph, stored, _Inputs(used, spec))
        rows = [*_Inputs(apart, spec)]
        wanted = np.concatenate([Graph(source.folder / spec.graph)(row)[0] for row in rows])
        drift = measure_drift(wanted, stored, rows)
        if not drift.mean >= LEAST_INT8:
            raise ExportError(
                f"8 bits change the vectors of photos too much (cosine {drift.mean}, {LEAST_INT8} is needed); nothing was written."
            )
        files = {name: source.folder / name for name in manifest.files} | {spec.graph: stored}
        made = {
            "photos": len(used),
            "shards": {path.name: file_digest(path) for path in shards},
            "of": manifest.files[spec.graph].sha256,
        }
        kept = {name: each for name, each in manifest.provenance.items() if name != "calibration"}
        quantised = replace(
            manifest,
            space_id=space_of_graph(stored, spec),
            drift={**manifest.drift, "image": {"stored": "int8", "of": "the float graph", **asdict(drift)}},
            provenance={**kept, "int8_image": made},
            calibration=None,
            likeness=None,
            blankness=None,
        )
        return write_bundle(target, quantised, files)


def space_of_graph(graph: Path, spec: ImageSpec) -> str:
    """The space of a quantised tower: its weights alone do not tell the scales on which vectors depend."""
    content = json.dumps([file_digest(graph), asdict(spec)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]


def draw_photos(shards: Sequence[Path]) -> list[SampleMembers]:
    """Photos drawn by the SHA-256 of their keys; those of evaluation sets are passed over.

    Raises:
        DataError: a shard is damaged, or they hold too few.
    """

    def allowed() -> Iterator[SampleMembers]:
        known = shipped_digests()
        for shard in shards:
            for sample in samples(shard):
                if not (known.holds_key(sample.key) or known.holds_photo(sample.photo)):
                    yield sample

    drawn = heapq.nsmallest(_MOST, allowed(), key=lambda each: _digest(each.key))
    if len(drawn) < _LEAST:
        raise DataError(
            f"The shards hold {len(drawn)} photos that are not for evaluation, but a calibration needs {_LEAST}; name more shards."
        )
    return drawn


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


class _Inputs:
    """The tower's inputs [1, 3, size, size], decoded again each time: a thousand of them fill a gigabyte."""

    def __init__(self, photos: Sequence[SampleMembers], spec: ImageSpec) -> None:
        self._photos, self._spec = photos, spec

    def __len__(self) -> int:
        return len(self._photos)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (preprocess(photo.image(), self._spec)[None] for photo in self._photos)


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """The inputs as the quantiser asks for them."""

    def __init__(self, name: str, inputs: _Inputs) -> None:
        self._name, self._rows = name, iter(inputs)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        row = next(self._rows, None)
        return None if row is None else {self._name: row}


def store_int8_photos(source: Path, target: Path, inputs: _Inputs) -> None:
    """Quantises all but the first convolution of a float graph; its other large weights become float16."""
    plain, draft = target.with_name("float.onnx"), target.with_name("draft.onnx")
    model = _in_floats(onnx.load(source))
    onnx.save(model, plain)
    nodes = [node.name for node in model.graph.node]
    convolutions = [place for place, node in enumerate(model.graph.node) if node.op_type == "Conv"]
    if len(convolutions) < 2:
        raise ExportError(
            "This image tower has no convolutions to store as int8; export it without --int8-photos."
        )
    logging.disable(logging.WARNING)  # the quantiser recommends steps that the export has done
    try:
        quantize_static(
            plain,
            draft,
            _Reader(model.graph.input[0].name, inputs),
            op_types_to_quantize=_OPERATORS,
            nodes_to_exclude=[
                nodes[convolutions[0]],
                *nodes[convolutions[-1] + 2 :],
            ],  # + 2: with its activation
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.disable(logging.NOTSET)
    quantised = onnx.load(draft)
    _correct_biases(quantised, model, _channel_means(model, inputs, plain))
    onnx.save(quantised, draft)
    store_halves(draft, target)


def _in_floats(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with float16 weights in float32, without their Casts."""
    graph = model.graph
    stored = {each.name: each for each in graph.initializer}
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in stored]
    for cast in casts:
        weight = stored[cast.input[0]]
        values = numpy_helper.to_array(weight).astype(np.float32)
        weight.CopyFrom(numpy_helper.from_array(values, cast.output[0]))
        graph.node.remove(cast)
    return model


def _channel_means(model: onnx.ModelProto, inputs: _Inputs, path: Path) -> dict[str, NDArray[np.float32]]:
    """The mean of each channel [channels] of what enters convolutions, by its name, over all inputs; writes to `path`."""
    measured = onnx.ModelProto()
    measured.CopyFrom(model)
    graph = measured.graph
    names = list(dict.fromkeys(node.input[0] for node in graph.node if node.op_type == "Conv"))
    graph.initializer.append(numpy_helper.from_array(np.array([0, 2, 3]), "mean_axes"))
    del graph.output[:]
    for name in names:
        mean = f"{name}_mean"
        graph.node.append(helper.make_node("ReduceMean", [name, "mean_axes"], [mean], keepdims=0))
        graph.output.append(helper.make_tensor_value_info(mean, TensorProto.FLOAT, None))
    onnx.save(measured, path)
    run = Graph(path)
    sums = [np.zeros(1, np.float64)] * len(names)
    for row in inputs:
        sums = [total + each for total, each in zip(sums, run(row), strict=True)]
    return {name: (total / len(inputs)).astype(np.float32) for name, total in zip(names, sums, strict=True)}


def _correct_biases(
    quantised: onnx.ModelProto, model: onnx.ModelProto, means: dict[str, NDArray[np.float32]]
) -> None:
    """Takes off each convolution's bias what its rounded weights add to the mean of each of its channels."""
    weights = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    stored = {each.name: each for each in quantised.graph.initializer}

    def number(name: str) -> NDArray[Any]:
        return numpy_helper.to_array(stored[name])

    for node in model.graph.node:
        if node.op_type != "Conv" or len(node.input) < 3 or f"{node.input[2]}_quantized" not in stored:
            continue  # it stays in floats, or has no bias
        source, weight, bias = node.input
        rounded = number(f"{weight}_quantized") * number(f"{weight}_scale")[:, None, None, None]
        added = (rounded - weights[weight]).sum(axis=(2, 3))  # [channels, channels of a group]
        groups = len(means[source]) // added.shape[1]
        parts = added.reshape(groups, -1, added.shape[1])
        shift = np.einsum("goi,gi->go", parts, means[source].reshape(groups, -1)).ravel()
        values = number(f"{bias}_quantized") - np.rint(shift / number(f"{bias}_quantized_scale")).astype(
            np.int32
        )
        stored[f"{bias}_quantized"].CopyFrom(numpy_helper.from_array(values, f"{bias}_quantized"))
