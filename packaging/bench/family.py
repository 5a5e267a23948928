"""The models that `bench models` compares, as bundles in a cache folder: graphs of random weights, exported once."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import open_clip
import torch
from torch import nn

from mctrain.export.bundle import write_image_graph, write_text_graph
from mctrain.export.precision import store_halves, store_int8
from mctrain.models.clip import Clip, build_clip
from mctrain.models.presets import Preset, find_preset
from mctrain.models.reparameterize import fold_everything
from mctrain.models.tokenizer import CLIP_SPEC, write_clip_tokenizer
from picsight_engine.bundles.bundle import (
    IMAGE_GRAPH,
    MANIFEST,
    TEXT_GRAPH,
    Bundle,
    ImageSpec,
    Licence,
    Manifest,
    open_bundle,
    write_bundle,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SCALE = 0.1  # of layer scales: as they are initialised (1e-5), folded weights would vanish in float16


@dataclass(frozen=True, slots=True)
class ExportTowers:
    """Two towers, ready for export, and the facts of their manifests."""

    title: str
    image: nn.Module
    text: nn.Module
    dim: int
    spec: ImageSpec
    causal: bool


class EncodeText(nn.Module):
    """open_clip's text tower as a module; in open_clip it is a method of the whole model."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Token ids [n, 77] → embeddings [n, dim]."""
        return self.model.encode_text(ids)


def random_model(preset: Preset) -> Clip:
    """The preset's model in evaluation mode with random weights, always the same."""
    torch.manual_seed(0)
    model = build_clip(preset).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("gamma"):
            nn.init.constant_(parameter, SCALE)
    return model


def preset_towers(name: str) -> ExportTowers:
    """A preset of the family, every branch, BatchNorm and layer scale folded."""
    preset = find_preset(name)
    model = random_model(preset)
    return ExportTowers(
        preset.title,
        fold_everything(model.image),
        fold_everything(model.text),
        preset.dim,
        preset.image_spec(),
        preset.text.causal,
    )


def open_clip_towers(name: str) -> ExportTowers:
    """One of open_clip's models with its random weights; it has nothing to fold."""
    torch.manual_seed(0)
    model = open_clip.create_model(name, pretrained=None).eval()
    size = open_clip.get_model_config(name)["vision_cfg"]["image_size"]
    dim = open_clip.get_model_config(name)["embed_dim"]
    spec = ImageSpec(
        size, "shortest", "bicubic", "centre", None, None, input="pixels", output="vector", dtype="float32"
    )
    # its causal mask is a table for the whole context, which is therefore always computed
    return ExportTowers(f"open_clip {name}", model.visual, EncodeText(model), dim, spec, causal=False)


def provide(folder: Path, build: Callable[[], ExportTowers]) -> tuple[Bundle, Bundle]:
    """The bundle in this folder, and the one with an int8 text tower beside it; makes them if they are missing."""
    quantised = folder.with_name(f"{folder.name}-int8-text")
    if not (folder / MANIFEST).is_file() or not (quantised / MANIFEST).is_file():
        with tempfile.TemporaryDirectory() as name:
            _export(build(), folder, quantised, Path(name))
    return open_bundle(folder), open_bundle(quantised)


def _export(towers: ExportTowers, folder: Path, quantised: Path, work: Path) -> None:
    plain = {"image": work / "plain-image.onnx", "text": work / "plain-text.onnx"}
    spec = towers.spec
    write_image_graph(towers.image, spec, plain["image"])
    write_text_graph(towers.text, CLIP_SPEC, plain["text"], causal=towers.causal)
    tokenizer = work / CLIP_SPEC.tokenizer
    write_clip_tokenizer(tokenizer)
    image, text, text8 = (work / f"{name}.onnx" for name in ("image", "text", "text8"))
    store_halves(plain["image"], image)
    store_halves(plain["text"], text)
    store_int8(plain["text"], text8)
    files = {TEXT_GRAPH: text, CLIP_SPEC.tokenizer: tokenizer}
    write_bundle(folder, _manifest(towers, spec), {IMAGE_GRAPH: image, **files})
    write_bundle(quantised, _manifest(towers, None), {**files, TEXT_GRAPH: text8})


def _manifest(towers: ExportTowers, spec: ImageSpec | None) -> Manifest:
    return Manifest(
        name="bench",
        title=towers.title,
        licence=Licence("none", "", accept=False),
        dim=towers.dim,
        space_id="0" * 16,  # random weights span no space
        logit_scale=1.0,
        image=spec,
        text=CLIP_SPEC,
    )
