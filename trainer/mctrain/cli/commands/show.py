"""`mctrain show` and `mctrain presets`: describe a model, its origin and its scores, and list the known models."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mctrain.cli.options import cache_option
from mctrain.cli.progress import printable
from picsight_engine.bundles.bundle import MANIFEST, open_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mctrain.weights.checkpoint import HeadFit, Trained, WeightsFile
    from picsight_engine.bundles.bundle import Manifest


_BARS, _HEIGHTS = 60, "▁▂▃▄▅▆▇█"


@click.command()
@click.argument("model", metavar="CHECKPOINT|BUNDLE", type=click.Path(exists=True, path_type=Path))
@cache_option
def show(model: Path, cache: Path) -> None:
    """Describes a checkpoint or a bundle, its origin, and its `mctrain eval` results in this cache."""
    from mctrain.evaluation.report import load_scores
    from mctrain.teachers.teacher import open_teacher

    lines, measurable = _bundle(model) if (model / MANIFEST).is_file() else _checkpoint(model)
    scores = load_scores(cache, open_teacher(str(model), cache).digest) if measurable else []
    if measurable and not scores:
        scores = [f"nothing yet: `mctrain eval {model} --data DIR` measures it"]
    for line in (*lines, *(f"scored     {each}" for each in scores)):
        click.echo(printable(line))


def _checkpoint(path: Path) -> tuple[list[str], bool]:
    from mctrain.export.documents import title_of
    from mctrain.models.clip import (
        parameters,  # imports torch: 2 s
        space_id,
    )
    from mctrain.weights.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(path)
    preset, clip = checkpoint.preset, checkpoint.clip
    towers = f"image tower {parameters(clip.image) / 1e6:.1f} M numbers" + (
        "" if clip.text is None else f", text tower {parameters(clip.text) / 1e6:.1f} M"
    )
    form = "folded" if checkpoint.folded else "in training form"
    lines = [
        f"{path}: checkpoint, {title_of(checkpoint)[1] or preset.name}",
        f"model      {towers}, {form}; {preset.dim} dimensions, photos of {preset.size} pixels",
        f"space      {space_id(clip.image, preset.image_spec())}, cosines times {clip.scale().item():.2f}",
        *_of_origin(checkpoint.origin),
        *_of_metrics(path if path.is_dir() else path.parent, checkpoint.origin),
    ]
    return lines, clip.text is not None


def _of_origin(origin: WeightsFile | HeadFit | Trained) -> list[str]:
    """What made it."""
    from mctrain.weights.checkpoint import HeadFit, WeightsFile

    if isinstance(origin, WeightsFile):
        publisher = f"{origin.publisher}, licence {origin.licence}"
        return [f"made of    {origin.name} ({publisher}), SHA-256 {origin.sha256}"]
    if isinstance(origin, HeadFit):
        length = {"epochs": len(origin.history), "last_loss": origin.history[-1] if origin.history else None}
        return _of_run({"recipe": asdict(origin.recipe), "data": origin.data, **length})
    return _of_run(asdict(origin))


def _of_metrics(folder: Path, origin: WeightsFile | HeadFit | Trained) -> list[str]:
    """The metrics of the run in this folder; empty if they are elsewhere."""
    from mctrain.training.metrics import METRICS, duration
    from mctrain.weights.checkpoint import Trained

    if not isinstance(origin, Trained):
        return []
    try:
        lines = [json.loads(line) for line in (folder / METRICS).read_text("utf-8").splitlines()]
        start = next(line["start"] for line in lines if "start" in line)
        entries = [line for line in lines if "loss" in line and line["step"] <= origin.steps]
        spans = zip([0, *(line["step"] for line in entries)], entries, strict=False)
        batch = origin.recipe["run"]["batch"]
        seconds = sum((line["step"] - before) * batch / line["photos_a_second"] for before, line in spans)
        losses = [line["loss"] for line in entries]
        return [
            f"ran        {duration(seconds)} on {start['device']} ({start['machine']}), processes: {start['processes']}",
            f"loss       {losses[0]:.3f} {_curve(losses)} {losses[-1]:.3f}",
            f"teachers   {', '.join(start['teachers']) or 'none'}",
            f"command    {start['command']}",
        ]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration, ZeroDivisionError):
        return []  # from an older run or another program


def _curve(values: Sequence[float]) -> str:
    """A sparkline of the values; a long series is sampled evenly."""
    least, most = min(values), max(values)
    shown = values[:: -(-len(values) // _BARS)]
    return "".join(_HEIGHTS[round((each - least) / (most - least or 1) * 7)] for each in shown)


def _bundle(folder: Path) -> tuple[list[str], bool]:
    manifest = open_bundle(folder, hashes=True).manifest
    size = sum(record.bytes for record in manifest.files.values())
    photos = f", photos of {manifest.image.size} pixels" if manifest.image else ""
    lines = [
        f"{folder}: bundle, {manifest.title} ({manifest.name}), licence {manifest.licence.id}, {size / 1e6:.1f} MB",
        f"model      {manifest.dim} dimensions{photos}",
        f"space      {manifest.space_id}, cosines times {manifest.logit_scale:.2f}",
        *_of_matches(manifest, folder),
        *(f"drift      {tower}: {_facts(each)}" for tower, each in manifest.drift.items()),
        *_of_provenance(manifest.provenance),
    ]
    return lines, manifest.image is not None and manifest.text is not None


def _of_matches(manifest: Manifest, folder: Path) -> list[str]:
    """The cosine thresholds of a match; empty for a single tower."""
    calibration = manifest.calibration
    if calibration is not None:
        return [
            f"matches    strong from {calibration.strong}, an answer from {calibration.answered}, in a library of 1,000 photos"
        ]
    if manifest.image is None or manifest.text is None:
        return []
    return [f"matches    not calibrated: `mctrain calibrate {folder} --data DIR` does it"]


def _of_provenance(facts: Mapping[str, Any]) -> list[str]:
    """The provenance of a bundle; fields from another tool are printed as they are."""
    if isinstance(facts.get("recipe"), dict):
        try:
            return _of_run(facts)
        except (AttributeError, KeyError, TypeError, ValueError):
            pass  # our names with other types
    return [f"made of    {_facts(facts)}"] if facts else []


def _of_run(facts: Mapping[str, Any]) -> list[str]:
    """The facts of a checkpoint, or of a bundle that mctrain wrote: only the latter name what a run began with."""
    recipe, files = facts["recipe"], list(facts.get("data") or {})
    about = recipe.get("about") or {}
    lines = [f"made by    recipe {recipe.get('name')}: {_length(facts)}"]
    if recipe.get("changes"):
        lines.append(f"changed    {', '.join(recipe['changes'])}")
    keys = ("source", "machine", "expected", "noise", "command")
    lines += [f"recipe     {key}: {about[key]}" for key in keys if about.get(key)]
    named = f"{len(files)} files, each with a digest: {', '.join(files)}" if files else "none named"
    lines.append(f"data       {named}")
    if facts.get("began_with"):
        lines.append(f"made of    {facts['photos']} photos, on top of {facts['began_with']}")
    elif "began_with" not in facts and facts.get("photos"):
        lines.append(f"learnt     {facts['photos']} photos")
    return lines + [
        f"compared   {comparison['name']}: {comparison['photos']} photos, {comparison['before']:.1f} to {comparison['after']:.1f} %"
        f"{', less is better' if comparison.get('less_is_better') else ''}"
        for comparison in facts.get("compared", ())
    ]


def _length(facts: Mapping[str, Any]) -> str:
    """The length of a fit in passes, or of a training run in steps."""
    loss, score, begun = (facts.get(name) for name in ("last_loss", "score", "begun"))
    if "steps" not in facts:
        return f"{facts.get('epochs')} passes" + ("" if loss is None else f", loss {loss:.4f} at the end")
    length = f"{facts['steps']} steps from {f'the checkpoint {begun[:16]}' if begun else 'scratch'}"
    return length + ("" if score is None else f", {score:.1f} % on the halves that choose settings")


def _facts(facts: object) -> str:
    if not isinstance(facts, dict):
        return str(facts)
    return ", ".join(f"{key} {_facts(each)}" for key, each in facts.items())


@click.command()
def presets() -> None:
    """Prints the presets: deployed parameters of both towers in millions, embedding dimension and photo size."""
    from mctrain.models.clip import deployed_size
    from mctrain.models.presets import PRESETS  # imports torch: 2 s

    click.echo(f"{'preset':<16} {'title':<18} {'image M':>8} {'text M':>7} {'dim':>4} {'size':>4}")
    for preset in PRESETS.values():
        image, text = deployed_size(preset)
        click.echo(
            f"{preset.name:<16} {preset.title:<18} {image / 1e6:>8.1f} {text / 1e6:>7.1f} "
            f"{preset.dim:>4} {preset.size:>4}"
        )
