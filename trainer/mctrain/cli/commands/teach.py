"""`mctrain teach`: fits heads on pretrained trunks as a recipe says, and can export the model as a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from mctrain.cli.commands.runs import print_recipe
from mctrain.cli.options import bundle_option, cache_option, count_option, data_option, output_option
from mctrain.cli.progress import bar
from mctrain.data.shard_names import find_shards
from mctrain.errors import ExportError
from mctrain.recipes.parser import load
from mctrain.recipes.teaching import TeachingRecipe
from mctrain.source_commit import CHANGED, commit_of_sources
from picsight_engine.bundles.bundle import require_bundle_folder
from picsight_engine.bundles.writable_folder import require_writable


@click.command()
@click.argument("recipe")
@output_option("Folder of the teacher.")
@data_option
@cache_option
@bundle_option
@count_option("--threads", 1, "Cores for the fit.")
@count_option("--workers", 1, "Processes that embed photos.")
def teach(
    recipe: str, output: Path, data: Path, cache: Path, *, bundle: Path | None, threads: int, workers: int
) -> None:
    """Fits RECIPE (a name in mctrain/recipes, or a path to a TOML file): heads on pretrained trunks.

    The result can be a teacher for `mctrain reinforce`, be measured, and be exported. The same command resumes a killed run.
    """
    read = load(TeachingRecipe, recipe)
    if bundle is not None and Path(recipe).suffix != ".toml":  # a recipe of this package
        _demand_committed(bundle)
    shards = find_shards(data, read.data.shards)  # reports a wrong folder before torch is loaded
    for path in (output, cache):
        require_writable(path)
    probe = None
    if bundle is not None:
        from mctrain.export.precision import inputs_of

        require_bundle_folder(bundle)
        probe = inputs_of(shards[0])  # reports missing texts before hours of work
    from mctrain.teachers.fit.corpus import FitFolders
    from mctrain.teachers.fit.teach import teach as run_fit  # imports torch: 2 s

    print_recipe(read.name, read.about)
    finished = run_fit(read, FitFolders(data, cache), output, bar, threads=threads, workers=workers)
    click.echo(f"{finished.path}: {len(finished.history)} epochs, last loss {finished.history[-1]:.3f}")
    if bundle is not None and probe is not None:
        from mctrain.export.bundle import export_bundle  # imports onnx: 0.3 s

        written = export_bundle(finished.content, bundle, probe, int8_text=True)
        click.echo(f"{bundle}: space {written.manifest.space_id}")


def _demand_committed(bundle: Path) -> None:
    """Raises an ExportError if the sources are those of no commit: nobody could make the bundle again."""
    commit = commit_of_sources() or ""
    if commit.endswith(CHANGED):
        raise ExportError(
            f"The bundle {bundle} would name the commit {commit.removesuffix(CHANGED)[:12]}, which does not make it, since files "
            "of the tree have changed; commit the changes or undo them first."
        )
