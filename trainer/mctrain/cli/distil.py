"""`mctrain distil`: teaches a small text tower what that of a model says, beside an image tower that stays as it is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from mctrain.cli.places import cache_option, data_option, output_option
from mctrain.cli.progress import Steps, bar
from mctrain.cli.runs import changes_option, start_of, tell_outcome, tell_recipe
from mctrain.data.shards import find_shards
from mctrain.training.alone import alone_in
from mctrain.training.distillation.recipe import load_distillation
from mctrain.training.interrupts import Interrupts
from mctrain.training.surroundings import Surroundings
from picsight_engine.models.place import demand_writable


@click.command()
@click.argument("recipe")
@click.option(
    "--from",
    "begin",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Checkpoint or bundle whose text tower teaches.",
)
@output_option("Folder of the run.")
@data_option
@cache_option
@changes_option
@click.pass_context
def distil(
    context: click.Context,
    recipe: str,
    *,
    begin: Path,
    output: Path,
    data: Path,
    cache: Path,
    changes: tuple[str, ...],
) -> None:
    """Teaches the text tower of RECIPE (a name in mctrain/recipes, or a path to a TOML file) by texts alone, on one core.

    The image tower is that of --from, so that vectors of photos stay what they are: `mctrain export --image-of` puts its very
    file beside the new tower. A run that was stopped or killed goes on with the same command.
    """
    read = load_distillation(recipe, changes)
    find_shards(data, read.data.shards)  # a wrong folder is told before torch is loaded
    for place in (output, cache):
        demand_writable(place)
    output.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    from mctrain.training.distillation.run import find_lessons, follow_distillation  # imports torch: 2 s

    tell_recipe(read.name, read.about)
    with Interrupts() as interrupts, closing(Steps()) as journal, alone_in(output):
        start = start_of(begin)
        found = find_lessons(read, data)
        for sentence in found.absent:
            journal.tell(sentence)
        journal.tell(f"{found.texts} texts, {len(found.lessons)} lessons")
        around = Surroundings(output, interrupts, journal, 0)
        outcome = follow_distillation(read, start, found, cache, around, bar=bar)
    tell_outcome(outcome, output)
    context.exit(128 + outcome.signal if outcome.signal else 0)
