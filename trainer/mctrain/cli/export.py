"""`mctrain export`: makes a bundle of a checkpoint."""

from __future__ import annotations

from pathlib import Path

import click

from mctrain.cli.exported import EXPORTING, tell_exported
from mctrain.cli.places import output_option
from picsight_engine.models.bundle import open_bundle


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@output_option("Folder of the bundle.")
@click.option(
    "--shard",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Photos and captions on which the drift is measured.",
)
@click.option("--int8-text", is_flag=True, help="Store the text tower as int8 instead of float16.")
@click.option(
    "--image-of",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Bundle that has the same image tower: its file and its vector space are kept.",
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
    image_of: Path | None,
    coreml: bool,
    coreml_text: bool,
) -> None:
    """Writes CHECKPOINT (a run's folder or its file) as a bundle, after comparing every graph with the checkpoint.

    Its drift is measured on SHARD, or on the packaged photographs without one.
    """
    from mctrain.export.bundle import FAIR_INT8, export_bundle  # imports torch: 2 s
    from mctrain.export.coreml import Packages
    from mctrain.export.keeping import Kept
    from mctrain.export.probe import packaged, subjects_of
    from mctrain.weights.checkpoint import load_checkpoint

    made, begun = load_checkpoint(checkpoint), None
    if image_of is not None:
        begun = open_bundle(image_of, hashes=True)
        Kept(begun, made).demand_image()
    click.echo(EXPORTING, err=True)
    packages = Packages(image=coreml or coreml_text, text=coreml_text)
    subjects = subjects_of(shard) if shard else packaged()
    bundle = export_bundle(made, output, subjects, int8_text=int8_text, packages=packages, begun=begun)
    tell_exported(bundle, keeps_space=begun is not None)
    if int8_text and bundle.manifest.drift["text"]["mean"] < FAIR_INT8:
        click.echo(
            f"int8 costs this text tower much: {FAIR_INT8} and more is good. Searches will find less; without "
            "--int8-text they will not.",
            err=True,
        )
