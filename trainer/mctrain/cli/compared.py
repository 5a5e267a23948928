"""A table of what a model says after a run that the one before it did not say, and the loss that decides about its export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mctrain.cli.printing import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.weights.checkpoint import Compared

_Row = tuple[str, int, float, float]  # what was asked, of how many photos, and both figures in percent


def tell_compared(sets: Sequence[Compared], most_lost: float, tags: Sequence[_Row] = ()) -> None:
    """A line a set, under what it stands for, after the tags that were asked for; then the set that lost most."""
    width = max(len(name) for name in (*(own.title for own in sets), *(name for name, *_ in tags)))
    click.echo(f"{'':{width}} {'photos':>8} {'before, %':>10} {'after, %':>10} {'points':>8}")
    groups = {own.group: list[_Row]() for own in sets}
    groups[sets[0].group] += tags
    for own in sets:
        groups[own.group].append((own.title, own.photos, own.before, own.after))
    for group, rows in groups.items():
        click.echo(f"{group}:")
        for name, photos, before, after in rows:
            figures = f"{photos:>8} {before:>10.1f} {after:>10.1f} {after - before:>+8.1f}"
            click.echo(printable(f"{name:{width}} {figures}"))
    worst = max(sets, key=lambda own: own.lost)
    if worst.lost > 0:
        click.echo(
            printable(
                f"{worst.title} lost most, {worst.lost:.1f} points of the {most_lost:g} that may be lost"
            )
        )
