"""`mctrain answers`: a contact sheet of what a model finds."""

from __future__ import annotations

from pathlib import Path

import click

from mctrain.cli.places import cache_option
from mctrain.cli.progress import bar
from mctrain.whole_files import write_whole
from picsight_engine.models.place import demand_writable


@click.command()
@click.argument("subject")
@click.argument("shards", metavar="SHARD...", nargs=-1, required=True)
@click.option(
    "--queries",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Text file of searches, one a line.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The sheet, a PNG."
)
@cache_option
def answers(subject: str, *, shards: tuple[str, ...], queries: Path, output: Path, cache: Path) -> None:
    """Draws the ten photos of SHARDs that SUBJECT, whatever `mctrain eval` measures, finds nearest to each search."""
    from mctrain.data.named import named_shards
    from mctrain.evaluation.answers import answer, draw_answers, read_queries
    from mctrain.evaluation.subject import Subject
    from mctrain.places import on_disk
    from mctrain.teachers.open import open_teacher

    demand_writable(output.parent)
    asked, places = (
        read_queries(queries),
        [on_disk(own, "Searches are answered from a disk") for own in named_shards(shards)],
    )
    opened = Subject(open_teacher(subject, cache), bar("photos"))
    image = draw_answers(answer(opened, places, asked), opened.name)
    with write_whole(output) as file:
        image.save(file, "PNG")
    click.echo(f"{output}: {len(asked)} searches, {image.width} by {image.height} pixels")
