"""`mctrain calibrate`: fits what a bundle's scores mean."""

from __future__ import annotations

from pathlib import Path

import click

from mctrain.cli.places import data_option
from mctrain.cli.printing import printable
from mctrain.cli.progress import bar


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_option
def calibrate(bundle: Path, *, data: Path) -> None:
    """Fits from which scores on a photo of BUNDLE matches, and what of its space is pictures that show nothing.

    Both is written into its manifest; no other file changes.

    Its things are searched for among the evaluation sets of the data, which the model must not have been trained on. One half
    of things and photos chooses the numbers; the lines tell what they are worth on the other.
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
    for own in measured:
        click.echo(own.sentence())
