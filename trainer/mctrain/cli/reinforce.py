"""`mctrain reinforce`: computes once what training would compute again and again, and stores it beside the photos."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from click.core import ParameterSource

from mctrain.cli.places import cache_option, output_option
from mctrain.cli.progress import bar
from mctrain.data.reinforced.storage import Storage
from mctrain.data.shards import find_shards, named_shards
from mctrain.recipe import Augmentation, Kind, load_reinforcement
from picsight_engine.models.place import demand_writable

if TYPE_CHECKING:
    from mctrain.data.reinforced.manifest import Manifest
    from mctrain.reinforce.job import Job

_OF_RECIPE = ("shards", "teachers", "views", "augmentation", "least_area", "seed", "storage", "bank")
_LEAST_AREAS = {"weak": 0.9}  # of others 0.08; both as published


class _Part(click.ParamType[tuple[int, int]]):
    """K/N: the K-th of N parts."""

    name = "K/N"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        part, _, parts = str(value).partition("/")
        if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
            self.fail(f"{value} is no part such as 3/64.", param, context)
        return int(part), int(parts)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked for, from the command line or from a recipe."""

    shards: list[Path]
    teachers: tuple[str, ...]
    augmentation: Augmentation
    seed: int
    storage: Storage
    templates: Path | None
    translations: Path | None
    bank: tuple[str, ...]


@click.command()
@click.argument("shards", nargs=-1)
@output_option("Folder of the reinforced shards.")
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    help="A bundle's folder, a checkpoint, or open_clip:NAME@WEIGHTS; repeatable, in the order of the embeddings.",
)
@click.option("--views", default=5, show_default=True, type=click.IntRange(min=1), help="Views a photo.")
@click.option(
    "--augmentation",
    default="strong",
    show_default=True,
    type=click.Choice(get_args(Kind)),
    help="Of the views.",
)
@click.option(
    "--least-area",
    show_default="as published: 0.08, of weak views 0.9",
    type=click.FloatRange(0, 1, min_open=True),
    help="Least share of the photo in a crop.",
)
@click.option("--seed", default=0, show_default=True, help="Of the views.")
@click.option(
    "--storage",
    default=Storage.PTH_BF16.value,
    show_default=True,
    type=click.Choice([own.value for own in Storage]),
    help="Form of the embeddings.",
)
@click.option("--recipe", help="Takes shards and all of these from a recipe instead; needs --data.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a recipe's shards.",
)
@click.option(
    "--bank",
    multiple=True,
    help="Texts without photos to judge too: imagenet, flickr30k, coco, wordnet (of --data), queries (of SHARDS), or "
    "a .txt file; repeatable.",
)
@click.option("--jpeg", is_flag=True, help="Encode other photos as JPEG, for readers that take nothing else.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many photos of each shard.")
@click.option(
    "--part", type=_Part(), default=(1, 1), help="Only these shards, as 3/64; for several machines."
)
@click.option(
    "--processes",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Processes that decode photos.",
)
@cache_option
@click.pass_context
def reinforce(
    context: click.Context,
    *,
    shards: tuple[str, ...],
    output: Path,
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
    cache: Path,
    jpeg: bool,
) -> None:
    """Shows the photos and texts of SHARDS to teachers and writes shards that hold what they gave.

    Each photo keeps its bytes; beside it stand the parameters of its views and the teachers' embeddings of views and texts.
    A killed job continues with the same command; photos that only measure are left out. Time and disk are told first.
    """
    if recipe is not None:
        _demand_recipe_alone(context)
        if data is None:
            raise click.UsageError("--recipe needs --data, the folder of its shards.")
        wish = _of_recipe(recipe, data)
    else:
        if not shards or not teachers:
            raise click.UsageError("Name shards and at least one --teacher, or a --recipe.")
        least = least_area or _LEAST_AREAS.get(augmentation, 0.08)
        drawn = Augmentation(augmentation, views, least, mirror=False)
        own = tuple(str(Path(name).absolute()) if name.endswith((".txt", ".gz")) else name for name in bank)
        wish = _Wish(named_shards(shards), teachers, drawn, seed, Storage(storage), None, None, own)
    for place in (output, cache):
        demand_writable(place)
    manifest = _work(wish, output, data, cache, part=part, processes=processes, jpeg=jpeg, limit=limit)
    _tell(output, manifest)
    if not manifest.samples:
        sys.exit(1)


def _demand_recipe_alone(context: click.Context) -> None:
    """Nothing beside a recipe that the recipe says itself."""
    for name in _OF_RECIPE:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = {"shards": "SHARDS", "teachers": "--teacher"}.get(name, f"--{name.replace('_', '-')}")
            raise click.UsageError(
                f"A --recipe says {option} itself; leave it out, or copy the recipe and change it."
            )


def _work(
    wish: _Wish,
    output: Path,
    data: Path | None,
    cache: Path,
    *,
    part: tuple[int, int],
    processes: int,
    jpeg: bool,
    limit: int | None,
) -> Manifest:
    """The whole job, what is told of its length before, and its bank behind."""
    from mctrain.data.refusal import shipped
    from mctrain.data.reinforced import bank_sources
    from mctrain.data.workers import open_pool
    from mctrain.reinforce.bank import make_bank
    from mctrain.reinforce.foretell import foretell  # imports torch: 2 s
    from mctrain.reinforce.job import begin, part_of, run
    from mctrain.teachers.fit.corpus import Places
    from mctrain.teachers.fit.run import taught
    from mctrain.teachers.open import open_teacher
    from mctrain.teachers.teacher import Ensemble

    mine = part_of(wish.shards, *part)
    # before the hours of work, so that a source that is missing or refused is told at once
    sources = bank_sources.Places(data or Path(), tuple(wish.shards), shipped())
    texts = bank_sources.collect(wish.bank if part[0] == 1 else (), sources)
    titles = list(wish.teachers)
    if data is not None:  # a recipe's, which may name one that is fitted first
        titles = [taught(title, Places(data, cache), bar) for title in titles]
    ensemble = Ensemble([open_teacher(title, cache) for title in titles])
    job = _job(wish, mine, output, ensemble.sizes, jpeg=jpeg, limit=limit)
    left = begin(job, ensemble)
    with open_pool(processes) as pool:
        forecast = foretell(job, left, ensemble, pool)
        click.echo(forecast.sentence(), err=True)
        manifest = run(job, left, ensemble, pool, bar("samples", forecast.photos))
    if texts.dropped:
        for line in make_bank(output, texts, ensemble, bar):
            click.echo(line)
    return manifest


def _tell(output: Path, manifest: Manifest) -> None:
    faults = sum((Counter(shard.faults) for shard in manifest.shards), Counter[str]())
    click.echo(
        f"{output}: {manifest.samples} samples in {len(manifest.shards)} shards; left out: {faults.total()} faulty, "
        f"{len(manifest.refused)} that only measure"
    )
    if faults:
        told = ", ".join(f"{count} {reason}" for reason, count in faults.most_common())
        click.echo(f"  faulty: {told}; which ones stands in the .report.json beside each shard")


def _of_recipe(name: str, data: Path) -> _Wish:
    read = load_reinforcement(name)
    templates, translations = find_shards(data, [read.data.templates, read.data.translations])
    return _Wish(
        find_shards(data, read.data.shards),
        read.reinforcement.teachers,
        read.augmentation,
        read.reinforcement.seed,
        Storage(read.reinforcement.storage),
        templates,
        translations,
        read.reinforcement.bank,
    )


def _job(
    wish: _Wish,
    shards: tuple[Path, ...],
    output: Path,
    sizes: tuple[int, ...],
    *,
    jpeg: bool,
    limit: int | None,
) -> Job:
    from mctrain.data.phrasing import load_phrasing
    from mctrain.reinforce.job import Job
    from mctrain.reinforce.shard import Drawing

    phrasing = load_phrasing(wish.templates, wish.translations)
    drawing = Drawing(wish.augmentation, wish.seed, sizes, phrasing, jpeg)
    return Job(shards, output, drawing, wish.storage, limit)
