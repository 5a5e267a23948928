"""`mctrain train` by a recipe of decisions: a bundle's image head learns from what a person accepted and rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mctrain.cli.compared import tell_compared
from mctrain.cli.printing import printable, tell_some
from mctrain.cli.progress import bar
from mctrain.cli.runs import is_bundle, tell_recipe, tell_skipped
from mctrain.data.named import find_shards
from mctrain.errors import RecipeError
from mctrain.places import on_disk
from mctrain.recipes.run import SHARDS
from mctrain.training.alone import alone_in
from picsight_engine.models.bundle import demand_place
from picsight_engine.models.place import demand_writable

if TYPE_CHECKING:
    from pathlib import Path

    from mctrain.recipes.run import DecisionsRecipe
    from mctrain.training.surroundings import Places


def train_decisions(
    read: DecisionsRecipe, begin: Path | None, places: Places, output: Path | None, bundle: Path | None
) -> Path:
    """Follows a recipe and tells what photos kept apart say; the checkpoint."""
    find_shards(
        on_disk(places.photos, "Decisions are read from a disk"), SHARDS
    )  # a wrong folder is told before torch is loaded
    if begin is None or not is_bundle(begin):
        raise RecipeError(f"The recipe {read.name} begins with a bundle; say with --from where it lies.")
    if output is None:
        raise RecipeError(
            f"The recipe {read.name} takes minutes, so that nothing is foretold; give -o, the folder of the run."
        )
    demand_writable(output)
    if bundle is not None:
        demand_place(bundle)
    output.mkdir(parents=True, exist_ok=True)
    from mctrain.training.decisions.run import learn  # imports torch: 2 s

    tell_recipe(read.name, read.about)
    with alone_in(output):
        learnt = learn(read, begin, places, output, bar)
    tell_skipped(learnt.skipped)
    click.echo(printable(f"{learnt.path}: {read.decisions.steps} steps"))
    rows = [(own.tag, own.accepted + own.rejected, own.before, own.after) for own in learnt.tags]
    tell_compared(learnt.sets, read.apart.most_lost, rows)
    tell_some("too few photos kept apart to judge by", learnt.untold)
    return learnt.path
