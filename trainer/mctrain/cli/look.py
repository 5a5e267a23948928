"""`mctrain data look`: a contact sheet of a shard, for a person's eyes."""

from __future__ import annotations

from pathlib import Path

import click

from mctrain.cli.printing import printable
from mctrain.data.reinforced.manifest import MANIFEST


@click.command()
@click.argument("shard", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The sheet, a PNG."
)
@click.option(
    "--count",
    default=12,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Photos, spread over the shard.",
)
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"What names the teachers of a reinforced shard; {MANIFEST} beside it unless given.",
)
def look(shard: Path, output: Path, count: int, manifest: Path | None) -> None:
    """Draws some photos of SHARD on a contact sheet: with their texts, and of a reinforced one with views and similarities."""
    from mctrain.reinforce.contact_sheet import draw_sheet, gather  # imports torchvision: 2 s
    from mctrain.whole_files import write_whole

    gathered = gather(shard, count, manifest or shard.parent / MANIFEST)
    image = draw_sheet(gathered, shard.name)
    with write_whole(output) as file:
        image.save(file, "PNG")
    if not gathered.teachers:
        click.echo(
            "Without the manifest of a reinforced set (--manifest) there are no views and similarities."
        )
    if gathered.faults:
        click.echo(f"Passed over: {len(gathered.faults)} samples, first: {printable(gathered.faults[0])}")
    click.echo(
        f"{output}: {len(gathered.photos)} of {gathered.whole} photos, {image.width} by {image.height} pixels"
    )
