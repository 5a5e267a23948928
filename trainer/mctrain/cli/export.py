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
@click.option(
    "--shard",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Photos and captions on which the drift of an imported model is measured.",
)
@click.option("--int8-text", is_flag=True, help="Store the text tower as int8 instead of float16.")
@click.option("--coreml", is_flag=True, help="Write the image tower as a Core ML package too.")
@click.option(
    "--coreml-text", is_flag=True, help="Write both towers as Core ML packages, as phones need them."
)
def export(
    checkpoint: Path, output: Path, shard: Path | None, *, int8_text: bool, coreml: bool, coreml_text: bool
) -> None:
    """Writes CHECKPOINT (a run's folder or its file) as a bundle, after comparing every graph with the checkpoint.

    Where weights were imported, the drift of their export is measured on SHARD, or on the packaged photographs without one.
    """
    from mctrain.export.coreml import Packages  # imports torch: 2 s
    from mctrain.weights.checkpoint import load_family

    packages = Packages(image=coreml or coreml_text, text=coreml_text)
    family = load_family(checkpoint)
    if family is None:
        from mctrain.export.bundle import export_bundle
        from mctrain.training.checkpoint import load_checkpoint

        bundle = export_bundle(load_checkpoint(checkpoint), output, int8_text=int8_text, packages=packages)
    else:
        from mctrain.export.family import FAIR_INT8, export_family
        from mctrain.export.probe import packaged, subjects_of

        subjects = subjects_of(shard) if shard else packaged()
        bundle = export_family(family, output, subjects, int8_text=int8_text, packages=packages)
    size = sum(record.bytes for record in bundle.manifest.files.values())
    drift = bundle.manifest.drift
    kinds = [(name, drift[key]) for key, name in (("image", "photos"), ("text", "texts")) if key in drift]
    told = ", ".join(f"{own['mean']} for {name} ({own['stored']})" for name, own in kinds)
    click.echo(
        f"{output}: space {bundle.manifest.space_id}, {size / 1e6:.1f} MB, cosine to the checkpoint {told}"
    )
    if family is not None and int8_text and drift["text"]["mean"] < FAIR_INT8:
        click.echo(
            f"int8 costs this text tower much: {FAIR_INT8} and more is good. Searches will find less; without "
            "--int8-text they will not.",
            err=True,
        )
