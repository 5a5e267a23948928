"""Reads a bundle back into a checkpoint, both towers from its graphs.

Of what a bundle stored in fewer bits the rest is gone: halves are as good as the original, int8 is near it. A graph has each
BatchNorm folded into the convolution before it, and so does not tell them apart: a norm gets the statistics of its network's
package, and the convolution and the norm's bias whatever then gives the same. Where the trunk was not tuned these are the
package's own weights. Only bundles on pretrained trunks can be read: graphs of other towers have whole branches folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from torch import nn

from mctrain.errors import RecipeError, WeightsError
from mctrain.models.clip import build_clip
from mctrain.models.lite import Joined, LiteTower, load_trunk
from mctrain.models.lite_stages import unfold
from mctrain.models.presets import preset_of
from mctrain.recipes.parser import parse
from mctrain.recipes.tables import ModelTable
from mctrain.weights.checkpoint import Checkpoint, Source
from mctrain.weights.stored import StoredWeights
from picsight_engine.bundles.bundle import IMAGE_GRAPH, MANIFEST, TEXT_GRAPH, open_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from mctrain.models.lite import LiteShape
    from mctrain.models.presets import Preset
    from picsight_engine.bundles.bundle import Manifest

_FIRST_STARTER = {"networks": ["lite0"], "size": 224}  # what its recipe did not say yet
_FACTORS = "trunk.factors"


def read_bundle(folder: Path) -> Checkpoint:
    """The model of a bundle, in float32.

    Raises:
        BundleError: it is damaged.
        WeightsError: it is not on pretrained trunks, or it or its graphs are not of the model that it says it is.
        TrainerError: the package of a network is missing.
    """
    bundle = open_bundle(folder, hashes=True)
    manifest = bundle.manifest
    preset = _preset(manifest.provenance, folder)
    _demand_same(preset, manifest, folder)
    clip = build_clip(preset, scale=manifest.logit_scale).eval()
    _read_image(
        cast("LiteTower", clip.image), cast("LiteShape", preset.image), StoredWeights(folder / IMAGE_GRAPH)
    )
    text = cast("nn.Module", clip.text)
    text.load_state_dict(StoredWeights(folder / TEXT_GRAPH).like(text.state_dict()))
    clip.requires_grad_(requires_grad=False)
    source = Source.of(folder / MANIFEST, "picsight", manifest.licence.id)
    return Checkpoint(preset.named(manifest.name, manifest.title), clip, source)


def _preset(provenance: dict[str, Any], folder: Path) -> Preset:
    """The model in numbers: of a fit its recipe says them, of a training run the bundle itself."""
    recipe = _table(provenance, "recipe")
    table = _table(recipe, "model") or _table(provenance, "model") or _FIRST_STARTER | _table(recipe, "heads")
    try:
        return preset_of(parse(ModelTable, table, str(folder / MANIFEST)))
    except RecipeError as fault:
        raise WeightsError(
            f"{folder} is not on a Lite network and MiniLM with heads of ours, so it cannot be read back; begin with the checkpoint "
            "that it was made of, or import the published weights."
        ) from fault


def _table(told: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of what somebody wrote into a manifest; empty for none and for anything else."""
    own = told.get(name)
    return own if isinstance(own, dict) else {}


def _demand_same(preset: Preset, manifest: Manifest, folder: Path) -> None:
    said = (manifest.dim, manifest.image and manifest.image.size)
    if said != (preset.dim, preset.size) or manifest.text is None:
        raise WeightsError(
            f"{folder} is not what its manifest says that it was made as, {preset.dim} dimensions of texts and of photos of "
            f"{preset.size} pixels, so it cannot be read back; install or export it again."
        )


def _read_image(tower: LiteTower, shape: LiteShape, stored: StoredWeights) -> None:
    load_trunk(tower.trunk, shape.networks)
    convs = {name: own for name, own in tower.named_modules() if isinstance(own, nn.Conv2d)}
    norms = {name: own for name, own in tower.named_modules() if isinstance(own, nn.BatchNorm2d)}
    plain = {
        name: own
        for name, own in tower.state_dict().items()
        if name.rpartition(".")[0] not in convs.keys() | norms.keys() and name != _FACTORS
    }
    tower.load_state_dict(stored.like(plain), strict=False)
    for (name, conv), norm in zip(convs.items(), norms.values(), strict=True):  # each norm is behind one
        weight, bias = f"{name}.weight", f"{name}.weight_bias"
        found = stored.like({weight: conv.weight, bias: norm.bias})
        unfold(conv, norm, found[weight], found[bias])
    if isinstance(tower.trunk, Joined) and shape.branch:
        _read_factors(tower.trunk, stored)


def _read_factors(trunk: Joined, stored: StoredWeights) -> None:
    """They have lost their name on the way: the one constant of a number a network, over photos and classes."""
    factors = stored.only((len(trunk.networks), 1, 1))
    if factors is None:
        raise WeightsError(
            f"{stored.path} has no factors of its networks' logits, so the bundle cannot be read back."
        )
    trunk.factors.copy_(factors.flatten())
