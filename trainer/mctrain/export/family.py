"""Makes a bundle of a MobileCLIP checkpoint: towers folded, proved equal as graphs, stored small, measured, described."""

from __future__ import annotations

import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mctrain.errors import ExportError
from mctrain.export.clip_tokenizer import TEXT_SPEC, load_clip_tokenizer, write_clip_tokenizer
from mctrain.export.comparison import demand_equal, demand_vectors
from mctrain.export.coreml import NO_PACKAGES, Packages, write_image_package, write_text_package
from mctrain.export.graph import Graph, Port, read_to_the_last_end, write_graph
from mctrain.export.storage import store_floats, store_halves, store_int8
from mctrain.models.mobileclip import UnitVectors
from mctrain.models.reparameterize import fold_everything
from mctrain.models.space import space_id
from mctrain.models.text import CONTEXT, END
from picsight_engine.models.bundle import (
    IMAGE_GRAPH,
    TEXT_GRAPH,
    ImageSpec,
    Licence,
    Manifest,
    demand_place,
    write_bundle,
)
from picsight_engine.models.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mctrain.export.probe import Subjects
    from mctrain.models.presets import Preset
    from mctrain.models.text import Text
    from mctrain.weights.checkpoint import FamilyCheckpoint
    from picsight_engine.models.bundle import Bundle

_FREE_BATCH = {0: "n"}
_COUNTS = (1, 3)
# mean cosines to the checkpoint, the mean over all embeddings taken off: below the first, weights stay float32; below the
# second a person is told what int8 costs
_LEAST_HALVES = 0.995
FAIR_INT8 = 0.9
_APPLES = "mobileclip"
_TERMS = "https://github.com/apple/ml-mobileclip/blob/main/LICENSE_MODELS"


def image_spec(preset: Preset) -> ImageSpec:
    """The preprocessing that a preset was trained with."""
    return ImageSpec(
        size=preset.size,
        resize="shortest",
        interpolation=preset.interpolation,
        crop="centre",
        mean=preset.mean,
        std=preset.std,
        input="pixels",
        output="vector",
        dtype="float32",
    )


def export_family(
    checkpoint: FamilyCheckpoint,
    target: Path,
    subjects: Subjects,
    *,
    int8_text: bool,
    packages: Packages = NO_PACKAGES,
) -> Bundle:
    """Writes the bundle of a checkpoint in one step; one of an image tower alone where there is no text tower.

    Raises:
        ExportError: a graph does not compute what the checkpoint computes; nothing was written.
        TrainerError: packages are wanted that cannot be made.
        BundleError: `target` exists and is no bundle.
    """
    demand_place(target)
    preset, model = checkpoint.preset, checkpoint.model
    if (packages.text or int8_text) and model.text is None:
        raise ExportError(
            f"{preset.title} was imported without a text tower, so there is none to store as int8 or to write for Core "
            "ML; nothing was written."
        )
    spec = image_spec(preset)
    with tempfile.TemporaryDirectory(prefix="mctrain-") as name:
        work = Path(name)
        drift: dict[str, Any] = {
            "subjects": subjects.source,
            "image": _export_image(model.image, spec, subjects, work),
        }
        names = [IMAGE_GRAPH]
        if model.text is not None:
            write_clip_tokenizer(work / TEXT_SPEC.tokenizer)
            drift["text"] = _export_text(model.text, subjects, work, int8=int8_text)
            names += [TEXT_GRAPH, TEXT_SPEC.tokenizer]
        names += _write_packages(checkpoint, packages, work)
        names += _papers(checkpoint, work)
        manifest = Manifest(
            name=preset.name.replace("_", "-"),
            title=preset.title,
            licence=_licence(preset),
            dim=preset.dim,
            space_id=space_id(model.image, spec),
            logit_scale=round(model.scale().item(), 4),
            image=spec,
            text=TEXT_SPEC if model.text is not None else None,
            drift=drift,
            provenance=_provenance(checkpoint, int8_text=int8_text) | packages.provenance(),
        )
        return write_bundle(target, manifest, {name: work / name for name in names})


def write_text_graph(tower: torch.nn.Module, path: Path, *, causal: bool) -> None:
    """The graph of a folded text tower: ids [n, 77] → unit vectors [n, dim]; a causal one reads no further than its texts."""
    example = torch.ones(2, CONTEXT, dtype=torch.int64)
    axes = {**_FREE_BATCH, 1: "tokens"} if causal else _FREE_BATCH
    write_graph(UnitVectors(tower), example, Port(TEXT_SPEC.input, axes), [TEXT_SPEC.output], path)
    if causal:
        read_to_the_last_end(path, CONTEXT)


def _export_image(tower: torch.nn.Module, spec: ImageSpec, subjects: Subjects, work: Path) -> dict[str, Any]:
    plain, stored = work / "plain-image.onnx", work / IMAGE_GRAPH
    example = torch.zeros(2, 3, spec.size, spec.size)
    write_graph(
        UnitVectors(fold_everything(tower)), example, Port(spec.input, _FREE_BATCH), [spec.output], plain
    )
    reference = UnitVectors(tower).eval()
    draw = torch.Generator().manual_seed(0)
    demand_equal(
        reference, plain, [torch.rand(count, 3, spec.size, spec.size, generator=draw) for count in _COUNTS]
    )
    rows = [preprocess(picture, spec)[None] for picture in subjects.pictures]
    return _store_small(reference, plain, stored, rows)


def _export_text(tower: Text, subjects: Subjects, work: Path, *, int8: bool) -> dict[str, Any]:
    plain, stored = work / "plain-text.onnx", work / TEXT_GRAPH
    write_text_graph(fold_everything(tower), plain, causal=tower.causal)
    reference = UnitVectors(tower).eval()
    demand_equal(reference, plain, [_trial_texts(count) for count in _COUNTS])
    rows = [row[None] for row in load_clip_tokenizer().encode(subjects.texts)]
    if not int8:
        return _store_small(reference, plain, stored, rows)
    wanted = _embed(reference, rows)
    demand_vectors(wanted, "text")
    store_int8(plain, stored)
    return {"stored": "int8", **_measure(wanted, stored, rows)}


def _store_small(
    tower: torch.nn.Module, plain: Path, stored: Path, rows: Sequence[NDArray[Any]]
) -> dict[str, Any]:
    """Halves, unless they do not hold the tower: where layer scales are as small as they begin, folded weights vanish."""
    wanted = _embed(tower, rows)
    demand_vectors(wanted, stored.stem)
    store_halves(plain, stored)
    drift = _measure(wanted, stored, rows)
    if drift["mean"] >= _LEAST_HALVES:
        return {"stored": "float16", **drift}
    store_floats(plain, stored)
    return {"stored": "float32", **_measure(wanted, stored, rows)}


def _write_packages(checkpoint: FamilyCheckpoint, packages: Packages, work: Path) -> list[str]:
    preset, model = checkpoint.preset, checkpoint.model
    names = []
    if packages.image:
        names += write_image_package(UnitVectors(fold_everything(model.image)), image_spec(preset), work)
    if packages.text and model.text is not None:
        names += write_text_package(UnitVectors(fold_everything(model.text)), TEXT_SPEC, work)
    return names


def _trial_texts(count: int) -> torch.Tensor:
    """Ids up to an end of its own in each row, the first row full, zeros behind."""
    ids = torch.randint(1, END, (count, CONTEXT), generator=torch.Generator().manual_seed(count))
    for row in range(count):
        end = (CONTEXT - 1) // (row + 1)
        ids[row, end] = END
        ids[row, end + 1 :] = 0
    return ids


@torch.no_grad()
def _embed(tower: torch.nn.Module, rows: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """What torch makes of every input alone, [n, dim]."""
    return np.concatenate([tower(torch.from_numpy(row)).numpy() for row in rows])


def _measure(wanted: NDArray[np.float32], path: Path, rows: Sequence[NDArray[Any]]) -> dict[str, Any]:
    """Cosines between torch and the stored graph, each input alone as the engine runs it, the mean over all taken off."""
    graph = Graph(path)
    found = np.concatenate([graph(row)[0] for row in rows])
    cosines = _centred_cosines(wanted, found)
    return {
        "count": len(rows),
        "mean": round(float(cosines.mean()), 5),
        "least": round(float(cosines.min()), 5),
        "centred": True,
    }


def _centred_cosines(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row; towers map everything near one point, where plain cosines hide a difference. 0 where rounding has left
    no numbers, or nothing beside the mean.
    """
    wanted, found = wanted - wanted.mean(0), found - found.mean(0)
    lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(found, axis=1)
    tells = np.isfinite(lengths) & (lengths > 0)
    cosines = np.zeros(len(lengths), dtype=np.float32)
    cosines[tells] = (wanted[tells] * found[tells]).sum(1) / lengths[tells]
    return cosines


def _licence(preset: Preset) -> Licence:
    """Apple's weights are for research only, and so is whatever is made of them."""
    if preset.name.startswith(_APPLES):
        return Licence("apple-amlr", _TERMS, accept=True)
    return Licence("none", "", accept=False)


def _papers(checkpoint: FamilyCheckpoint, work: Path) -> list[str]:
    """The model card and the licence of what lies in the bundle."""
    preset = checkpoint.preset
    card = (
        f"{preset.title}\n\nMade of the weights {checkpoint.source.name} (SHA-256 {checkpoint.source.sha256}), "
        "changed: branches folded, written as ONNX, numbers stored in fewer bits.\n"
    )
    terms = (
        "The weights are modified. Their publisher's terms bind whoever uses them: for Apple's published weights these are "
        f"the Apple Machine Learning Research Model terms, research purposes only: {_TERMS}\n"
        "Apple Machine Learning Research Model is licensed under the Apple Machine Learning Research Model License "
        "Agreement. Whoever passes this model on adds a copy of that agreement.\n"
        if preset.name.startswith(_APPLES)
        else "The weights may be used as whoever trained them allows.\n"
    )
    vocabulary = (
        "tokenizer.json holds the vocabulary of CLIP, Copyright (c) 2021 OpenAI, under the MIT licence.\n"
    )
    (work / "README.md").write_text(card, encoding="utf-8")
    (work / "LICENCE.txt").write_text(terms + vocabulary, encoding="utf-8")
    return ["README.md", "LICENCE.txt"]


def _provenance(checkpoint: FamilyCheckpoint, *, int8_text: bool) -> dict[str, Any]:
    """What a person needs to make the bundle again; names and digests, no places on a disk."""
    return {
        "tool": {
            "name": "mctrain",
            **{name: metadata.version(name) for name in ("picsight", "torch", "onnxruntime")},
        },
        "preset": checkpoint.preset.name,
        "publisher": checkpoint.publisher,
        "weights": {"name": checkpoint.source.name, "sha256": checkpoint.source.sha256},
        "int8_text": int8_text,
    }
