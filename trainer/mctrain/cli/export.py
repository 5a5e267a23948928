"""`mctrain export`: makes a bundle of a checkpoint."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the bundle.",
)
@click.option("--int8-text", is_flag=True, help="Store the text tower as int8 instead of float16.")
def export(checkpoint: Path, output: Path, *, int8_text: bool) -> None:
    """Writes CHECKPOINT (a run's folder or its file) as a bundle, after comparing every graph with the checkpoint."""
    from mctrain.export.bundle import export_bundle  # imports torch: 2 s
    from mctrain.training.checkpoint import load_checkpoint

    bundle = export_bundle(load_checkpoint(checkpoint), output, int8_text=int8_text)
    size = sum(record.bytes for record in bundle.manifest.files.values())
    drift = bundle.manifest.drift
    click.echo(
        f"{output}: space {bundle.manifest.space_id}, {size / 1e6:.1f} MB, cosine to the checkpoint "
        f"{drift['image']['mean']} for photos ({drift['image']['stored']}), "
        f"{drift['text']['mean']} for texts ({drift['text']['stored']})"
    )
