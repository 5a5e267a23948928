"""Shared by commands that process shards one by one: the choice of shards, the engine, and the summary."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mctrain.cli.options import count_option
from mctrain.cli.progress import bar, print_some, shards_counted
from mctrain.paths import parse_path
from picsight_engine.bundles.writable_folder import require_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mctrain.paths import AnyPath
    from mctrain.reinforce.maker import MakerConfig, ShardReport

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def _part(_context: click.Context, _param: click.Parameter, value: str) -> tuple[int, int]:
    """K/N: the K-th of N parts."""
    part, _, parts = value.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise click.BadParameter(f"{value} is not a part such as 3/64.")
    return int(part), int(parts)


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the work runs, and which part of it."""

    name: str
    address: str | None
    part: tuple[int, int]
    processes: int


def job_options(command: _Command) -> _Command:
    """Adds the options for the folder, the part and the engine."""
    options = (
        click.option(
            "-o", "--output", required=True, help="Folder of the new shards, or its URL in a store."
        ),
        click.option("--limit", type=click.IntRange(min=1), help="Photos per shard; all unless given."),
        click.option(
            "--part",
            callback=_part,
            default="1/1",
            metavar="K/N",
            help="Process one part of the shards, such as 3/64; for several machines.",
        ),
        count_option("--processes", 1, "Cores per worker, for decoding photos."),
        click.option(
            "--engine",
            default="local",
            show_default=True,
            type=click.Choice(["local", "ray"]),
            help="One local worker, or with Ray one worker per device.",
        ),
        click.option("--address", help="Address of a Ray cluster; this machine alone unless given."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def demand_writable_folders(*paths: str | Path) -> None:
    """Checks that the folders are writable before the work starts.

    Raises:
        PicsightError: a folder belongs to someone else, or is a file.
    """
    for path in paths:
        if "://" not in str(path):
            require_writable(Path(path))


def work(config: MakerConfig, shards: Sequence[AnyPath], output: str, engine: Engine) -> None:
    """Processes this part of the shards and prints a summary; exits with 1 if the part has shards but none was made.

    Raises:
        PicsightError: whatever the engine raises.
    """
    from mctrain.reinforce import local
    from mctrain.reinforce.job import ShardJob, part_of

    if engine.address is not None and engine.name != "ray":
        raise click.UsageError("--address names a Ray cluster; add --engine ray.")
    folder = parse_path(output)
    job = ShardJob(part_of(shards, *engine.part), folder)
    report = partial(click.echo, err=True)
    if engine.name == "ray":
        from mctrain.research import ray_cluster

        done = ray_cluster.run(config, job, report, bar, address=engine.address, processors=engine.processes)
    else:
        done = local.run(config, job, report, bar)
    for line in done.sentences:
        click.echo(line)
    _print_summary(folder, done.reports)
    if job.shards and not any(report.shard.samples for report in done.reports):
        sys.exit(1)


def _print_summary(folder: AnyPath, made: Sequence[ShardReport]) -> None:
    faults = sum((Counter(report.shard.faults) for report in made), Counter[str]())
    samples = sum(report.shard.samples for report in made)
    click.echo(
        f"{folder}: {samples} samples in {shards_counted(len(made))}; left out: {faults.total()} faulty, "
        f"{sum(len(report.refused) for report in made)} for evaluation only"
    )
    print_some("warnings", list(dict.fromkeys(report.warning for report in made if report.warning)))
    if faults:
        reasons = ", ".join(f"{count} {reason}" for reason, count in faults.most_common())
        click.echo(f"  faulty: {reasons}; the .report.json beside each shard lists them")
