"""`picsight tags rename`, `move`, `merge` and `remove`: tags change their names and places, and keep what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight.cli.invocation import shared_options
from picsight.cli.tagging import opened, tell_run, tell_tag
from picsight.cli.words import WordsCommand

if TYPE_CHECKING:
    from picsight.cli.invocation import Invocation


@click.command("rename", cls=WordsCommand)
@click.argument("tag")
@click.argument("name")
@shared_options
@click.pass_obj
def rename(invocation: Invocation, tag: str, name: str) -> int:
    """Call TAG by another NAME; it stays below the same tag."""
    with opened(invocation) as library:
        tell_tag(invocation, library.tags.rename(tag, name))
    return 0


@click.command("move", cls=WordsCommand)
@click.argument("tag")
@click.argument("parent", required=False)
@shared_options
@click.pass_obj
def move(invocation: Invocation, tag: str, parent: str | None) -> int:
    """Put TAG, and the tags below it, below the tag PARENT; without one, to the top."""
    with opened(invocation) as library:
        tell_tag(invocation, library.tags.move(tag, parent))
    return 0


@click.command("merge", cls=WordsCommand)
@click.argument("tag")
@click.argument("into")
@shared_options
@click.pass_obj
def merge(invocation: Invocation, tag: str, into: str) -> int:
    """Make TAG a part of the tag INTO: its words, its photos, what you decided, and the tags below it."""
    with opened(invocation) as library:
        tell_tag(invocation, library.tags.merge(tag, into))
    return 0


@click.command("remove", cls=WordsCommand)
@click.argument("tag")
@shared_options
@click.pass_obj
def remove(invocation: Invocation, tag: str) -> int:
    """Remove TAG; no photo is touched, and "undo" brings it back with all that you decided."""
    with opened(invocation) as library:
        tell_run(invocation, library.tags.remove(tag))
    return 0
