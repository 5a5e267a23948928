"""`mctrain reinforce`: computes teachers' embeddings once and stores them beside the photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from click.core import ParameterSource

from mctrain.cli.jobs import Engine, demand_writable_folders, job_options, work
from mctrain.cli.options import FOLDER, cache_option, count_option
from mctrain.cli.progress import bar
from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.phrasing import load_phrasing
from mctrain.data.reinforced import bank_sources
from mctrain.data.reinforced.manifest import Storage
from mctrain.data.shard_names import find_shards, resolve_shards
from mctrain.recipes.parser import load
from mctrain.recipes.tables import Augmentation, Kind
from mctrain.recipes.teaching import ReinforcementRecipe

if TYPE_CHECKING:
    from mctrain.paths import AnyPath

_OF_RECIPE = ("shards", "teachers", "views", "augmentation", "least_area", "seed", "storage", "bank")
_LEAST_AREAS = {"weak": 0.9}  # 0.08 for others; both as published


@click.command()
@click.argument("shards", nargs=-1)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    help="A bundle's folder, a checkpoint, or open_clip:NAME@WEIGHTS; repeatable, in the order of the embeddings.",
)
@count_option("--views", 5, "Views per photo.")
@click.option(
    "--augmentation",
    default="strong",
    show_default=True,
    type=click.Choice(get_args(Kind)),
    help="Augmentation of the views.",
)
@click.option(
    "--least-area",
    show_default="as published: 0.08, or 0.9 for weak views",
    type=click.FloatRange(0, 1, min_open=True),
    help="Smallest share of the photo's area in a crop.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the views.")
@click.option(
    "--storage",
    default=Storage.PTH_BF16.value,
    show_default=True,
    type=click.Choice([each.value for each in Storage]),
    help="Storage format of the embeddings.",
)
@click.option("--recipe", help="Take the shards and these options from a recipe; needs --data.")
@click.option("--data", type=FOLDER, help="Folder of a recipe's shards.")
@click.option(
    "--bank",
    multiple=True,
    help="Texts without photos to embed too: imagenet, flickr30k, coco, wordnet (from --data), queries (from SHARDS), "
    "or a .txt file; repeatable.",
)
@click.option("--jpeg", is_flag=True, help="Encode all photos as JPEG, for readers that accept nothing else.")
@job_options
@cache_option
@click.pass_context
def reinforce(
    context: click.Context,
    *,
    shards: tuple[str, ...],
    output: str,
    teachers: tuple[str, ...],
    views: int,
    augmentation: Kind,
    least_area: float | None,
    seed: int,
    storage: str,
    recipe: str | None,
    data: Path | None,
    bank: tuple[str, ...],
    limit: int | None,
    part: tuple[int, int],
    processes: int,
    engine: str,
    address: str | None,
    cache: Path,
    jpeg: bool,
) -> None:
    """Embeds the photos and texts of SHARDS with teachers and writes shards that hold the embeddings.

    Each photo keeps its bytes; beside it are its views' parameters and the teachers' embeddings of views and texts.
    The same command resumes a killed job. Evaluation photos are left out. An estimate of time and disk comes first.
    """
    if recipe is not None:
        _demand_recipe_alone(context)
        if data is None:
            raise click.UsageError("--recipe needs --data, the folder of its shards.")
        read = load(ReinforcementRecipe, recipe)
        templates, translations = data / read.data.templates, data / read.data.translations
        find_shards(data, [read.data.templates, read.data.translations])  # reports a missing one first
        phrasing = load_phrasing(templates, translations)
        sources: list[AnyPath] = [*find_shards(data, read.data.shards)]
        drawn, seed, storage = read.augmentation, read.reinforcement.seed, read.reinforcement.storage
        teachers, bank = read.reinforcement.teachers, read.reinforcement.bank
    else:
        if not shards or not teachers:
            raise click.UsageError("Name shards and at least one --teacher, or a --recipe.")
        sources, phrasing = resolve_shards(shards), load_phrasing(None, None)
        least = least_area or _LEAST_AREAS.get(augmentation, 0.08)
        drawn = Augmentation(augmentation, views, least, mirror=False)
        bank = tuple(str(Path(name).absolute()) if name.endswith((".txt", ".gz")) else name for name in bank)
    demand_writable_folders(output, cache)
    from mctrain.reinforce.reinforcing import ReinforceConfig  # imports torch: 2 s
    from mctrain.teachers.fit.corpus import FitFolders
    from mctrain.teachers.fit.teach import fitted_path

    # before the hours of work, so that a missing or refused source fails at once; the first part embeds the bank
    inputs = bank_sources.BankInputs(
        data or Path(), tuple(each for each in sources if isinstance(each, Path)), shipped_digests()
    )
    texts = bank_sources.collect(bank if part[0] == 1 else (), inputs, click.echo)
    if data is not None:  # a recipe's teachers may be fitted first
        teachers = tuple(fitted_path(title, FitFolders(data, cache), bar) for title in teachers)
    config = ReinforceConfig(
        teachers,
        cache,
        drawn,
        seed,
        phrasing,
        Storage(storage),
        texts,
        jpeg=jpeg,
        limit=limit,
        processes=processes,
    )
    work(config, sources, output, Engine(engine, address, part, processes))


def _demand_recipe_alone(context: click.Context) -> None:
    """Refuses options that a recipe sets itself."""
    for name in _OF_RECIPE:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = {"shards": "SHARDS", "teachers": "--teacher"}.get(name, f"--{name.replace('_', '-')}")
            raise click.UsageError(
                f"A --recipe sets {option} itself; leave it out, or copy the recipe and change it."
            )
