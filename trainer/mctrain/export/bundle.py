"""Makes a bundle from a checkpoint: folds the towers, exports and verifies graphs, compresses, measures and documents them."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mctrain.errors import ExportError
from mctrain.export.coreml import NO_PACKAGES, Packages, write_image_package, write_text_package
from mctrain.export.documents import licence_of, provenance_of, title_of, write_documents
from mctrain.export.precision import (
    demand_equal,
    embed,
    measure_drift,
    store_floats,
    store_halves,
    store_int8,
    trial_texts,
)
from mctrain.export.quantisation import LEAST_INT8, space_of_graph
from mctrain.export.reused_towers import ReusedTowers
from mctrain.models.clip import at_unit_length, space_id
from mctrain.models.graph import Port, stop_at_last_end_token, write_graph
from mctrain.models.minilm import MiniLmShape
from mctrain.models.reparameterize import fold_everything
from mctrain.models.tokenizer import load_tokenizer, text_spec, write_tokenizer
from mctrain.weights.checkpoint import Trained
from picsight_engine.bundles.bundle import (
    IMAGE_GRAPH,
    TEXT_GRAPH,
    ImageSpec,
    Manifest,
    TextSpec,
    require_bundle_folder,
    write_bundle,
)
from picsight_engine.bundles.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mctrain.export.precision import SampleInputs
    from mctrain.models.text import TextShape
    from mctrain.weights.checkpoint import Checkpoint, HeadFit, WeightsFile
    from picsight_engine.bundles.bundle import Bundle

    AnyText = TextShape | MiniLmShape


_FREE_BATCH = {0: "n"}
_FREE_TOKENS = {0: "n", 1: "tokens"}
_COUNTS = (1, 3)
_FEW = 8  # photos to measure the drift of a new head on an old trunk
# mean centred cosines to the checkpoint: below the first, weights stay float32; below the second, the user is warned
# about int8
_LEAST_HALVES = 0.995
FAIR_INT8 = 0.9


def demand_no_loss(origin: WeightsFile | HeadFit | Trained) -> None:
    """Checks the comparison of a run whose recipe holds photos out; any other model passes.

    Raises:
        ExportError: there is no comparison yet, a set has lost more points than the recipe allows, or what the user asked
            for is found less often.
    """
    if not (isinstance(origin, Trained) and origin.recipe.get("apart")):
        return
    if not origin.compared:
        raise ExportError(
            "The model was not yet compared with the one that it began with, so nothing was exported; run the training command "
            "again to compare them."
        )
    most_lost = origin.recipe["apart"]["most_lost"]
    # NaN does not pass either
    if lost := [each for each in origin.compared if not each.lost <= most_lost]:
        losses = "; ".join(f"{each.title} ({each.before:.1f} to {each.after:.1f} %)" for each in lost)
        raise ExportError(
            f"The model got worse by more than {most_lost:g} points, so nothing was exported: {losses}. The checkpoint stays; "
            "train with a smaller optimizer.rate or for fewer steps in another folder."
        )
    worse = [each for each in origin.compared if each.group == "asked for" and each.after < each.before]
    if worse:
        raise ExportError(
            f"The model finds the {worse[0].name} less often than before ({worse[0].before:.1f} to {worse[0].after:.1f} %), so nothing was "
            "exported. The checkpoint stays; add photos, or words that tell them apart."
        )


def export_bundle(
    checkpoint: Checkpoint,
    target: Path,
    inputs: SampleInputs,
    *,
    int8_text: bool,
    packages: Packages = NO_PACKAGES,
    begun: Bundle | None = None,
    same_image: bool = False,
    report: Callable[[str], object] = lambda _: None,
) -> Bundle:
    """Writes the bundle of a checkpoint atomically; without a text tower it has the image tower only.

    Parts that the run did not change are copied from `begun`, the bundle that it began with. An unchanged image tower also
    keeps the vector space, so photos need not be read again; `same_image` requires that. `report` gets a sentence
    before the work, which takes about a minute.

    Raises:
        ExportError: a graph does not match the checkpoint, the run's comparison found it worse, or `begun` has another
            image tower; nothing was written.
        TrainerError: the requested packages cannot be made.
        BundleError: `target` exists and is not a bundle.
    """
    require_bundle_folder(target)
    demand_no_loss(checkpoint.origin)
    preset, clip = checkpoint.preset, checkpoint.clip
    if (packages.text or int8_text) and clip.text is None:
        raise ExportError(
            f"{preset.title} was imported without a text tower, so there is none to store as int8 or to write for Core "
            "ML; nothing was written."
        )
    spec = preset.image_spec()
    report("The graphs are written and compared with the checkpoint, which takes about a minute.")
    with tempfile.TemporaryDirectory(prefix="mctrain-") as folder:
        work = Path(folder)
        kept = None if begun is None else ReusedTowers(begun, checkpoint)
        if same_image and kept is not None and not kept.image:
            raise ExportError(
                f"The image tower of {kept.folder} is not that of the checkpoint, so nothing was written; name the bundle that "
                "the run began with."
            )
        towers = _export_towers(checkpoint, inputs, work, kept, int8=int8_text)
        names = list(towers.names)
        names += _write_packages(checkpoint, packages, work)
        names += write_documents(checkpoint, work)
        name, title = title_of(checkpoint)
        is_int8 = towers.text is not None and towers.drift["text"]["stored"] == "int8"  # also a kept one
        manifest = Manifest(
            name=name,
            title=title,
            licence=licence_of(checkpoint),
            dim=preset.dim,
            space_id=towers.space,
            logit_scale=round(clip.scale().item(), 4),
            image=spec,
            text=towers.text,
            drift={"subjects": inputs.source, **towers.drift},
            provenance=provenance_of(checkpoint, int8_text=is_int8) | packages.provenance(),
        )
        return write_bundle(target, manifest, {name: work / name for name in names})


@dataclass(frozen=True, slots=True)
class _Towers:
    """The towers' files, their drift, the space, and the engine's settings for the text tower."""

    names: tuple[str, ...]
    drift: dict[str, Any]
    space: str
    text: TextSpec | None


def _export_towers(
    checkpoint: Checkpoint, inputs: SampleInputs, work: Path, kept: ReusedTowers | None, *, int8: bool
) -> _Towers:
    """Writes both towers into `work`, or copies unchanged ones."""
    clip, shape, spec = checkpoint.clip, checkpoint.preset.text, checkpoint.preset.image_spec()
    space = None
    if kept and kept.image:
        space, image = kept.copy_image(work)
    elif kept and kept.trunk:
        space, image = _change_head(kept, clip.image, spec, inputs, work)
    else:
        image = _export_image(clip.image, spec, inputs, work)
    space = space or space_id(clip.image, spec)
    if clip.text is None:
        return _Towers((IMAGE_GRAPH,), {"image": image}, space, None)
    if kept and kept.text:
        names, text, spec_of_text = kept.copy_text(work)
        return _Towers((IMAGE_GRAPH, *names), {"image": image, "text": text}, space, spec_of_text)
    tokenizer = text_spec(shape).tokenizer
    write_tokenizer(shape, work / tokenizer)
    drift = {"image": image, "text": _export_text(clip.text, shape, inputs, work, int8=int8)}
    return _Towers((IMAGE_GRAPH, TEXT_GRAPH, tokenizer), drift, space, text_spec(shape))


def write_image_graph(tower: torch.nn.Module, spec: ImageSpec, path: Path) -> None:
    """The graph of a folded image tower: pixels [n, 3, size, size] → unit vectors [n, dim]."""
    example = torch.zeros(2, 3, spec.size, spec.size)
    write_graph(at_unit_length(tower), example, Port(spec.input, _FREE_BATCH), [spec.output], path)


def write_text_graph(tower: torch.nn.Module, spec: TextSpec, path: Path, *, causal: bool = False) -> None:
    """The graph of a folded text tower: ids → unit vectors [n, dim].

    A dynamic tower accepts any length and masks its padding; others take the whole context, but a causal one stops
    computing at the longest text.
    """
    example = torch.ones(2, 8 if spec.dynamic else spec.context, dtype=torch.int64)
    axes = _FREE_TOKENS if spec.dynamic or causal else _FREE_BATCH
    write_graph(at_unit_length(tower), example, Port(spec.input, axes), [spec.output], path)
    if causal:
        stop_at_last_end_token(path, spec.context)


def can_stop_at_end_token(shape: AnyText) -> bool:
    """Whether a text tower is causal with a fixed context, so that its graph can stop at the longest text."""
    return not isinstance(shape, MiniLmShape) and shape.causal


def _export_image(
    tower: torch.nn.Module, spec: ImageSpec, inputs: SampleInputs, work: Path
) -> dict[str, Any]:
    plain, stored = work / "plain-image.onnx", work / IMAGE_GRAPH
    write_image_graph(fold_everything(tower), spec, plain)
    reference = at_unit_length(tower).eval()
    draw = torch.Generator().manual_seed(0)
    trials = [torch.rand(count, 3, spec.size, spec.size, generator=draw) for count in _COUNTS]
    demand_equal(reference, plain, trials)
    rows = [preprocess(picture, spec)[None] for picture in inputs.pictures]
    return _store_small(reference, plain, stored, rows)


def _change_head(
    kept: ReusedTowers, tower: torch.nn.Module, spec: ImageSpec, inputs: SampleInputs, work: Path
) -> tuple[str | None, dict[str, Any]]:
    """Puts a new head on the existing image tower, and measures the drift on a few photos; also returns the space of a
    quantised tower.
    """
    stored = work / IMAGE_GRAPH
    kept.write_image(stored)
    rows = [preprocess(picture, spec)[None] for picture in inputs.pictures[:_FEW]]
    wanted = embed(at_unit_length(tower).eval(), rows, stored.stem)
    drift = measure_drift(wanted, stored, rows)
    is_int8 = kept.stored == "int8"  # torch has its weights, but computes with them in floats
    if drift.mean < (LEAST_INT8 if is_int8 else _LEAST_HALVES):
        raise ExportError(
            f"The image tower of the bundle that the run began with cannot take the new head (cosine {drift.mean}); nothing was "
            "written. Export the checkpoint with `mctrain export`."
        )
    space = space_of_graph(stored, spec) if is_int8 else None
    return space, {"stored": kept.stored, **asdict(drift)}


def _export_text(
    tower: torch.nn.Module, shape: AnyText, inputs: SampleInputs, work: Path, *, int8: bool
) -> dict[str, Any]:
    plain, stored = work / "plain-text.onnx", work / TEXT_GRAPH
    spec = text_spec(shape)
    write_text_graph(fold_everything(tower), spec, plain, causal=can_stop_at_end_token(shape))
    reference = at_unit_length(tower).eval()
    demand_equal(reference, plain, trial_texts(spec))
    tokenizer = load_tokenizer(shape)
    rows = [tokenizer.encode([text]) for text in inputs.texts]
    if not int8:
        return _store_small(reference, plain, stored, rows)
    wanted = embed(reference, rows, "text")
    store_int8(plain, stored)
    return {"stored": "int8", **asdict(measure_drift(wanted, stored, rows))}


def _store_small(
    tower: torch.nn.Module, plain: Path, stored: Path, rows: Sequence[NDArray[Any]]
) -> dict[str, Any]:
    """Stores float16, or float32 if that loses too much: folded weights underflow while layer scales are near their start."""
    wanted = embed(tower, rows, stored.stem)
    store_halves(plain, stored)
    drift = measure_drift(wanted, stored, rows)
    if drift.mean >= _LEAST_HALVES:
        return {"stored": "float16", **asdict(drift)}
    store_floats(plain, stored)
    return {"stored": "float32", **asdict(measure_drift(wanted, stored, rows))}


def _write_packages(checkpoint: Checkpoint, packages: Packages, work: Path) -> list[str]:
    preset, clip = checkpoint.preset, checkpoint.clip
    names = []
    if packages.image:
        tower = at_unit_length(fold_everything(clip.image))
        names += write_image_package(tower, preset.image_spec(), work)
    if packages.text and clip.text is not None:
        tower = at_unit_length(fold_everything(clip.text))
        names += write_text_package(tower, text_spec(preset.text), work)
    return names
