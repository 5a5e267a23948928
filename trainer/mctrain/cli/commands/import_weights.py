"""`mctrain import`: makes a checkpoint from published weights or from a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from picsight_engine.bundles.bundle import MANIFEST


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--preset", help="The model of the weights; `mctrain presets` lists them. Not needed for a bundle."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="File or folder of the checkpoint."
)
def import_weights(file: Path, preset: str | None, output: Path) -> None:
    """Reads FILE (.pt, .bin, .safetensors; with Apple's, open_clip's or timm's key names) and writes it as a checkpoint.

    No code in the file is run. If a key is missing, unexpected or has the wrong shape, the error names it and nothing
    is written. FILE may also be the folder of a bundle on pretrained trunks, such as the starter; its heads are read back.
    """
    from mctrain.weights.checkpoint import demand_checkpoint, save_checkpoint  # imports torch: 2 s

    output = demand_checkpoint(output)
    if (file / MANIFEST).is_file():
        if preset is not None:
            raise click.UsageError(f"{file} is a bundle and names its model itself; leave --preset out.")
        from mctrain.weights.from_bundle import read_bundle

        read = read_bundle(file)
        click.echo(f"{save_checkpoint(output, read)}: {read.preset.title}, both towers, from a bundle")
        return
    if preset is None:
        raise click.UsageError("Weights need --preset; `mctrain presets` lists them.")
    from mctrain.models.presets import find_preset
    from mctrain.weights.checkpoint import Checkpoint, WeightsFile
    from mctrain.weights.convert import inspect_weights, read_model
    from mctrain.weights.tensor_files import read_tensors

    chosen = find_preset(preset)
    found = read_model(read_tensors(file), chosen, str(file))
    publisher = found.layout.publisher
    form = chosen.as_run_by(publisher)
    seen = inspect_weights(found.model, form, str(file))
    checkpoint = Checkpoint(form, found.model, WeightsFile.from_path(file, publisher), found.folded)
    path = save_checkpoint(output, checkpoint)
    towers = "the image tower alone" if found.model.text is None else "both towers"
    branches = "folded" if found.folded else "in training form"
    click.echo(f"{path}: {chosen.title}, {towers}, {branches}, from {publisher}'s names\n{seen.sentence()}")
