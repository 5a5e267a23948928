"""`mctrain data join`: adds the missing photos and captions to a published reinforced set."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import click

from mctrain.cli.jobs import demand_writable_folders
from mctrain.cli.options import cache_option
from mctrain.cli.progress import bar, print_some, printable
from mctrain.data.shard_names import shards_below
from mctrain.paths import parse_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mctrain.data.shard_names import NamedShard
    from mctrain.paths import AnyPath
    from mctrain.research.joining.join import JoinRecord


@click.command()
@click.argument("reinforced")
@click.option(
    "--with",
    "sources",
    multiple=True,
    metavar="PHOTOS_OR_CAPTIONS",
    help="img2dataset's output (a folder, or patterns of .tar or .parquet), or shards of captions; repeatable. The "
    "first caption found is used.",
)
@click.option("-o", "--output", required=True, help="Folder or URL of the joined shards.")
@click.option("--plan", is_flag=True, help="Write the list of URLs for img2dataset, and print its command.")
@cache_option
def join(reinforced: str, *, sources: tuple[str, ...], output: str, plan: bool, cache: Path) -> None:
    """Joins REINFORCED (a folder, a URL or a pattern of shards such as DataCompDR's) with its photos and captions, by uid.

    Shards that are already joined are kept: the same command resumes a killed run, and several runs may divide the shards
    of one set, each with a different pattern.
    """
    if bool(sources) == plan:
        raise click.UsageError(
            "Give either --with, for the photos and captions, or --plan, to fetch them first."
        )
    shards, folder = shards_below(reinforced), parse_path(output)
    demand_writable_folders(output, cache)
    if plan:
        _plan(shards, folder)
    else:
        _join(shards, sources, folder, cache)


def _plan(shards: Sequence[NamedShard], folder: AnyPath) -> None:
    from mctrain.research.joining.fetch_plan import make_plan

    made = make_plan(shards, folder, bar("shards read", len(shards)))
    click.echo(made.command)
    without = f" (samples without a URL: {made.left_out})" if made.left_out else ""
    click.echo(
        f"{made.photos} photos{without}. The original bytes are kept, so that crops and hashes match. To save disk space, replace "
        "the size and encoding options by --image_size 512 --resize_mode keep_ratio_largest --resize_only_if_bigger True; `join` "
        "then scales the crops. Do not blur faces: the teachers saw them unblurred.",
        err=True,
    )


def _join(shards: Sequence[NamedShard], sources: Sequence[str], folder: AnyPath, cache: Path) -> None:
    from mctrain.research.joining.join import JoinJob, join  # imports torch: 2 s
    from mctrain.research.joining.join_sample import teachers_of
    from mctrain.research.joining.sample_files import find_sample_files
    from mctrain.research.joining.uid_index import open_index

    teachers = teachers_of(shards[0].path)
    files = find_sample_files(sources)
    with closing(open_index(files, cache, bar("files looked through", len(files)))) as index:
        click.echo(f"photos and captions: {index.samples} samples with a uid in {len(files)} files")
        if index.twice:
            click.echo(f"  photos with a repeated uid: {index.twice}")
        print_some("damaged, read up to the damage", index.faults)
        _report(join(JoinJob(shards, index, teachers, folder), bar("samples")), folder)


def _report(records: Sequence[JoinRecord], folder: AnyPath) -> None:
    matched = sum(record.shard.samples for record in records)
    faults = sum((Counter(record.shard.faults) for record in records), Counter[str]())
    refused = sum(len(record.refused) for record in records)
    total = matched + refused + faults.total()
    size = sum(record.bytes for record in records) / 1e6
    click.echo(
        printable(
            f"{folder}: {matched} of {total} samples joined ({matched / max(1, total):.1%}), {len(records)} shards, {size:.1f} MB"
        )
    )
    for count, what in (
        (sum(record.scaled for record in records), "with crops scaled to a smaller photo"),
        (sum(record.unchecked for record in records), "without a published sha256: by the uid alone"),
    ):
        if count:
            click.echo(f"  {what}: {count}")
    if faults:
        reasons = ", ".join(f"{count} {reason}" for reason, count in faults.most_common())
        click.echo(f"  left out: {reasons}\n  the .joined.json beside each shard lists their keys")
    if refused:
        click.echo(f"  refused, evaluation photos: {refused}")
