"""Measures what might make the towers faster: less in the graph, shorter texts, int8, other threads."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import family
import numpy as np
import onnx
import onnxruntime
import open_clip
import torch
from report import interleaved, machine, milliseconds, table
from timm.utils import reparameterize_model

from mctrain.export.clip_tokenizer import load_clip_tokenizer
from mctrain.export.graph import Graph, Port, write_graph
from mctrain.export.storage import store_int8
from mctrain.models.mobileclip import UnitVectors
from mctrain.models.presets import find_preset
from mctrain.models.reparameterize import fold_everything, reparameterize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

ROOT = Path(__file__).resolve().parents[2]
QUERY = "a dog in the snow"
CALLS = 2  # in each thread measurement, of PHOTOS each
PHOTOS = 4


def graph(folder: Path, name: str, build: Callable[[], nn.Module], entry: tuple[torch.Tensor, Port]) -> Path:
    """The tower's graph in float32, exported where it is missing."""
    path = folder / f"{name}.onnx"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        write_graph(UnitVectors(build()), *entry, ["vector"], part)
        part.replace(path)
    return path


def folded_less(folder: Path) -> dict[str, Path]:
    """Image towers as they are trained, as timm and the published code fold them, and with everything folded."""
    paths = {}
    entry = torch.zeros(2, 3, 256, 256), Port("pixels", family.FREE_BATCH)
    for name, theirs in (("mobileclip_s0", None), ("mobileclip_s2", "MobileCLIP-S2")):
        tower = family.random_model(find_preset(name)).image
        ways: dict[str, Callable[[], nn.Module]] = {
            "as trained": lambda tower=tower: tower,
            "branches folded": partial(reparameterize, tower),
            "everything folded": partial(fold_everything, tower),
        }
        if theirs:
            ways["open_clip, folded by timm"] = lambda theirs=theirs: reparameterize_model(
                open_clip.create_model(theirs, pretrained=None).eval().visual
            )
        for way, build in ways.items():
            paths[f"{name}, {way}"] = graph(folder, f"{name}-{way.replace(' ', '-')}", build, entry)
    return paths


def nodes(path: Path) -> tuple[int, int]:
    """How many nodes a graph has, and how many ONNX Runtime computes after its own optimisation."""
    with tempfile.TemporaryDirectory() as name:
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(Path(name) / "optimised.onnx")
        options.log_severity_level = 3
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return len(onnx.load(path).graph.node), len(onnx.load(options.optimized_model_filepath).graph.node)


def texts(folder: Path) -> dict[str, Callable[[], object]]:
    """Text towers in float32 and int8, at the whole context and, where they are causal, at the query's own length."""
    ids = load_clip_tokenizer().encode([QUERY])  # [1, 77]
    short = ids[:, : int(ids.argmax()) + 1]
    calls: dict[str, Callable[[], object]] = {}
    for name, causal in (("mobileclip_s0", False), ("mobileclip_s2", False), ("mobileclip_b", True)):
        tower = partial(lambda name: fold_everything(family.random_model(find_preset(name)).text), name)
        axes = {**family.FREE_BATCH, 1: "tokens"} if causal else family.FREE_BATCH
        entry = torch.ones(2, 77, dtype=torch.int64), Port("ids", axes)
        whole = graph(folder, f"{name}-text", tower, entry)
        small = whole.with_name(f"{whole.stem}-int8.onnx")
        if not small.is_file():
            store_int8(whole, small)
        for kind, path in (("float32", whole), ("int8", small)):
            session = Graph(path)
            calls[f"{name}, {kind}, 77 ids"] = partial(session, ids)
            if causal:
                calls[f"{name}, {kind}, {short.shape[1]} ids"] = partial(session, short)
                if kind == "float32":
                    assert np.abs(session(ids)[0] - session(short)[0]).max() < 1e-5
    return calls


def splits(path: Path) -> dict[str, Callable[[], object]]:
    """The same number of photos through two threads in each way there is."""
    pixels = np.random.default_rng(0).random((PHOTOS, 3, 256, 256), dtype=np.float32)
    single, other, double = Graph(path), Graph(path), Graph(path, threads=2)
    pool = ThreadPoolExecutor(2)

    def pair(first: Graph, second: Graph) -> None:
        list(pool.map(lambda run: run(pixels), [first, second]))

    return {
        "one session, one thread": lambda: [single(pixels) for _ in range(CALLS)],
        "one session, two threads": lambda: [double(pixels) for _ in range(CALLS)],
        "one session of one thread, two callers": lambda: pair(single, single),
        "two sessions of one thread": lambda: pair(single, other),
    }


def _compared(seconds: Mapping[str, list[float]], against: Callable[[str], str]) -> list[list[str]]:
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    least = {name: min(values) for name, values in seconds.items()}
    return [
        [
            name,
            milliseconds(values),
            f"{medians[against(name)] / medians[name]:.2f}x",
            f"{least[against(name)] / least[name]:.2f}x",
        ]
        for name, values in seconds.items()
    ]


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "bench-variants", metavar="FOLDER")
    arguments = parser.parse_args()
    paths = folded_less(arguments.cache)
    calls = texts(arguments.cache)
    pixels = np.random.default_rng(0).random((1, 3, 256, 256), dtype=np.float32)
    images = interleaved(
        {name: partial(Graph(path), pixels) for name, path in paths.items()}, arguments.rounds
    )
    written = interleaved(calls, arguments.rounds)
    split = interleaved(splits(paths["mobileclip_s0, everything folded"]), arguments.rounds)
    print(f"{machine()}; batch 1, one thread, {arguments.rounds} interleaved rounds\n")
    rows = [
        [*row[:1], *map(str, nodes(paths[row[0]])), *row[1:]]
        for row in _compared(images, lambda name: f"{name.split(',')[0]}, branches folded")
    ]
    headings = ["ms, median (range)", "speed by medians", "by the least"]
    print(table(["image tower", "nodes", "after ONNX Runtime", *headings], rows), "\n")
    print(
        table(
            ["text tower", *headings],
            _compared(written, lambda name: f"{name.split(',')[0]}, float32, 77 ids"),
        ),
        "\n",
    )
    print(
        table(
            [f"S0, {CALLS * PHOTOS} photos in batches of {PHOTOS}", *headings],
            _compared(split, lambda _: "one session, one thread"),
        )
    )


if __name__ == "__main__":
    main()
