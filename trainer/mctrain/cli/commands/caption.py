"""`mctrain caption`: generates captions for each photo, before teachers embed it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from mctrain.cli.jobs import Engine, demand_writable_folders, job_options, work
from mctrain.cli.options import cache_option, count_option
from mctrain.data.shard_names import resolve_shards
from mctrain.data.texts import CAPTIONS, demand_tag
from mctrain.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from mctrain.reinforce.captioners.captioner import Captioner

_PUBLISHED = "open_clip:coca_ViT-L-14@mscoco_finetuned_laion2B-s13B-b90k"  # DataCompDR's


@click.command()
@click.argument("shards", nargs=-1, required=True)
@click.option(
    "--captioner",
    default=_PUBLISHED,
    show_default=True,
    help="A CoCa of open_clip (open_clip:NAME@WEIGHTS or open_clip:local-dir:FOLDER), or URL@MODEL of your own "
    "chat completions server that accepts images, such as http://localhost:8000/v1@llava.",
)
@count_option("--concurrency", 8, "Requests at once.")
@count_option("--captions", 5, "Captions per photo.")
@click.option(
    "--top-p",
    default=0.9,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    help="Nucleus sampling: draw from the likeliest tokens up to this total probability.",
)
@count_option("--tokens", 30, "Longest caption, in tokens.", least=6)
@click.option("--seed", default=0, show_default=True, help="Seed of the sampling.")
@click.option("--tag", default=CAPTIONS, show_default=True, help="Key in syn.json that holds the captions.")
@click.option(
    "--least-similarity",
    type=click.FloatRange(-1, 1),
    help="Drop captions whose cosine with their photo, by --judge, is lower.",
)
@click.option("--judge", help="A teacher, named as for `mctrain reinforce`.")
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
    """Rewrites SHARDS with generated captions for each photo in syn.json; everything else is unchanged.

    Only the first sentence of each text is kept; blank and repeated ones are dropped. Evaluation photos are left out.
    The same command resumes a killed job. Photos are sent only to a server that you name.
    """
    from mctrain.reinforce.captioners.captioner import SamplingSettings
    from mctrain.reinforce.captioning import CaptionConfig  # imports torch: 2 s

    if (least_similarity is None) != (judge is None):
        raise click.UsageError("--least-similarity and --judge go together; give both or neither.")
    demand_tag(tag)
    demand_writable_folders(output, cache)
    sampling = SamplingSettings(captions, top_p, tokens)
    load = partial(open_captioner, captioner, concurrency)
    config = CaptionConfig(load, sampling, seed, tag, judge, least_similarity, cache, limit)
    work(config, resolve_shards(shards), output, Engine(engine, address, part, processes))


def open_captioner(title: str, concurrency: int = 1) -> Captioner:
    """Opens the captioner of this name; `concurrency` is the number of parallel requests to a server.

    Raises:
        WeightsError: there is no such model, or it is not a captioner.
        TrainerError: an address names no model.
    """
    if title.startswith(("http://", "https://")):
        from mctrain.reinforce.captioners.chat import ChatCaptioner

        return ChatCaptioner(title, concurrency)
    from mctrain.teachers.teacher import OPEN_CLIP  # imports torch: 2 s

    if not title.startswith(OPEN_CLIP):
        raise WeightsError(
            f"{title} is not a captioner; write open_clip:NAME@WEIGHTS, open_clip:local-dir:FOLDER, or URL@MODEL of your own server."
        )
    from mctrain.research.coca import CocaCaptioner
    from mctrain.teachers.open_clip import load_model

    return CocaCaptioner(load_model(title.removeprefix(OPEN_CLIP)))
