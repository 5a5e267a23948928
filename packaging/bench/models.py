"""Measures the towers of the MobileCLIP family, one photo or one query on one thread, beside the ViTs that others use."""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import family
import numpy as np
import onnx
from report import interleaved, machine, table

from mctrain.evaluation.page import Point, factors, scatter
from picsight_engine.bundles.bundle import IMAGE_GRAPH, TEXT_GRAPH, open_bundle
from picsight_engine.bundles.tokenizer import Tokenizer
from picsight_engine.foundation.assets import find_asset
from picsight_engine.runtime.onnx import OnnxImageEncoder, OnnxTextEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from picsight_engine.bundles.bundle import Bundle

ROOT = Path(__file__).resolve().parents[2]
PRESETS = (
    "mobileclip_s0",
    "mobileclip_s1",
    "mobileclip_s2",
    "mobileclip_b",
    "mobileclip2_s0",
    "mobileclip2_s2",
)
RIVALS = ("ViT-B-16", "ViT-B-32-256")
YARDSTICK = "ViT-B-16"
QUERY = "a dog in the snow"
HEADINGS = (
    "model",
    "input",
    "image M",
    "MB",
    "ms",
    "speed",
    "text M",
    "MB",
    "ms",
    "speed",
    "int8 MB",
    "int8 ms",
)


@dataclass(frozen=True, slots=True)
class TowerCost:
    """A graph: its number of parameters, bytes of its file, seconds of each round."""

    parameters: int
    size: int
    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, slots=True)
class ModelCost:
    """The measurements of one model; `text` stores float16, or is None if there is only the int8 tower."""

    title: str
    input: int
    image: TowerCost
    text: TowerCost | None
    int8: TowerCost


def parameters(graph: Path) -> int:
    """The number of weights of a graph; publishers count those of the folded tower."""
    model = onnx.load(graph)
    return sum(prod(weight.dims) for weight in model.graph.initializer)


def subjects(cache: Path, presets: Sequence[str], rivals: Sequence[str]) -> dict[str, tuple[Bundle, Bundle]]:
    """Each model's bundle and the one whose text tower is int8, by name; for the starter both are the same."""
    starter = open_bundle(find_asset("starter"))
    found = {"starter": (starter, starter)}
    for name in presets:
        found[name] = family.provide(cache / name, partial(family.preset_towers, name))
    for name in rivals:
        found[name] = family.provide(cache / name, partial(family.open_clip_towers, name))
    return found


def candidates(bundles: Mapping[str, tuple[Bundle, Bundle]]) -> dict[str, Callable[[], object]]:
    """One photo and one query through each tower, as the engine runs it, on one thread."""
    calls: dict[str, Callable[[], object]] = {}
    for name, (bundle, quantised) in bundles.items():
        size = bundle.image_spec().size
        pixels = np.random.default_rng(0).random((1, 3, size, size), dtype=np.float32)
        ids = Tokenizer(bundle).encode([QUERY])
        calls[f"{name} image"] = partial(OnnxImageEncoder(bundle, threads=1).encode, pixels)
        if bundle is not quantised:
            calls[f"{name} text"] = partial(OnnxTextEncoder(bundle, threads=1).encode, ids)
        calls[f"{name} int8"] = partial(OnnxTextEncoder(quantised, threads=1).encode, ids)
    return calls


def measure(bundles: Mapping[str, tuple[Bundle, Bundle]], rounds: int) -> dict[str, ModelCost]:
    """The rows by the models' names, after a warm-up round."""
    calls = candidates(bundles)
    seconds = {name: values[1:] for name, values in interleaved(calls, rounds + 1).items()}
    rows = {}
    for name, (bundle, quantised) in bundles.items():
        towers = {
            kind: TowerCost(parameters(path), path.stat().st_size, seconds[f"{name} {kind}"])
            for kind, path in (
                ("image", bundle.folder / IMAGE_GRAPH),
                ("text", bundle.folder / TEXT_GRAPH),
                ("int8", quantised.folder / TEXT_GRAPH),
            )
            if f"{name} {kind}" in seconds
        }
        manifest = bundle.manifest
        rows[name] = ModelCost(
            manifest.title,
            bundle.image_spec().size,
            towers["image"],
            towers.get("text"),
            towers["int8"],
        )
    return rows


def cells(row: ModelCost, yardstick: ModelCost) -> list[str]:
    """A row of the table; speed is how many times faster than the yardstick's tower of the same kind."""
    text, other = row.text, yardstick.text
    assert other is not None
    return [
        row.title,
        str(row.input),
        *_three(row.image),
        f"{yardstick.image.median / row.image.median:.2f}x",
        *(_three(text) if text else [f"{row.int8.parameters / 1e6:.1f}", "", ""]),
        f"{other.median / text.median:.2f}x" if text else "",
        f"{row.int8.size / 1e6:.0f}",
        _milliseconds(row.int8),
    ]


def _three(tower: TowerCost) -> list[str]:
    return [f"{tower.parameters / 1e6:.1f}", f"{tower.size / 1e6:.0f}", _milliseconds(tower)]


def _milliseconds(tower: TowerCost) -> str:
    return f"{tower.median * 1e3:.1f} ({min(tower.seconds) * 1e3:.1f})"


def main() -> None:
    """Prints the table and draws the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--cache",
        type=Path,
        default=ROOT / "build" / "bench-models",
        metavar="FOLDER",
        help="exported graphs, used again (build/bench-models); delete it when a tower changed",
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw image latency against parameters, SVG"
    )
    arguments = parser.parse_args()
    bundles = subjects(arguments.cache, PRESETS, RIVALS)
    rows = measure(bundles, arguments.rounds)
    print(
        f"{machine()}; one thread, batch 1, {arguments.rounds} interleaved rounds; ms: median (least); float16 weights\n"
    )
    print(table(HEADINGS, [cells(row, rows[YARDSTICK]) for row in rows.values()]))
    if arguments.plot:
        points = [
            Point(row.title, row.image.parameters / 1e6, row.image.median * 1e3, name in RIVALS)
            for name, row in rows.items()
        ]
        across = factors("million parameters", [point.x for point in points])
        up = factors("ms a photo", [point.y for point in points])
        arguments.plot.write_text(scatter(points, across, up), encoding="utf-8")


if __name__ == "__main__":
    main()
