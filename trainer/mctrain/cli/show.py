"""`mctrain show`: what a checkpoint or a bundle is, what made it, and what it scored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mctrain.cli.places import cache_option
from mctrain.cli.printing import printable
from picsight_engine.models.bundle import MANIFEST, open_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mctrain.weights.checkpoint import Run, Source


@click.command()
@click.argument("model", metavar="CHECKPOINT|BUNDLE", type=click.Path(exists=True, path_type=Path))
@cache_option
def show(model: Path, cache: Path) -> None:
    """Tells what a checkpoint or a bundle is and what made it, and what `mctrain eval` has found with this cache."""
    from mctrain.evaluation.scores import kept_scores
    from mctrain.teachers.open import open_teacher

    lines, measurable = _bundle(model) if (model / MANIFEST).is_file() else _checkpoint(model)
    scores = kept_scores(cache, open_teacher(str(model), cache).digest) if measurable else []
    if measurable and not scores:
        scores = [f"nothing yet: `mctrain eval {model} --data DIR` measures it"]
    for line in (*lines, *(f"scored     {own}" for own in scores)):
        click.echo(printable(line))


def _checkpoint(path: Path) -> tuple[list[str], bool]:
    from mctrain.models.sizes import parameters  # imports torch: 2 s
    from mctrain.models.space import space_id
    from mctrain.weights.checkpoint import Run, load_checkpoint

    checkpoint = load_checkpoint(path)
    preset, clip, origin = checkpoint.preset, checkpoint.clip, checkpoint.origin
    towers = f"image tower {parameters(clip.image) / 1e6:.1f} M numbers" + (
        "" if clip.text is None else f", text tower {parameters(clip.text) / 1e6:.1f} M"
    )
    form = "folded" if checkpoint.folded else "in training form"
    about = origin.recipe.about.title if isinstance(origin, Run) else preset.title
    lines = [
        f"{path}: checkpoint, {about or preset.name}",
        f"model      {towers}, {form}; {preset.dim} dimensions, photos of {preset.size} pixels",
        f"space      {space_id(clip.image, preset.image_spec())}, cosines times {clip.scale().item():.2f}",
        *(_of_run(origin) if isinstance(origin, Run) else _of_source(origin)),
    ]
    return lines, clip.text is not None


def _of_run(run: Run) -> list[str]:
    return _made(run.recipe.as_dict(), run.data, len(run.history), run.history[-1] if run.history else None)


def _of_source(source: Source) -> list[str]:
    return [
        f"made of    {source.name} ({source.publisher}, licence {source.licence}), SHA-256 {source.sha256}"
    ]


def _bundle(folder: Path) -> tuple[list[str], bool]:
    manifest = open_bundle(folder, hashes=True).manifest
    size = sum(record.bytes for record in manifest.files.values())
    photos = f", photos of {manifest.image.size} pixels" if manifest.image else ""
    lines = [
        f"{folder}: bundle, {manifest.title} ({manifest.name}), licence {manifest.licence.id}, {size / 1e6:.1f} MB",
        f"model      {manifest.dim} dimensions{photos}",
        f"space      {manifest.space_id}, cosines times {manifest.logit_scale:.2f}",
        *(f"drift      {tower}: {_facts(own)}" for tower, own in manifest.drift.items()),
        *_of_provenance(manifest.provenance),
    ]
    return lines, manifest.image is not None and manifest.text is not None


def _of_provenance(told: Mapping[str, Any]) -> list[str]:
    """What a bundle says of its making; another tool's may say something else, which is told as it stands."""
    if isinstance(told.get("recipe"), dict):
        return _made(told["recipe"], told.get("data") or {}, told.get("epochs"), told.get("last_loss"))
    return [f"made of    {_facts(told)}"] if told else []


def _made(
    recipe: Mapping[str, Any], data: Mapping[str, str], epochs: int | None, loss: float | None
) -> list[str]:
    about = recipe.get("about") or {}
    end = "" if loss is None else f", loss {loss:.4f} at the end"
    return [
        f"made by    recipe {recipe.get('name')}: {epochs} passes{end}",
        *(
            f"{name:<10} {about[name]}"
            for name in ("source", "machine", "expected", "command")
            if name in about
        ),
        f"data       {_names(list(data))}",
    ]


def _names(files: Sequence[str]) -> str:
    return f"{len(files)} files, each with its SHA-256: {', '.join(files)}" if files else "none named"


def _facts(told: object) -> str:
    if not isinstance(told, dict):
        return str(told)
    return ", ".join(f"{key} {_facts(own)}" for key, own in told.items())
