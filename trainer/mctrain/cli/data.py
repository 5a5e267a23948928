"""`mctrain data check`: what is in shards, and what is wrong with them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mctrain.data.check import check_shards
from mctrain.data.everyday import EVERYDAY

_TOLD = 10  # faults of a shard that are printed one by one


@click.group()
def data() -> None:
    """Looks at training data."""


@data.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(shards: tuple[Path, ...]) -> None:
    """Counts photos and texts of SHARDS (.tar, .tar.gz), and finds missing members, keys that occur twice, evaluation keys."""
    reports = check_shards(shards)
    for report in reports:
        texts = ", ".join(f"{count} {name}" for name, count in report.texts.items() if count) or "no texts"
        click.echo(
            f"{report.shard}: {report.bytes} bytes, {report.photos} photos of {report.photo_bytes} bytes, "
            f"short side {report.least_side} to {report.largest_side} px, {texts}"
        )
        if report.evaluation:
            click.echo(f"  refused for training: {report.evaluation} evaluation photos")
        if report.apart:
            click.echo(f"  passed over in training: {report.apart} photos of {EVERYDAY}")
        for fault in report.faults[:_TOLD]:
            click.echo(f"  {fault}")
        if len(report.faults) > _TOLD:
            click.echo(f"  … and {len(report.faults) - _TOLD} more")
    photos, faults = (
        sum(counts) for counts in zip(*((r.photos, len(r.faults)) for r in reports), strict=True)
    )
    click.echo(f"{len(reports)} shards, {photos} photos, {faults} faults")
    if faults:
        sys.exit(1)
