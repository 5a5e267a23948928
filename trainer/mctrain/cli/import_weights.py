"""`mctrain import`: makes a checkpoint of weights that somebody published."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--preset", required=True, help="The model that the weights are of; `mctrain presets` lists them."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="File or folder of the checkpoint."
)
def import_weights(file: Path, preset: str, output: Path) -> None:
    """Reads FILE (.pt, .bin, .safetensors; Apple's, open_clip's or timm's names) and writes it as a checkpoint.

    Nothing in the file is run. A key that is missing, left over or misshapen is named, and nothing is written.
    """
    from mctrain.models.presets import find_preset  # imports torch: 2 s
    from mctrain.weights.checkpoint import FamilyCheckpoint, Source, demand_checkpoint, save_family
    from mctrain.weights.convert import read_model
    from mctrain.weights.files import read_tensors
    from mctrain.weights.self_test import look

    chosen = find_preset(preset)
    demand_checkpoint(output)
    imported = read_model(read_tensors(file), chosen, str(file))
    publisher = imported.layout.publisher
    checkpoint = FamilyCheckpoint(
        chosen.as_run_by(publisher), publisher, imported.folded, Source.of(file), imported.model
    )
    seen = look(imported.model, checkpoint.preset, str(file))
    written = save_family(output, checkpoint)
    form = "folded" if imported.folded else "in training form"
    towers = "both towers" if imported.model.text is not None else "the image tower alone"
    click.echo(f"{written}: {chosen.title}, {towers}, {form}, from {publisher}'s names")
    click.echo(seen.sentence())
