"""`picsight tags`: tags made of words and examples, which suggest photos and learn from accepted and rejected ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight.cli.commands.search import put_answer, translation_sentences
from picsight.cli.commands.tags_decide import accept, decided, import_tags, rate, redo, reject, tell_run, undo
from picsight.cli.layout import photos
from picsight.cli.options import A_PATH, LIMIT, CommandGroup
from picsight.cli.streams import put, put_json
from picsight.texts import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from picsight.cli.invocation import Invocation
    from picsight_engine.library import Library
    from picsight_engine.tags.tree import Tag

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

# The lines of `picsight tags show`, by the keys of its document.
_LABELS = {
    "name": "name", "parent": "parent", "threshold": "threshold", "accepted": "accepted", "rejected": "rejected",
    "suggested": "suggested", "kind": "kind", "suggests": "suggests", "prompts": "prompt", "readings": "reading",
    "examples": "example", "against": "against",
}  # fmt: skip


def _definition_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that define a tag."""
    return _PROMPT(_EXAMPLE(_NOT(_THRESHOLD(command))))


def _require_separate(examples: Iterable[Path], against: Iterable[Path]) -> None:
    for photo in set(examples) & set(against):
        words = "{photo} is given as --example and as --not; leave one of them out."
        raise click.UsageError(tr(words, photo=photo))


@click.group("tags", cls=CommandGroup)
def tags() -> None:
    """Make tags of words and example photos, and teach them.

    A tag searches all photos and suggests matching ones; it learns from what you accept and reject. A tag below another
    is named by both: Birds/Waders.
    """


@tags.command("new")
@click.argument("name")
@_definition_options
@click.option("--parent", metavar="TAG", help="The tag above it.")
@click.option("--album", is_flag=True, help="Make an album, which is always filled by hand.")
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
) -> None:
    """Make the tag NAME; with words or examples it suggests photos at once.

    Without either, you fill it by hand until it has learnt from what you accept.
    """
    _require_separate(examples, against)
    with invocation.require_library() as library:
        tag = library.tags.new(
            name,
            prompts=prompts,
            examples=examples,
            against=against,
            threshold=threshold,
            parent=parent,
            kind="album" if album else "tag",
        )
        _tell(invocation, library, tag)
    if tag.suggested and not invocation.json:
        suggest = invocation.command("tags", "suggest", tag.path)
        invocation.hint(tr("To see what it suggests, type: {command}", command=suggest))


@tags.command("change")
@click.argument("tag")
@_definition_options
@click.option("--suggest/--no-suggest", "suggests", default=None, help="Whether it looks at new photos.")
def change(
    invocation: Invocation,
    tag: str,
    *,
    prompts: tuple[str, ...],
    examples: tuple[Path, ...],
    against: tuple[Path, ...],
    threshold: float | None,
    suggests: bool | None,
) -> None:
    """Change the words, examples or threshold of TAG.

    Each given option replaces all earlier values of that option; --prompt "" removes the words. The rest is unchanged.
    """
    if not (prompts or examples or against) and threshold is None and suggests is None:
        raise click.UsageError(tr("Type what to change, such as --prompt TEXT or --threshold P."))
    _require_separate(examples, against)
    with invocation.require_library() as library:
        changed = library.tags.change(
            tag,
            prompts=prompts or None,
            examples=examples or None,
            against=against or None,
            threshold=threshold,
            suggests=suggests,
        )
        _tell(invocation, library, changed)


@tags.command("rename")
@click.argument("tag")
@click.argument("name")
def rename(invocation: Invocation, tag: str, name: str) -> None:
    """Rename TAG to NAME; it stays below the same tag."""
    with invocation.require_library() as library:
        _tell(invocation, library, library.tags.rename(tag, name))


@tags.command("move")
@click.argument("tag")
@click.argument("parent", required=False)
def move(invocation: Invocation, tag: str, parent: str | None) -> None:
    """Move TAG, and the tags below it, below the tag PARENT; without PARENT, to the top level."""
    with invocation.require_library() as library:
        _tell(invocation, library, library.tags.move(tag, parent))


@tags.command("merge")
@click.argument("tag")
@click.argument("into")
def merge(invocation: Invocation, tag: str, into: str) -> None:
    """Merge TAG into the tag INTO: its words, photos and decisions, and the tags below it."""
    with invocation.require_library() as library:
        _tell(invocation, library, library.tags.merge(tag, into))


@tags.command("remove")
@click.argument("tag")
def remove(invocation: Invocation, tag: str) -> None:
    """Remove TAG; no photo is touched, and "undo" restores it with all your decisions."""
    with invocation.require_library() as library:
        tell_run(invocation, library.tags.remove(tag))


@tags.command("list")
def list_tags(invocation: Invocation) -> None:
    """List the tags with their numbers of accepted, rejected and suggested photos."""
    with invocation.open_library() as library:
        known = [] if library is None else library.tags.all()
    found = [tag for tag in known if tag.kind != "favourite" or tag.accepted]
    if invocation.json:
        put_json({"tags": [_document(tag) for tag in found]})
        return
    for tag in found:
        put(_line(tag))
    if library is None:
        invocation.hint_empty()
    elif not found:
        words = "To make one, type: {command} NAME --prompt TEXT"
        invocation.hint(tr(words, command=invocation.command("tags", "new")))


@tags.command("show")
@click.argument("tag")
def show(invocation: Invocation, tag: str) -> None:
    """Print the words, examples and threshold of TAG, and how many photos it has."""
    with invocation.require_library() as library:
        found = library.tags.find(tag)
        examples, against = _paths(library, found.examples), _paths(library, found.against)
        translation = library.translation_of(found.prompts)
    document = {
        **_document(found),
        "kind": found.kind,
        "suggests": found.suggests,
        "prompts": list(found.prompts),
        "readings": list(translation.readings) if translation else [],
        "examples": examples,
        "against": against,
    }
    if invocation.json:
        put_json(document)
        return
    for key, value in document.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                put(f"{tr(_LABELS[key])}: {one}")


@tags.command("suggest")
@click.argument("tag")
@LIMIT
def suggest(invocation: Invocation, tag: str, limit: int) -> None:
    """Search all photos for TAG and list those that it suggests, the likeliest first.

    The score is the probability that a photo belongs to TAG, by its words, its examples and your decisions so far.
    """
    with invocation.require_library() as library:
        put_answer(invocation, library.suggested(tag, limit=limit))
        invocation.hint(*translation_sentences(library.translation_of(library.tags.find(tag).prompts)))


for command in (accept, reject, rate, undo, redo, import_tags):
    tags.add_command(command)


def _tell(invocation: Invocation, library: Library, tag: Tag) -> None:
    """Prints the state of a tag, and what is searched for its words in another language."""
    invocation.answer(_document(tag), _line(tag))
    invocation.hint(*translation_sentences(library.translation_of(tag.prompts)))


def _document(tag: Tag) -> dict[str, object]:
    """A tag with its numbers of photos; its threshold is null if it never suggests photos."""
    keys = ("name", "parent", "threshold", "accepted", "rejected", "suggested")
    return {key: getattr(tag, key) for key in keys}


def _line(tag: Tag) -> str:
    """Such as "Birds/Waders: 12 accepted, 3 rejected, 40 suggested"."""
    return f"{tag.path}: {', '.join(decided(tag)) or photos(0)}"


def _paths(library: Library, photo_ids: Iterable[int]) -> list[Path]:
    """The paths of those photos whose folders are available."""
    return [photo.path for photo in map(library.photos.with_id, photo_ids) if photo is not None]
