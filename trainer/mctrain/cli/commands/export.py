"""`mctrain export` and `mctrain calibrate`: write a checkpoint as a bundle, and fit the cosine thresholds of a match."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mctrain.cli.options import ANY_FILE, FOLDER, data_option, output_option
from mctrain.cli.progress import bar, printable
from picsight_engine.bundles.bundle import open_bundle

if TYPE_CHECKING:
    from picsight_engine.bundles.bundle import Bundle


def print_exported(bundle: Bundle, *, keeps_space: bool = False) -> None:
    """Prints the space, size and drift; the training data, if known; and how to install it in Picsight."""
    manifest = bundle.manifest
    size = sum(record.bytes for record in manifest.files.values())
    drift = manifest.drift
    kinds = [(name, drift[key]) for key, name in (("image", "photos"), ("text", "texts")) if key in drift]
    cosines = ", ".join(f"{each['mean']} for {name} ({each['stored']})" for name, each in kinds)
    click.echo(
        f"{bundle.folder}: space {manifest.space_id}, {size / 1e6:.1f} MB, cosine to the checkpoint {cosines}"
    )
    if begun := manifest.provenance.get("began_with"):
        click.echo(printable(f"made of {manifest.provenance['photos']} photos on top of {begun}"))
    space = (
        "It shares the space of the bundle whose image tower it has: Picsight need not read photos again. "
        if keeps_space
        else "It has a new space: Picsight reads all photos again before it answers with this model. "
    )
    click.echo(
        f"{space}picsight models install --from-file {bundle.folder}, then picsight models use {manifest.name}"
    )


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@output_option("Folder of the bundle.")
@click.option("--shard", type=ANY_FILE, help="Photos and captions to measure the drift on.")
@click.option("--int8-text", is_flag=True, help="Store the text tower as int8 instead of float16.")
@click.option(
    "--int8-photos",
    multiple=True,
    metavar="SHARDS",
    help="Training photos (a shard, a folder or a pattern; repeatable), by which the image tower of a bundle is stored as int8.",
)
@click.option(
    "--image-of", type=FOLDER, help="Bundle with the same image tower, whose file and vector space are kept."
)
@click.option("--coreml", is_flag=True, help="Write the image tower as a Core ML package too.")
@click.option(
    "--coreml-text", is_flag=True, help="Write both towers as Core ML packages, as phones need them."
)
def export(
    checkpoint: Path,
    output: Path,
    shard: Path | None,
    *,
    int8_text: bool,
    int8_photos: tuple[str, ...],
    image_of: Path | None,
    coreml: bool,
    coreml_text: bool,
) -> None:
    """Writes CHECKPOINT (a run's folder or its file) as a bundle, after comparing every graph with the checkpoint.

    The drift is measured on SHARD, or on the packaged photographs if none is given. With --int8-photos CHECKPOINT is a
    bundle, of which all but the image tower is copied; calibrate the result.
    """
    if int8_photos:
        if shard or int8_text or image_of or coreml or coreml_text:
            raise click.UsageError(
                "--int8-photos takes a bundle as it is: make it first with the other options, but without Core ML, which would disagree."
            )
        _quantise(checkpoint, output, int8_photos)
        return
    from mctrain.export.bundle import FAIR_INT8, export_bundle  # imports torch: 2 s
    from mctrain.export.coreml import Packages
    from mctrain.export.precision import inputs_of, packaged_inputs
    from mctrain.weights.checkpoint import load_checkpoint

    made = load_checkpoint(checkpoint)
    bundle = export_bundle(
        made,
        output,
        inputs_of(shard) if shard else packaged_inputs(),
        int8_text=int8_text,
        packages=Packages(image=coreml or coreml_text, text=coreml_text),
        begun=open_bundle(image_of, hashes=True) if image_of else None,
        same_image=image_of is not None,
        report=partial(click.echo, err=True),
    )
    print_exported(bundle, keeps_space=image_of is not None)
    if int8_text and bundle.manifest.drift["text"]["mean"] < FAIR_INT8:
        click.echo(
            f"int8 makes this text tower much less accurate (good is {FAIR_INT8} or more), so searches find less; "
            "leave --int8-text out to avoid that.",
            err=True,
        )


def _quantise(source: Path, output: Path, patterns: tuple[str, ...]) -> None:
    from mctrain.data.shard_names import resolve_shards
    from mctrain.export.quantisation import quantise_bundle  # imports torch: 2 s
    from mctrain.paths import on_disk

    shards = [on_disk(each, "A tower is calibrated by photos on a disk") for each in resolve_shards(patterns)]
    bundle = quantise_bundle(
        open_bundle(source, hashes=True), shards, output, report=partial(click.echo, err=True)
    )
    print_exported(bundle)


@click.command()
@click.argument("bundle", type=FOLDER)
@data_option
def calibrate(bundle: Path, *, data: Path) -> None:
    """Fits how BUNDLE ranks photos, the scores above which they match, and what lowers the score of blank pictures.

    Only the bundle's manifest changes.

    The searches run on the evaluation sets in --data, which the model must not have been trained on. One half of the
    things and photos chooses the numbers; the printed figures come from the other half.
    """
    from mctrain.export.calibration import calibrate_bundle

    calibration, measured = calibrate_bundle(bundle, data, bar("photos"))
    click.echo(
        printable(
            f"{bundle}: an answer from {calibration.answered} on, strong from {calibration.strong}; perhaps one from "
            f"{calibration.possible}, weaker up to {calibration.span} behind the best; {calibration.gap} less for one photo; "
            f"{calibration.growth} more for e times the photos, below a thousand {calibration.growth_below}; {calibration.common} less for a thing e times as common"
        )
    )
    for measurement in measured:
        click.echo(measurement.sentence())
