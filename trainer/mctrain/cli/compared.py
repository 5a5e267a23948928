"""A table of what a model says after a run that the one before it did not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mctrain.cli.printing import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_Row = tuple[str, int, float, float]  # what was asked, of how many photos, and both figures in percent


def tell_compared(rows: Sequence[_Row]) -> None:
    """A line a row."""
    width = max(len(name) for name, *_ in rows)
    click.echo(f"{'':{width}} {'photos':>8} {'before, %':>10} {'after, %':>10} {'points':>8}")
    for name, photos, before, after in rows:
        figures = f"{photos:>8} {before:>10.1f} {after:>10.1f} {after - before:>+8.1f}"
        click.echo(printable(f"{name:{width}} {figures}"))
