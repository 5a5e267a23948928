"""A bundle's documents: name, licence, provenance and model card."""

from __future__ import annotations

import re
from dataclasses import asdict
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mctrain.models.lite import LiteShape, weights_package
from mctrain.models.minilm import PACKAGE as MINILM
from mctrain.models.minilm import MiniLmShape
from mctrain.models.presets import table_of
from mctrain.models.text import TextShape
from mctrain.recipes.parser import parse
from mctrain.recipes.tables import BundleTable
from mctrain.source_commit import commit_of_sources
from mctrain.weights.checkpoint import HeadFit, Trained, WeightsFile
from picsight_engine.bundles.bundle import Licence
from picsight_engine.bundles.json_records import is_model_name

if TYPE_CHECKING:
    from mctrain.models.presets import Preset
    from mctrain.weights.checkpoint import Checkpoint

_APPLES = "mobileclip"
_TERMS = "https://github.com/apple/ml-mobileclip/blob/main/LICENSE_MODELS"
_VOCABULARY = (
    "tokenizer.json holds the vocabulary of CLIP, Copyright (c) 2021 OpenAI, under the MIT licence.\n"
)
_STARTERS = "LicenseRef-Picsight-Starter"
CARD, LICENCE = "README.md", "LICENCE.txt"


def title_of(checkpoint: Checkpoint) -> tuple[str, str]:
    """The bundle's name, and its title for people."""
    bundle = _bundle_of(checkpoint)
    if bundle is not None:
        return bundle.name, bundle.title
    return checkpoint.preset.name.replace("_", "-"), checkpoint.preset.title


def licence_of(checkpoint: Checkpoint) -> Licence:
    """The recipe's licence; Apple's weights and models derived from them are for research only."""
    if _is_apples(checkpoint):
        return Licence("apple-amlr", _TERMS, accept=True)
    bundle = _bundle_of(checkpoint)
    if bundle is not None:
        return Licence(bundle.licence, "", accept=False)
    return Licence(cast("WeightsFile", checkpoint.origin).licence, "", accept=False)


def write_documents(checkpoint: Checkpoint, work: Path) -> list[str]:
    """Writes the model card and the licences into `work`; returns their names."""
    origin, preset = checkpoint.origin, checkpoint.preset
    if isinstance(origin, WeightsFile):
        card = (
            f"{preset.title}\n\nMade of the weights {origin.name} (SHA-256 {origin.sha256}), "
            "changed: branches folded, written as ONNX, numbers stored in fewer bits.\n"
        )
        licence = _publishers_terms(checkpoint)
    else:
        card = _document_of(origin, "card.md") + _training_of(checkpoint)
        licence = _document_of(origin, "licence.txt", _networks_of(preset)) + _terms_of_start(checkpoint)
    if checkpoint.clip.text is not None and isinstance(preset.text, TextShape):
        licence += _VOCABULARY
    (work / CARD).write_text(card, encoding="utf-8")
    (work / LICENCE).write_text(licence, encoding="utf-8")
    return [CARD, LICENCE]


def provenance_of(checkpoint: Checkpoint, *, int8_text: bool) -> dict[str, Any]:
    """Everything needed to reproduce the bundle: names and digests, no paths."""
    origin, preset = checkpoint.origin, checkpoint.preset
    trunks = _trunks(preset)
    packages = ("picsight", "torch", "timm", "onnxruntime", *trunks)
    versions = {name: metadata.version(name) for name in packages}
    tool = {"name": "mctrain", "commit": commit_of_sources(), **versions}
    if isinstance(origin, WeightsFile):
        return {
            "tool": tool,
            "preset": preset.name,
            "publisher": origin.publisher,
            "weights": {"name": origin.name, "sha256": origin.sha256},
            "int8_text": int8_text,
        }
    if isinstance(origin, Trained):
        model = table_of(preset)  # not in the recipe of a run that began with a model
        return {
            "tool": tool,
            "recipe": origin.recipe,
            "int8_text": int8_text,
            "data": origin.data,
            "begun": origin.begun,
            "began_with": preset.title if origin.begun else "",
            "photos": origin.photos,
            "compared": [asdict(each) for each in origin.compared],
            "share": origin.share,
            "model": asdict(model) if model else None,
            "steps": origin.steps,
            "score": origin.score,
            "trunks": trunks,
        }
    return {
        "tool": tool,
        "recipe": asdict(origin.recipe),
        "int8_text": int8_text,
        "data": origin.data,
        "teachers": [f"the ImageNet classifier of {name}" for name in trunks if name != MINILM],
        "trunks": trunks,
        "epochs": len(origin.history),
        "last_loss": round(origin.history[-1], 4) if origin.history else None,
    }


def _is_apples(checkpoint: Checkpoint) -> bool:
    """Whether the weights derive from Apple's: such a run keeps their preset's name; one from scratch has none."""
    return checkpoint.preset.name.startswith(_APPLES)


def _trunks(preset: Preset) -> list[str]:
    """The packages whose weights are in a model."""
    names = list(map(weights_package, preset.image.networks)) if isinstance(preset.image, LiteShape) else []
    return [*names, MINILM] if isinstance(preset.text, MiniLmShape) else names


def _bundle_of(checkpoint: Checkpoint) -> BundleTable | None:
    """The recipe's bundle table; by default the bundle has the recipe's name."""
    match checkpoint.origin:
        case WeightsFile():
            return None
        case HeadFit() as run:
            return run.recipe.bundle
        case Trained(recipe=recipe):
            table = {"name": _installable(recipe["name"]), "title": _title(recipe), "licence": "none"}
            return parse(BundleTable, recipe["bundle"] or table, "bundle")


def _installable(name: str) -> str:
    """A recipe's name, reduced to the characters of a model name."""
    allowed = re.sub("[^A-Za-z0-9._-]+", "-", name).strip("._-")[:64].rstrip(".")
    return allowed if is_model_name(allowed) else "model"


def _title(recipe: dict[str, Any]) -> str:
    return str(recipe["about"]["title"] or recipe["name"])


def _document_of(run: HeadFit | Trained, kind: str, networks: str = "") -> str:
    """The document beside the recipe in this package, or a generated one that also names the `networks`."""
    recipe = asdict(run.recipe) if isinstance(run, HeadFit) else run.recipe
    folder = Path(str(resources.files("mctrain"))) / "recipes"
    path = folder / f"{recipe['name']}.{kind}"
    if kind == "licence.txt" and (recipe["bundle"] or {}).get("licence") == _STARTERS:
        path = folder / "starter.licence.txt"  # must stay with the weights, also with modified ones
    if path.is_file():
        return path.read_text(encoding="utf-8")
    source = recipe["about"]["source"] or "photos and texts that it does not name"
    return (
        f"{_title(recipe)}\n\nTrained by the recipe {recipe['name']} on: {source}\n"
        f"It may be used as the terms of these photos and texts allow.\n{networks}"
    )


def _networks_of(preset: Preset) -> str:
    """The sources of a model's pretrained weights."""
    return "".join(
        f"It holds weights of the package {name}, under the Apache License 2.0"
        f"{', trained on captions of many sets' if name == MINILM else ', trained on ImageNet (non-commercial)'}.\n"
        for name in _trunks(preset)
    )


def _terms_of_start(checkpoint: Checkpoint) -> str:
    """The terms of the weights that a run began with, which apply besides those of its photos and texts."""
    origin = checkpoint.origin
    if not (isinstance(origin, Trained) and origin.begun):
        return ""
    terms = f"It began with the weights of {_begun_name(checkpoint)} (SHA-256 {origin.begun}), whose terms bind as well.\n"
    return terms + (_publishers_terms(checkpoint) if _is_apples(checkpoint) else "")


def _training_of(checkpoint: Checkpoint) -> str:
    """A run's training data and its comparison, for the card."""
    origin = checkpoint.origin
    if not (isinstance(origin, Trained) and origin.begun):
        return ""
    learnt = f"\nIt learnt from {origin.photos} photos in {origin.steps} steps, on top of {_begun_name(checkpoint)}.\n"
    return learnt + "".join(
        f"{comparison.title}, {comparison.photos} photos: {comparison.before:.1f} % before, {comparison.after:.1f} % after\n"
        for comparison in origin.compared
    )


def _begun_name(checkpoint: Checkpoint) -> str:
    return checkpoint.preset.title or checkpoint.preset.name or "another checkpoint"


def _publishers_terms(checkpoint: Checkpoint) -> str:
    if not _is_apples(checkpoint):
        return "The weights may be used as whoever trained them allows.\n"
    return (
        "The weights are modified. Their publisher's terms bind whoever uses them: for Apple's published weights these are "
        f"the Apple Machine Learning Research Model terms, research purposes only: {_TERMS}\n"
        "Apple Machine Learning Research Model is licensed under the Apple Machine Learning Research Model License "
        "Agreement. Whoever passes this model on adds a copy of that agreement.\n"
    )
