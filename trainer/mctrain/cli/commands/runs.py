"""Shared by commands that follow a recipe: its changes, the output before and after, and the start of a run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from mctrain.cli.progress import printable
from mctrain.data.shards import file_digest
from mctrain.errors import WeightsError
from picsight_engine.bundles.bundle import MANIFEST, open_bundle

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from mctrain.recipes.tables import About
    from mctrain.training.run import RunResult, Start
    from mctrain.weights.checkpoint import Compared

changes_option = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="TABLE.KEY=VALUE",
    help="Change of RECIPE; may be given several times.",
)


def is_first() -> bool:
    """Whether this is the first of torchrun's processes, the only one that prints."""
    return os.environ.get("RANK", "0") == "0"


def print_recipe(name: str, about: About) -> None:
    """Prints what the recipe says about its result, the photos it is made for, its expected score and spread between seeds."""
    noise = f" ({about.noise})" if about.noise else ""
    facts = {"made for": about.source, "expected": f"{about.expected}{noise}"}
    lines = [about.title or name, *(f"  {key}: {each}" for key, each in facts.items() if each)]
    click.echo("\n".join(lines), err=True)


def print_skipped(skipped: Counter[str]) -> None:
    """Prints how many samples were skipped, by reason."""
    if skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.most_common())
        click.echo(printable(f"Skipped: {reasons}. `mctrain data check` names them."), err=True)


def print_outcome(outcome: RunResult, folder: Path) -> None:
    """Prints the checkpoint's path, or why there is none."""
    if is_first():
        print_skipped(outcome.skipped)
    if outcome.path is not None:
        click.echo(printable(f"{outcome.path}: {outcome.why}"))
    elif is_first():
        click.echo(printable(f"The run in {folder} was {outcome.why}."), err=True)


def start_of(path: Path) -> Start:
    """Reads a checkpoint or a bundle.

    Raises:
        WeightsError: there is none, it is damaged, or it is the folder of a run that has not ended.
    """
    from mctrain.training.run import Start
    from mctrain.weights.checkpoint import checkpoint_file, is_state, load_checkpoint
    from mctrain.weights.from_bundle import read_bundle

    if is_bundle(path):
        return Start(read_bundle(path), file_digest(path / MANIFEST))
    file = checkpoint_file(path)
    if file != path and is_state(file):  # a resumed run would soon find a newer state here
        raise WeightsError(
            f"The run in {path} has not ended; say which of its states to begin with, such as {file}."
        )
    return Start(load_checkpoint(file), file_digest(file))


def compared_before(path: Path) -> tuple[Compared, ...]:
    """The comparison of a bundle or checkpoint with the model that it began with; empty if there was none."""
    from mctrain.weights.checkpoint import Compared, Trained, load_checkpoint

    if is_bundle(path):
        return tuple(Compared(**each) for each in open_bundle(path).manifest.provenance.get("compared", ()))
    origin = load_checkpoint(path).origin
    return origin.compared if isinstance(origin, Trained) else ()


def is_bundle(path: Path) -> bool:
    """Whether the path is a bundle's folder."""
    return (path / MANIFEST).is_file()
