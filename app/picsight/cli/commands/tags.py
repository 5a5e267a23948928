"""`picsight tags`: tags made of words and examples, which suggest photos and learn from what is accepted and rejected."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from picsight.cli.answers import put_answer
from picsight.cli.documents import run_document, tag_details_document, tag_document, tags_document
from picsight.cli.invocation import A_PATH, Invocation, absolute, shared_options
from picsight.cli.layout import count
from picsight.cli.streams import put, put_json
from picsight.cli.words import WordsCommand
from picsight_engine.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from picsight_engine.library import Library
    from picsight_engine.store.decisions import Verdict
    from picsight_engine.store.runs import Run
    from picsight_engine.tags.tree import Tag


@click.group("tags", no_args_is_help=False)
@shared_options
def tags() -> None:
    """Make tags of words and example photos, and teach them.

    A tag looks through all photos and suggests those that it fits; what you accept and reject makes it better. A tag below
    another is named by both: Birds/Waders.
    """


@tags.command("new", cls=WordsCommand)
@click.argument("name")
@click.option(
    "--prompt", "prompts", multiple=True, metavar="TEXT", help="What its photos show; several may be given."
)
@click.option(
    "--example", "examples", multiple=True, type=A_PATH, metavar="PATH", help="A photo that looks like it."
)
@click.option("--not", "against", multiple=True, type=A_PATH, metavar="PATH", help="A photo that does not.")
@click.option(
    "--threshold", type=float, metavar="P", help="How likely a photo must be to be suggested, 0 to 1 (0.5)."
)
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
    with _opened(invocation) as library:
        tag = library.tags.new(
            name,
            prompts=prompts,
            examples=_absolute(examples),
            against=_absolute(against),
            threshold=threshold,
            parent=parent,
            kind="album" if album else "tag",
        )
    if invocation.json:
        put_json(tag_document(tag))
    elif not invocation.quiet:
        put(_line(tag))
        if tag.suggested:
            invocation.hint(f"To see what it suggests, type: picsight tags suggest {shlex.quote(tag.path)}")
    return 0


@tags.command("list")
@shared_options
@click.pass_obj
def list_tags(invocation: Invocation) -> int:
    """List the tags with how many photos are accepted, rejected and suggested."""
    with invocation.open_library(invocation.answering_model()) as library:
        found = [] if library is None else library.tags.all()
    if invocation.json:
        put_json(tags_document(found))
        return 0
    for tag in found:
        put(_line(tag))
    if len(found) <= 1:  # the favourites alone
        invocation.hint("To make one, type: picsight tags new NAME --prompt TEXT")
    return 0


@tags.command("show", cls=WordsCommand)
@click.argument("tag")
@shared_options
@click.pass_obj
def show(invocation: Invocation, tag: str) -> int:
    """Tell what the tag TAG goes by, and how many photos it has."""
    with _opened(invocation) as library:
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
    with _opened(invocation) as library:
        put_answer(invocation, library.suggested(tag, limit=limit))
    return 0


@tags.command("accept", cls=WordsCommand)
@click.argument("tag")
@click.argument("photos", nargs=-1, required=True, metavar="PATH...", type=A_PATH)
@shared_options
@click.pass_obj
def accept(invocation: Invocation, tag: str, photos: tuple[Path, ...]) -> int:
    """Say that the photos PATH belong to TAG."""
    return _decide(invocation, tag, photos, "accepted")


@tags.command("reject", cls=WordsCommand)
@click.argument("tag")
@click.argument("photos", nargs=-1, required=True, metavar="PATH...", type=A_PATH)
@shared_options
@click.pass_obj
def reject(invocation: Invocation, tag: str, photos: tuple[Path, ...]) -> int:
    """Say that the photos PATH do not belong to TAG; they are not suggested again."""
    return _decide(invocation, tag, photos, "rejected")


@tags.command("rate", cls=WordsCommand)
@click.argument("stars", type=click.Choice(["0", "1", "2", "3", "4", "5", "none"]))
@click.argument("photos", nargs=-1, required=True, metavar="PATH...", type=A_PATH)
@shared_options
@click.pass_obj
def rate(invocation: Invocation, stars: str, photos: tuple[Path, ...]) -> int:
    """Give the photos PATH stars of your own, 0 to 5; with "none" what their files say counts again."""
    with _opened(invocation) as library:
        run = library.tags.rate(_absolute(photos), None if stars == "none" else int(stars))
    _tell(invocation, run)
    return 0


@tags.command("undo")
@shared_options
@click.pass_obj
def undo(invocation: Invocation) -> int:
    """Take the last change of tags back; typed again, the one before it."""
    with _opened(invocation) as library:
        run = library.tags.undo()
    _tell(invocation, run)
    return 0


@contextmanager
def _opened(invocation: Invocation) -> Iterator[Library]:
    """The library, which tags cannot do without."""
    with invocation.open_library(invocation.answering_model()) as library:
        if library is None:
            raise RequestError(f"There is no library in {invocation.folder} yet. Type: picsight index FOLDER")
        yield library


def _decide(invocation: Invocation, tag: str, photos: Sequence[Path], verdict: Verdict) -> int:
    with _opened(invocation) as library:
        run = library.tags.decide(tag, _absolute(photos), verdict)
    _tell(invocation, run)
    return 0


def _absolute(photos: Iterable[Path]) -> list[Path]:
    return [absolute(photo) for photo in photos]


def _paths(library: Library, photo_ids: Iterable[int]) -> list[Path]:
    """Where photos lie that can be seen now."""
    return [photo.path for photo in map(library.photo, photo_ids) if photo is not None]


def _tell(invocation: Invocation, run: Run | None) -> None:
    if invocation.json:
        put_json(run_document(run))
    elif invocation.quiet:
        return
    elif run is None:
        put("Nothing had to be changed.")
    else:
        put(f"Undone: {run.words}." if run.undone else f"{run.words}.")


def _line(tag: Tag) -> str:
    """Such as "Birds/Waders: 12 accepted, 3 rejected, 40 suggested"."""
    numbers = [("accepted", tag.accepted), ("rejected", tag.rejected), ("suggested", tag.suggested)]
    parts = [f"{number:,} {state}" for state, number in numbers if number]
    return f"{tag.path}: {', '.join(parts) or count(0, 'photo')}"
