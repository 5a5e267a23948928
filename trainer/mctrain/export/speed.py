"""The speed of a model's towers: a bundle as it ships, a checkpoint as `export` would write it."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.errors import WeightsError
from mctrain.evaluation.page import CALLS, QUERY, ROUNDS, Latency
from mctrain.export.bundle import can_stop_at_end_token, write_image_graph, write_text_graph
from mctrain.models.graph import Graph
from mctrain.models.reparameterize import fold_everything
from mctrain.models.tokenizer import load_tokenizer, text_spec
from mctrain.teachers.teacher import OPEN_CLIP, kind_of
from mctrain.weights.checkpoint import load_checkpoint
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.bundles.tokenizer import Tokenizer
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.onnx import OnnxTextEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Calls:
    """Two calls that embed one preprocessed photo and one tokenised query; and the name of their runtime."""

    runtime: str
    image: Callable[[], object]
    text: Callable[[], object]


def open_calls(title: str) -> Calls:
    """The single-threaded calls of the model that `mctrain eval` measures under this name.

    Raises:
        BundleError: the bundle is damaged.
        WeightsError: there is no such model or checkpoint, or it is damaged.
    """
    match kind_of(title):
        case "open_clip":
            return _of_open_clip(title.removeprefix(OPEN_CLIP))
        case "bundle":
            return _of_bundle(Path(title))
        case "checkpoint":
            return _of_checkpoint(Path(title))


def latencies(towers: Sequence[Calls]) -> list[Latency]:
    """The latencies of each model, after a warm-up round.

    The models take turns, in reverse order every second round, so that other load affects all equally.
    """
    calls = [call for each in towers for call in (each.image, each.text)]
    least: list[list[float]] = [[] for _ in calls]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for number in range(ROUNDS + 1):
            for place in range(len(calls))[:: 1 if number % 2 else -1]:
                least[place].append(min(_seconds(calls[place]) for _ in range(CALLS)))
    finally:
        torch.set_num_threads(before)
    middle = [1e3 * statistics.median(each[1:]) for each in least]
    pairs = zip(middle[::2], middle[1::2], strict=True)
    return [Latency(image, text, each.runtime) for each, (image, text) in zip(towers, pairs, strict=True)]


def _seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _of_bundle(folder: Path) -> Calls:
    bundle = open_bundle(folder)
    ids = Tokenizer(bundle).encode([QUERY])
    image, text = load_image_encoder(bundle), OnnxTextEncoder(bundle, threads=1)
    pixels = _pixels(bundle.image_spec().size)
    return Calls("ONNX Runtime, as it ships", partial(image.encode, pixels), partial(text.encode, ids))


def _of_checkpoint(path: Path) -> Calls:
    checkpoint = load_checkpoint(path)
    preset, clip = checkpoint.preset, checkpoint.clip
    if clip.text is None:
        raise WeightsError(f"{path} has no text tower, so it finds nothing; choose a whole model.")
    ids = load_tokenizer(preset.text).encode([QUERY])
    with tempfile.TemporaryDirectory(prefix="mctrain-") as name:
        photos, texts = Path(name) / "image.onnx", Path(name) / "text.onnx"
        write_image_graph(fold_everything(clip.image), preset.image_spec(), photos)
        causal = can_stop_at_end_token(preset.text)
        write_text_graph(fold_everything(clip.text), text_spec(preset.text), texts, causal=causal)
        image, text = Graph(photos), Graph(texts)
    pixels = _pixels(preset.size)
    return Calls("ONNX Runtime, folded, float32", partial(image, pixels), partial(text, ids))


def _of_open_clip(title: str) -> Calls:
    from mctrain.teachers.open_clip import load_model  # imports open_clip: 2 s

    model = load_model(title)
    pixels, ids = torch.from_numpy(_pixels(model.spec.size)), model.tokenizer([QUERY])
    module, embed = model.module.cpu(), torch.inference_mode()
    return Calls(
        "torch", partial(embed(module.encode_image), pixels), partial(embed(module.encode_text), ids)
    )


def _pixels(size: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).random((1, 3, size, size), dtype=np.float32)
