"""`mctrain caption`: has a captioner say what each photo shows, before teachers judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mctrain.cli.jobs import Engine, demand_room, job_options, work
from mctrain.cli.options import cache_option
from mctrain.data.named import named_shards
from mctrain.data.words import CAPTIONS, demand_tag

if TYPE_CHECKING:
    from pathlib import Path

_PUBLISHED = "open_clip:coca_ViT-L-14@mscoco_finetuned_laion2B-s13B-b90k"  # DataCompDR's


@click.command()
@click.argument("shards", nargs=-1, required=True)
@click.option(
    "--captioner",
    default=_PUBLISHED,
    show_default=True,
    help="A CoCa of open_clip, open_clip:NAME@WEIGHTS or open_clip:local-dir:FOLDER; or URL@MODEL of your own server that "
    "answers chat completions with images, as http://localhost:8000/v1@llava.",
)
@click.option(
    "--concurrency", default=8, show_default=True, type=click.IntRange(1), help="Questions at once."
)
@click.option("--captions", default=5, show_default=True, type=click.IntRange(min=1), help="A photo.")
@click.option(
    "--top-p",
    default=0.9,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    help="Draw from the likeliest words that together are so likely.",
)
@click.option(
    "--tokens", default=30, show_default=True, type=click.IntRange(min=6), help="The most in a caption."
)
@click.option("--seed", default=0, show_default=True, help="Of the captions.")
@click.option("--tag", default=CAPTIONS, show_default=True, help="In syn.json, under which they stand.")
@click.option(
    "--least-similarity",
    type=click.FloatRange(-1, 1),
    help="Drop captions whose cosine with their photo is less, in the eyes of --judge.",
)
@click.option("--judge", help="A teacher, as of `mctrain reinforce`.")
@job_options
@cache_option
def caption(
    *,
    shards: tuple[str, ...],
    captioner: str,
    concurrency: int,
    captions: int,
    top_p: float,
    tokens: int,
    seed: int,
    tag: str,
    least_similarity: float | None,
    judge: str | None,
    output: str,
    limit: int | None,
    part: tuple[int, int],
    processes: int,
    engine: str,
    address: str | None,
    cache: Path,
) -> None:
    """Writes the SHARDS anew with captions that a model draws for each photo, in syn.json; all else stays as it is.

    Of each text the first sentence is kept; blank and repeated ones are dropped. A killed job continues with the same
    command; photos that only measure are left out. Nothing is sent to a server that you have not named.
    """
    from mctrain.reinforce.captioners.captioner import Manner
    from mctrain.reinforce.captioning import CaptionOrder  # imports torch: 2 s

    if (least_similarity is None) != (judge is None):
        raise click.UsageError("--least-similarity and --judge go together; give both or neither.")
    demand_tag(tag)
    demand_room(output, cache)
    manner = Manner(captions, top_p, tokens)
    order = CaptionOrder(captioner, concurrency, manner, seed, tag, judge, least_similarity, cache, limit)
    work(order, named_shards(shards), output, Engine(engine, address, part, processes))
