"""`picsight tags accept`, `reject` and `rate`, and `undo` and `redo`: what a person says of photos, and takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight.cli.invocation import A_PATH, shared_options
from picsight.cli.tagging import absolute_paths, opened, tell_run
from picsight.cli.words import WordsCommand

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight.cli.invocation import Invocation
    from picsight_engine.store.decisions import Verdict

_PHOTOS = click.argument("photos", nargs=-1, required=True, metavar="PATH...", type=A_PATH)


@click.command("accept", cls=WordsCommand)
@click.argument("tag")
@_PHOTOS
@shared_options
@click.pass_obj
def accept(invocation: Invocation, tag: str, photos: tuple[Path, ...]) -> int:
    """Say that the photos PATH belong to TAG."""
    return _decide(invocation, tag, photos, "accepted")


@click.command("reject", cls=WordsCommand)
@click.argument("tag")
@_PHOTOS
@shared_options
@click.pass_obj
def reject(invocation: Invocation, tag: str, photos: tuple[Path, ...]) -> int:
    """Say that the photos PATH do not belong to TAG; they are not suggested again."""
    return _decide(invocation, tag, photos, "rejected")


@click.command("rate", cls=WordsCommand)
@click.argument("stars", type=click.Choice(["0", "1", "2", "3", "4", "5", "rejected", "none"]))
@_PHOTOS
@shared_options
@click.pass_obj
def rate(invocation: Invocation, stars: str, photos: tuple[Path, ...]) -> int:
    """Give the photos PATH stars of your own, 0 to 5, or reject them; with "none" what their files say counts again."""
    with opened(invocation) as library:
        rating = None if stars == "none" else -1 if stars == "rejected" else int(stars)
        run = library.tags.rate(absolute_paths(photos), rating)
    tell_run(invocation, run)
    return 0


@click.command("undo")
@shared_options
@click.pass_obj
def undo(invocation: Invocation) -> int:
    """Take the last change of tags back; typed again, the one before it."""
    with opened(invocation) as library:
        run = library.tags.undo()
    tell_run(invocation, run, "Undone: ")
    return 0


@click.command("redo")
@shared_options
@click.pass_obj
def redo(invocation: Invocation) -> int:
    """Do again what was undone last; typed again, what was undone before that."""
    with opened(invocation) as library:
        run = library.tags.redo()
    tell_run(invocation, run, "Done again: ")
    return 0


def _decide(invocation: Invocation, tag: str, photos: Sequence[Path], verdict: Verdict) -> int:
    with opened(invocation) as library:
        run = library.tags.decide(tag, absolute_paths(photos), verdict)
    tell_run(invocation, run)
    return 0
