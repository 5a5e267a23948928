"""`picsight tags`: tags made of words and examples, which suggest photos and learn from what is accepted and rejected."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from picsight.cli.answers import put_answer
from picsight.cli.commands.tags_arrange import merge, move, remove, rename
from picsight.cli.commands.tags_decide import accept, rate, redo, reject, undo
from picsight.cli.commands.tags_import import import_tags
from picsight.cli.documents import tag_details_document, tags_document
from picsight.cli.invocation import A_PATH, Invocation, shared_options
from picsight.cli.streams import put, put_json
from picsight.cli.tagging import absolute_paths, opened, tag_line, tell_tag
from picsight.cli.words import WordsCommand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from picsight_engine.library import Library

_PROMPT = click.option(
    "--prompt", "prompts", multiple=True, metavar="TEXT", help="What its photos show; several may be given."
)
_EXAMPLE = click.option(
    "--example", "examples", multiple=True, type=A_PATH, metavar="PATH", help="A photo that looks like it."
)
_NOT = click.option(
    "--not", "against", multiple=True, type=A_PATH, metavar="PATH", help="A photo that does not."
)
_THRESHOLD = click.option(
    "--threshold", type=float, metavar="P", help="How likely a photo must be to be suggested, 0 to 1 (0.5)."
)


def _goes_by(command: Callable[..., int]) -> Callable[..., int]:
    """The options that say what a tag is made of."""
    return _PROMPT(_EXAMPLE(_NOT(_THRESHOLD(command))))


def _demand_one_side(examples: Iterable[Path], against: Iterable[Path]) -> None:
    for photo in set(examples) & set(against):
        raise click.UsageError(f"{photo} is given as --example and as --not; leave one of them out.")


@click.group("tags", no_args_is_help=False)
@shared_options
def tags() -> None:
    """Make tags of words and example photos, and teach them.

    A tag looks through all photos and suggests those that it fits; what you accept and reject makes it better. A tag below
    another is named by both: Birds/Waders.
    """


@tags.command("new", cls=WordsCommand)
@click.argument("name")
@_goes_by
@click.option("--parent", metavar="TAG", help="The tag that it stands below.")
@click.option("--album", is_flag=True, help="Make an album, which is always filled by hand.")
@shared_options
@click.pass_obj
def new(
    invocation: Invocation,
    name: str,
    *,
    prompts: tuple[str, ...],
    examples: tuple[Path, ...],
    against: tuple[Path, ...],
    threshold: float | None,
    parent: str | None,
    album: bool,
) -> int:
    """Make the tag NAME; with words or examples it suggests photos at once.

    Without any it is filled by hand, until it has learnt from what you accept.
    """
    _demand_one_side(examples, against)
    with opened(invocation) as library:
        tag = library.tags.new(
            name,
            prompts=prompts,
            examples=absolute_paths(examples),
            against=absolute_paths(against),
            threshold=threshold,
            parent=parent,
            kind="album" if album else "tag",
        )
    tell_tag(invocation, tag)
    if tag.suggested and not invocation.json:
        invocation.hint(f"To see what it suggests, type: picsight tags suggest {shlex.quote(tag.path)}")
    return 0


@tags.command("change", cls=WordsCommand)
@click.argument("tag")
@_goes_by
@click.option("--suggest/--no-suggest", "suggests", default=None, help="Whether it looks at new photos.")
@shared_options
@click.pass_obj
def change(
    invocation: Invocation,
    tag: str,
    *,
    prompts: tuple[str, ...],
    examples: tuple[Path, ...],
    against: tuple[Path, ...],
    threshold: float | None,
    suggests: bool | None,
) -> int:
    """Change what TAG goes by.

    What is given replaces all that there was of its kind; --prompt "" takes the words away. The rest stays as it is.
    """
    if not (prompts or examples or against) and threshold is None and suggests is None:
        raise click.UsageError("Type what is to be changed, such as --prompt TEXT or --threshold P.")
    _demand_one_side(examples, against)
    with opened(invocation) as library:
        changed = library.tags.change(
            tag,
            prompts=prompts or None,
            examples=absolute_paths(examples) if examples else None,
            against=absolute_paths(against) if against else None,
            threshold=threshold,
            suggests=suggests,
        )
    tell_tag(invocation, changed)
    return 0


@tags.command("list")
@shared_options
@click.pass_obj
def list_tags(invocation: Invocation) -> int:
    """List the tags with how many photos are accepted, rejected and suggested."""
    with invocation.open_library(invocation.answering_model()) as library:
        known = [] if library is None else library.tags.all()
    found = [tag for tag in known if tag.kind != "favourite" or tag.accepted]
    if invocation.json:
        put_json(tags_document(found))
        return 0
    for tag in found:
        put(tag_line(tag))
    if library is None:
        invocation.hint_empty()
    elif not found:
        invocation.hint("To make one, type: picsight tags new NAME --prompt TEXT")
    return 0


@tags.command("show", cls=WordsCommand)
@click.argument("tag")
@shared_options
@click.pass_obj
def show(invocation: Invocation, tag: str) -> int:
    """Tell what the tag TAG goes by, and how many photos it has."""
    with opened(invocation) as library:
        found = library.tags.find(tag)
        examples, against = _paths(library, found.examples), _paths(library, found.against)
    document = tag_details_document(found, examples, against)
    if invocation.json:
        put_json(document)
        return 0
    for key, value in document.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                put(f"{key.removesuffix('s') if isinstance(value, list) else key}: {one}")
    return 0


@tags.command("suggest", cls=WordsCommand)
@click.argument("tag")
@click.option(
    "-n", "limit", type=click.IntRange(min=1), default=20, metavar="N", help="At most N photos (20)."
)
@shared_options
@click.pass_obj
def suggest(invocation: Invocation, tag: str, limit: int) -> int:
    """Let TAG look through all photos, and list those that it suggests, the likeliest first.

    The score is how likely a photo belongs to it, by its words, its examples, and what you have decided until now.
    """
    with opened(invocation) as library:
        put_answer(invocation, library.suggested(tag, limit=limit))
    return 0


for command in (accept, reject, rate, rename, move, merge, remove, undo, redo, import_tags):
    tags.add_command(command)


def _paths(library: Library, photo_ids: Iterable[int]) -> list[Path]:
    """Where photos lie that can be seen now."""
    return [photo.path for photo in map(library.photo, photo_ids) if photo is not None]
