"""A tiny real model and tiny real photos: a whole indexing run takes a second."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from picsight_engine.bundles.bundle import IMAGE_GRAPH, ImageSpec, Licence, Manifest, write_bundle
from picsight_engine.indexing.indexer import IndexSettings, run_index
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.folders import add_folder, all_folders
from picsight_engine.store.opening import open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.indexing.events import Event
    from picsight_engine.store.folders import Folder

SIDE = 32
DIM = 16
ONE_WORKER = IndexSettings(workers=1)
ENDLESS = 1 << 60  # rounds of a loop


def tower(seed: int, factor: float) -> onnx.ModelProto:
    """An image tower of one layer over 4 by 4 mean colours; on a white photo it computes for ever."""
    weights = np.random.default_rng(seed).normal(size=(48, DIM)).astype(np.float32) * np.float32(factor)
    constants = {
        "weights": weights,
        "flat": np.array([-1, 48], np.int64),
        "white": np.array(0.99, np.float32),
        "endless": np.array(ENDLESS, np.int64),
        "one": np.array(1, np.int64),
    }
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Identity", ["before"], ["after"]),
        ],
        "round",
        [
            value("round", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("before", TensorProto.FLOAT, None),
        ],
        [value("go_on", TensorProto.BOOL, []), value("after", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("AveragePool", ["pixels"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Reshape", ["pooled", "flat"], ["colours"]),
        helper.make_node("ReduceMin", ["pixels"], ["darkest"], keepdims=0),
        helper.make_node("Greater", ["darkest", "white"], ["is_white"]),
        helper.make_node("Cast", ["is_white"], ["as_number"], to=TensorProto.INT64),
        helper.make_node("Mul", ["as_number", "endless"], ["extra"]),
        helper.make_node("Add", ["extra", "one"], ["rounds"]),
        helper.make_node("Loop", ["rounds", "", "colours"], ["seen"], body=body),
        helper.make_node("MatMul", ["seen", "weights"], ["raw"]),
        helper.make_node("LpNormalization", ["raw"], ["embedding"], axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "tower",
        [value("pixels", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [value("embedding", TensorProto.FLOAT, ["n", DIM])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def make_bundle(folder: Path, *, seed: int, factor: float = 1.0) -> Bundle:
    """A model of that tower with all weights multiplied by `factor`."""
    graph = folder.with_suffix(".onnx")
    onnx.save(tower(seed, factor), graph)
    spec = ImageSpec(SIDE, "squash", "bilinear", None, None, None, "pixels", "embedding", "float32")
    manifest = Manifest(
        name=f"tiny-{seed}",
        title=f"Tiny {seed}",
        licence=Licence("CC0-1.0", "", accept=False),
        dim=DIM,
        space_id=f"{seed:016x}",
        logit_scale=1.0,
        image=spec,
        text=None,
    )
    return write_bundle(folder, manifest, {IMAGE_GRAPH: graph})


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny", seed=1)


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory) -> Bundle:
    """A model of another space."""
    return make_bundle(tmp_path_factory.mktemp("models") / "other", seed=2)


@pytest.fixture
def draw() -> Callable[..., None]:
    """Writes a photo whose picture depends on `seed` alone."""

    def write(path: Path, seed: int, *, size: tuple[int, int] = (96, 64), **options) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        colours = random.Random(seed).randbytes(4 * 4 * 3)
        Image.frombytes("RGB", (4, 4), colours).resize(size, Image.Resampling.BICUBIC).save(path, **options)

    return write


@pytest.fixture
def album(tmp_path, draw) -> Path:
    """A folder of twelve different photos, named 00.jpg to 11.jpg."""
    folder = tmp_path / "album"
    for number in range(12):
        draw(folder / f"{number:02}.jpg", number)
    return folder


class OpenLibrary:
    """A library's database and thumbnails, which indexing fills."""

    def __init__(self, folder: Path) -> None:
        self.db = open_database(folder)
        self.thumbnails = ThumbnailStore.open(folder)

    def add(self, path: Path) -> Folder:
        return add_folder(self.db, path)

    def events(self, bundle: Bundle, *paths: Path, settings=ONE_WORKER, **options) -> Iterator[Event]:
        """The events of a run over these folders, or over those that the library has."""
        folders = [self.add(path) for path in paths] or all_folders(self.db)
        return run_index(self.db, self.thumbnails, bundle, folders, settings, **options)

    def close(self) -> None:
        self.thumbnails.close()
        self.db.close()


@pytest.fixture
def library(tmp_path) -> Iterator[OpenLibrary]:
    opened = OpenLibrary(tmp_path / "library")
    yield opened
    opened.close()
