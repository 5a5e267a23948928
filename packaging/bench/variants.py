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
from torch import nn

from mctrain.export.bundle import write_text_graph
from mctrain.export.precision import store_int8
from mctrain.graphs.graph import Graph, Port, provide_graph
from mctrain.models.clip import UnitVectors
from mctrain.models.presets import find_preset
from mctrain.models.reparameterize import fold_everything, reparameterize
from mctrain.models.transformer import take
from mctrain.tokens.tokenizer import CLIP_SPEC, load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mctrain.models.text import Text

ROOT = Path(__file__).resolve().parents[2]
QUERY = "a dog in the snow"
CALLS = 2  # in each thread measurement, of PHOTOS each
PHOTOS = 4


def graph(folder: Path, name: str, build: Callable[[], nn.Module], entry: tuple[torch.Tensor, Port]) -> Path:
    """The tower's graph in float32, exported where it is missing."""
    return provide_graph(folder / f"{name}.onnx", lambda: UnitVectors(build()), *entry, ["vector"])


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


class WholeLastLayer(nn.Module):
    """A text tower that computes every row of its last layer, as the published code does, and then reads one."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self.text = text

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Token ids [n, 77] → embeddings [n, dim]."""
        x = self.text.words(ids) + self.text.positions  # [n, 77, width]
        for layer in self.text.layers:
            x = layer(x)
        return self.text.norm(take(x, ids.argmax(1))) @ self.text.projection


def texts(folder: Path) -> dict[str, Callable[[], object]]:
    """Text towers in float32 and int8: all rows of the last layer, one, and, where causal, only the query's own tokens."""
    ids = load_tokenizer(find_preset("mobileclip_s0").text).encode([QUERY])  # [1, 77]
    calls: dict[str, Callable[[], object]] = {}
    for name in ("mobileclip_s0", "mobileclip_s2", "mobileclip_b"):
        tower = fold_everything(family.random_model(find_preset(name)).text)
        ways = {"the last layer whole": (WholeLastLayer(tower), False), "its end alone": (tower, False)}
        if tower.causal:
            ways["its end alone, to the query's end"] = (tower, True)
        found = {}
        for way, (module, causal) in ways.items():
            path = folder / f"{name}-text-{way.replace(' ', '-')}.onnx"
            small = path.with_name(f"{path.stem}-int8.onnx")
            if not small.is_file():
                write_text_graph(module, CLIP_SPEC, path, causal=causal)
                store_int8(path, small)
            calls[f"{name}, float32, {way}"] = partial(Graph(path), ids)
            calls[f"{name}, int8, {way}"] = partial(Graph(small), ids)
            found[way] = Graph(path)(ids)[0]
        assert all(np.abs(vector - found["the last layer whole"]).max() < 1e-5 for vector in found.values())
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
    parser.add_argument(
        "--cache",
        type=Path,
        default=ROOT / "build" / "bench-variants",
        metavar="FOLDER",
        help="exported graphs, used again (build/bench-variants); delete it when a tower changed",
    )
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
            _compared(written, lambda name: f"{name.split(',')[0]}, float32, the last layer whole"),
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
