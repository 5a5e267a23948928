"""The backend for every system: both towers in ONNX Runtime; on a Mac also with its Core ML provider."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from picsight_engine.foundation.errors import BundleError, Message
from picsight_engine.foundation.signals import signals_deferred
from picsight_engine.runtime.unit_rows import unit_rows

# Unless told before its import, ONNX Runtime writes a device's id and a telemetry store into the user's cache.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# An exception during its set-up in C++ aborts the process, or becomes an ImportError.
with signals_deferred():
    import onnxruntime

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle, ImageSpec, TextSpec

TOKEN_MASK = "attention_mask"  # noqa: S105 -- the input that marks which tokens are no padding
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}

onnxruntime.disable_telemetry_events()
_TAKES = "The model file {path} does not fit its manifest: it takes the shape {found} instead of {wanted}; install the model again."
_GIVES = "The model file {path} does not fit its manifest: it gives the shape {found} instead of {wanted}; install the model again."
_SILENT = 4  # errors also arrive as exceptions, and are reported only once
onnxruntime.set_default_logger_severity(_SILENT)  # for what belongs to no session

Providers = Sequence[str | tuple[str, dict[str, str]]]

# Exact, starts in tens of milliseconds, and the towers are made for it.
CPU: Providers = ["CPUExecutionProvider"]
_CORE_ML = "CoreMLExecutionProvider"
_CORE_ML_OPTIONS = {
    "ModelFormat": "MLProgram",  # the form that new operators are added to; from macOS 12 on, as our packages
    "MLComputeUnits": "ALL",  # ours compute in float32, which the neural engine does not: that leaves CPU and GPU
    "RequireStaticInputShapes": "1",  # a node of free shape is slow there
    # No ModelCacheDirectory, which would save seconds of a run's start: the cache is found by the path of a model, not
    # by its bytes, what one version wrote need not load in the next, and nobody but us would ever empty it.
}
# The CPU runs the parts of a graph that Core ML does not support.
CORE_ML: Providers = [(_CORE_ML, _CORE_ML_OPTIONS), *CPU]


def has_core_ml() -> bool:
    """Whether this build of ONNX Runtime has the Core ML provider, as builds for macOS do."""
    return _CORE_ML in onnxruntime.get_available_providers()


@dataclass(frozen=True, slots=True)
class GraphEnds:
    """The shapes of a graph's inputs and outputs by their names; an axis of free length is a name or None."""

    inputs: dict[str, list[int | str | None]]
    outputs: dict[str, list[int | str | None]]


def graph_ends(path: Path) -> GraphEnds:
    """Loads a graph and returns what it takes and gives; raises BundleError if it cannot be loaded."""
    options = _options(threads=1)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = _load(path, options)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    return GraphEnds({node.name: node.shape for node in inputs}, {node.name: node.shape for node in outputs})


class _Tower:
    """One session, checked against the manifest before anything runs. Its one output is of the one input, beside which a
    text tower may take the mask of its tokens.
    """

    def __init__(
        self,
        bundle: Bundle,
        spec: ImageSpec | TextSpec,
        shape: tuple[int | None, ...],
        session: onnxruntime.InferenceSession,
    ) -> None:
        source, target, dim = spec.input, spec.output, bundle.manifest.dim
        self._path, self._source, self._target, self._dim = bundle.folder / spec.graph, source, target, dim
        self._session = session
        inputs = {node.name: node for node in self._session.get_inputs()}
        outputs = {node.name: node for node in self._session.get_outputs()}
        self._types = {name: _TYPES.get(node.type, np.float32) for name, node in inputs.items()}
        if not {source} <= set(inputs) <= {source, TOKEN_MASK} or target not in outputs:
            raise BundleError(
                "The model file {path} does not fit its manifest: it takes {inputs} and gives "
                "{outputs} instead of {source} and {target}; install the model again.",
                path=self._path,
                inputs=", ".join(inputs),
                outputs=", ".join(outputs),
                source=source,
                target=target,
            )
        self._single = inputs[source].shape[0] == 1  # a graph exported with a batch of one
        self._check_shape(Message(_TAKES), inputs[source].shape, shape)
        self._check_shape(Message(_GIVES), outputs[target].shape, (None, dim))

    def encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The output for one batch: preprocessed photos [n, 3, size, size], or token ids [n, tokens] → [n, dim], rows of unit
        length. Batches of more than four photos bring no speed.
        """
        if self._single and len(values) != 1:
            return np.concatenate([self.encode(each[None]) for each in values])
        vectors = _run(self._session, self._target, self._feed(values), self._path)
        return unit_rows(np.asarray(vectors, dtype=np.float32), (len(values), self._dim), self._path)

    def _feed(self, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The graph's inputs, in its types."""
        return {self._source: values.astype(self._types[self._source], copy=False)}

    def _check_shape(
        self, words: Message, found: list[int | str | None], wanted: tuple[int | None, ...]
    ) -> None:
        """Compares shapes; a named axis in the graph, or None in `wanted`, means any length."""
        fits = len(found) == len(wanted) and all(
            not isinstance(have, int) or want is None or have == want
            for have, want in zip(found, wanted, strict=True)
        )
        if not fits:
            raise BundleError(words.about(path=self._path, found=str(found), wanted=str(list(wanted))))


class Graph:
    """A graph that ships with Picsight, with one input and one output; runs on one thread."""

    def __init__(self, path: Path) -> None:
        """Loads the graph; raises BundleError if it is missing or damaged."""
        options = _options(threads=1)
        options.enable_cpu_mem_arena = False  # inputs of many sizes would keep the memory of each
        self._path = path
        with self._faults_named():
            self._session = _load(path, options)
        self._source = self._session.get_inputs()[0].name

    def run(self, values: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """The output for an input; raises BundleError if it cannot be run."""
        with self._faults_named():
            return np.asarray(_run(self._session, None, {self._source: values}, self._path), np.float32)

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        try:
            yield
        except BundleError as fault:
            words = "The file {path} of Picsight is missing or damaged; install Picsight again."
            raise BundleError(words, path=self._path) from fault


class OnnxImageEncoder(_Tower):
    """An image tower; thread-safe."""

    def __init__(self, bundle: Bundle, threads: int = 1, providers: Providers | None = None) -> None:
        """Loads the graph; for `providers`, which need fixed shapes, with a batch of one photo.

        Raises:
            BundleError: the tower is missing, damaged, does not fit its manifest, or the first provider rejects it.
        """
        spec, options = bundle.image_spec(), _options(threads)
        path = bundle.folder / spec.graph
        for node in _load(path, options).get_inputs() if providers else ():
            if node.shape and isinstance(node.shape[0], str):  # an axis without a name cannot be fixed
                options.add_free_dimension_override_by_name(node.shape[0], 1)
        session = _load(path, options, providers or CPU)
        super().__init__(bundle, spec, (None, 3, spec.size, spec.size), session)
        self._single = self._single or providers is not None


class OnnxTextEncoder(_Tower):
    """A text tower, which starts five times faster here than in Core ML. The manifest's `dynamic` says whether its graph masks
    the padding, and the tokenizer pads accordingly.
    """

    def __init__(self, bundle: Bundle, threads: int = 2) -> None:
        """Loads the graph; raises BundleError if the tower is missing, damaged, or does not fit its manifest."""
        spec = bundle.text_spec()
        session = _load(bundle.folder / spec.graph, _options(threads))
        super().__init__(bundle, spec, (None, None if spec.dynamic else spec.context), session)
        self._pad_id, self._pads_with_end = spec.pad_id, spec.pad_id == spec.eot

    def _feed(self, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        fed = super()._feed(values)
        if TOKEN_MASK in self._types:
            padding = np.logical_and.accumulate(values[:, ::-1] == self._pad_id, axis=1)[:, ::-1]
            lengths = (~padding).sum(axis=1, keepdims=True) + self._pads_with_end
            mask = np.arange(values.shape[1]) < lengths
            fed[TOKEN_MASK] = mask.astype(self._types[TOKEN_MASK])
        return fed


def _load(
    path: Path, options: onnxruntime.SessionOptions, providers: Providers = CPU
) -> onnxruntime.InferenceSession:
    """A session on the first of `providers`; by default the runtime would only print a line and use the others."""
    first = providers[0] if isinstance(providers[0], str) else providers[0][0]
    if first not in onnxruntime.get_available_providers():
        raise BundleError(
            "The model file {path} cannot be run by {first}: this ONNX Runtime does not have it.",
            path=path,
            first=first,
        )
    try:
        with signals_deferred():  # C++ again
            session = onnxruntime.InferenceSession(path, options, providers=providers, enable_fallback=0)
    except Exception as fault:  # the runtime has a dozen unrelated error classes
        raise BundleError(
            "The model file {path} cannot be loaded ({fault}); install the model again.",
            path=path,
            fault=_first_line(fault),
        ) from fault
    session.disable_fallback()
    return session


def _run(
    session: onnxruntime.InferenceSession, output: str | None, fed: dict[str, NDArray[Any]], path: Path
) -> Any:
    """One output of a graph, the first if it has no name here."""
    try:
        with signals_deferred():  # the first run imports numpy from C++, where Python may not raise
            return session.run(None if output is None else [output], fed)[0]
    except Exception as fault:  # as in `_load`
        raise BundleError(
            "The model file {path} cannot be run ({fault}); install the model again.",
            path=path,
            fault=_first_line(fault),
        ) from fault


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    # An idle session leaves the core alone.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _first_line(fault: Exception) -> str:
    return str(fault).strip().split("\n")[0].rstrip(".")
