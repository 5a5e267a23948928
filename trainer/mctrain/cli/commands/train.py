"""`mctrain train`: trains whole towers as a recipe says, on this machine or with torchrun on many GPUs."""

from __future__ import annotations

import tempfile
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mctrain.cli.commands.export import print_exported
from mctrain.cli.commands.runs import (
    changes_option,
    compared_before,
    is_bundle,
    is_first,
    print_outcome,
    print_recipe,
    print_skipped,
    start_of,
)
from mctrain.cli.options import (
    ANY_FOLDER,
    FOLDER,
    FolderOrUrl,
    bundle_option,
    cache_option,
    count_option,
    tasks_option,
)
from mctrain.cli.progress import Steps, bar, print_some, printable
from mctrain.data.shard_names import find_shards
from mctrain.errors import RecipeError
from mctrain.paths import on_disk
from mctrain.recipes.parser import load
from mctrain.recipes.training import SHARDS, DecisionsRecipe, TrainingRecipe, is_of_decisions
from mctrain.training.environment import RunEnvironment, RunFolders, Signals, hold_lock
from picsight_engine.bundles.bundle import open_bundle, require_bundle_folder
from picsight_engine.bundles.writable_folder import require_writable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.data.reading.reader import Data
    from mctrain.data.reading.sampling import ReaderSettings
    from mctrain.evaluation.tasks import Task
    from mctrain.paths import AnyPath
    from mctrain.training.comparison import ComparisonSets
    from mctrain.weights.checkpoint import Compared


# Name, photos, the figures before and after in percent, and their interval.
_Row = tuple[str, int, float, float, str]


def print_compared(sets: Sequence[Compared], most_lost: float, tags: Sequence[_Row] = ()) -> None:
    """Prints a line per tag and per set, in groups, and then the set that lost most."""
    width = max(len(name) for name in (*(each.title for each in sets), *(name for name, *_ in tags)))
    click.echo(f"{'':{width}} {'photos':>8} {'before, %':>10} {'after, %':>10} {'points':>8}  (95 %)")
    groups = {each.group: list[_Row]() for each in sets}
    groups[sets[0].group] += tags
    for each in sets:
        span = "" if each.low is None else f"  ({each.low:+.1f} to {each.high:+.1f})"
        groups[each.group].append((each.title, each.photos, each.before, each.after, span))
    for group, rows in groups.items():
        click.echo(f"{group}:")
        for name, photos, before, after, span in rows:
            figures = f"{photos:>8} {before:>10.1f} {after:>10.1f} {after - before:>+8.1f}{span}"
            click.echo(printable(f"{name:{width}} {figures}"))
    worst = max(sets, key=lambda each: each.lost)
    if worst.lost > 0:
        click.echo(
            printable(
                f"{worst.title} lost most, {worst.lost:.1f} points of the {most_lost:g} that may be lost"
            )
        )


def train_decisions(
    read: DecisionsRecipe, begin: Path | None, folders: RunFolders, output: Path | None, bundle: Path | None
) -> Path:
    """Follows a recipe, prints the scores on held-out photos, and returns the checkpoint's path."""
    # reports a wrong folder before torch is loaded
    find_shards(on_disk(folders.photos, "Decisions are read from a disk"), SHARDS)
    if begin is None or not is_bundle(begin):
        raise RecipeError(f"The recipe {read.name} begins with a bundle; give its folder with --from.")
    if output is None:
        raise RecipeError(
            f"The recipe {read.name} takes minutes and has no dry run; give -o, the folder of the run."
        )
    require_writable(output)
    if bundle is not None:
        require_bundle_folder(bundle)
    output.mkdir(parents=True, exist_ok=True)
    from mctrain.training.decisions.learn import learn  # imports torch: 2 s

    print_recipe(read.name, read.about)
    with hold_lock(output):
        learnt = learn(read, begin, folders, output, bar)
    print_skipped(learnt.skipped)
    click.echo(printable(f"{learnt.path}: {read.decisions.steps} steps"))
    rows = [(each.tag, each.accepted + each.rejected, each.before, each.after, "") for each in learnt.tags]
    print_compared(learnt.sets, read.apart.most_lost, rows)
    print_some("too few photos kept apart to judge by", learnt.too_few)
    return learnt.path


@click.command()
@click.argument("recipe")
@click.option(
    "--photos", required=True, type=FolderOrUrl(), help="Folder of the shards that RECIPE names, or a URL."
)
@click.option("-o", "--output", type=ANY_FOLDER, help="Folder of the run.")
@click.option(
    "--from",
    "begin",
    type=click.Path(exists=True, path_type=Path),
    help="Checkpoint or bundle to begin with.",
)
@click.option("--data", type=FOLDER, help="Folder of the sets that RECIPE measures on, or is judged by.")
@tasks_option
@bundle_option
@cache_option
@changes_option
@count_option("--workers", 1, "Processes that read photos.", least=0)
@click.option(
    "--dry-run", is_flag=True, help="Run steps for a minute, write nothing, and estimate the cost of the run."
)
@click.pass_context
def train(
    context: click.Context,
    recipe: str,
    *,
    photos: AnyPath,
    output: Path | None,
    begin: Path | None,
    data: Path | None,
    tasks: Path | None,
    bundle: Path | None,
    cache: Path,
    changes: tuple[str, ...],
    workers: int,
    dry_run: bool,
) -> None:
    """Trains the towers of RECIPE (a name in mctrain/recipes, or a path to a TOML file) on reinforced or plain photos, or on decisions.

    The same command resumes a stopped or killed run. A finished run cannot be extended, because its learning rate has
    fallen to the floor; start another one in a new folder with --from the first one's folder. With several GPUs:
    torchrun --nproc-per-node 8 -m mctrain train RECIPE …
    """
    if dry_run and output is not None:
        raise click.UsageError("A --dry-run writes nothing; leave -o out.")
    if not dry_run and output is None:
        raise click.UsageError("Give the folder of the run with -o, or try the run with --dry-run.")
    if dry_run and bundle is not None:
        raise click.UsageError("A --dry-run makes nothing to export; leave --bundle out.")
    if tasks is not None and data is None:
        raise click.UsageError("--tasks needs the folder of the evaluation sets; give it with --data.")
    folders, signal = RunFolders(photos, data, _listed(tasks) if data else (), cache, _stream), 0
    if is_of_decisions(recipe):
        made: Path | None = train_decisions(
            load(DecisionsRecipe, recipe, changes), begin, folders, output, bundle
        )
    else:
        read = load(TrainingRecipe, recipe, changes)
        made, signal = _train_towers(read, begin, folders, output, bundle=bundle, workers=workers)
    if made is not None and bundle is not None:
        _export(made, bundle, begin)
    context.exit(128 + signal if signal else 0)


def _listed(path: Path | None) -> tuple[Task, ...]:
    from mctrain.research.benchmarks.tasks import load_all_tasks  # imports torch: 2 s

    return load_all_tasks(path)


def _stream(folder: AnyPath, shards: Sequence[AnyPath], settings: ReaderSettings) -> Data:
    from mctrain.research.stream import open_stream

    return open_stream(folder, shards, settings)


def _train_towers(
    read: TrainingRecipe,
    begin: Path | None,
    folders: RunFolders,
    output: Path | None,
    *,
    bundle: Path | None,
    workers: int,
) -> tuple[Path | None, int]:
    """The checkpoint's path if this process wrote one, and the signal that stopped the run, or 0."""
    shards = find_shards(folders.photos, read.data.shards)  # reports a wrong folder before torch is loaded
    if output is None:
        from mctrain.training.run import open_photos

        open_photos(read, folders)  # reports a batch that is too large before the sets are prepared
        with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
            _find_sets(read, begin, shards, folders, Path(scratch))  # reports missing sets before the steps
        _estimate(read, begin, folders, workers)
        return None, 0
    for path in (output, folders.cache):
        require_writable(path)
    if bundle is not None:
        require_bundle_folder(bundle)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
        asked = _find_sets(read, begin, shards, folders, Path(scratch))
        try:
            with Signals() as signals, closing(Steps()) as reporter:
                from mctrain.training.run import run_training  # imports torch: 2 s

                if is_first():
                    print_recipe(read.name, read.about)
                environment = RunEnvironment(output, signals, reporter, workers)
                with hold_lock(output) if is_first() else nullcontext():
                    outcome = run_training(read, start_of(begin) if begin else None, folders, environment)
        except SystemExit:  # a signal before the first step or after the last
            if is_first():
                click.echo("Interrupted; type the same command again.", err=True)
            raise
        print_outcome(outcome, output)
        if outcome.path and begin and asked and read.apart:
            from mctrain.training.comparison import compare_models

            click.echo("Comparing the new model with the one of --from.", err=True)
            begun, ancestors = start_of(begin).checkpoint, compared_before(begin)
            made = compare_models(begun, outcome.path, asked, bar("photos"), ancestors)
            print_compared(made.compared, read.apart.most_lost)
            if made.share < 1:
                click.echo(f"The result is {made.share:.0%} of what was learnt, mixed with the start.")
    return outcome.path, outcome.signal


def _find_sets(
    recipe: TrainingRecipe, begin: Path | None, shards: Sequence[AnyPath], folders: RunFolders, scratch: Path
) -> ComparisonSets | None:
    """The held-out photos and sets that judge the run, found before it begins; None if its recipe holds nothing out."""
    if recipe.apart is None or not is_first():
        return None
    if begin is None:
        raise RecipeError(
            f"The recipe {recipe.name} compares the new model with the one it begins with; name that one with --from."
        )
    from mctrain.training.comparison import find_sets  # imports torch: 2 s

    paths = [on_disk(shard, "Photos that are kept apart are packed anew") for shard in shards]
    return find_sets(recipe.apart, paths, folders, scratch)


def _export(made: Path, folder: Path, begin: Path | None) -> None:
    """Exports the checkpoint; parts that the run did not change are copied from the bundle it began with."""
    from mctrain.export.bundle import export_bundle  # imports onnx: 0.3 s
    from mctrain.export.precision import packaged_inputs
    from mctrain.weights.checkpoint import load_checkpoint

    begun = open_bundle(begin, hashes=True) if begin and is_bundle(begin) else None
    report = partial(click.echo, err=True)
    made_of, inputs = load_checkpoint(made), packaged_inputs()
    print_exported(export_bundle(made_of, folder, inputs, int8_text=True, begun=begun, report=report))


def _estimate(recipe: TrainingRecipe, begin: Path | None, folders: RunFolders, workers: int) -> None:
    from mctrain.training.dry_run import dry_run

    with closing(Steps()) as reporter:
        lines = dry_run(recipe, start_of(begin) if begin else None, folders, reporter, workers=workers)
    for line in lines if is_first() else ():
        click.echo(printable(line))
