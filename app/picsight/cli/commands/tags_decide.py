"""Decisions about photos: `picsight tags accept`, `reject`, `rate`, `import`, `undo` and `redo`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from picsight.cli.layout import photos as photos_in_words
from picsight.cli.options import A_PATH, WordsCommand
from picsight.cli.streams import put_json
from picsight.texts import counted, marked, tr, worded

if TYPE_CHECKING:
    from pathlib import Path

    from picsight.cli.invocation import Invocation
    from picsight_engine.exchange.importer import Imported
    from picsight_engine.store.tagging.decisions import Verdict
    from picsight_engine.store.tagging.runs import TagChange
    from picsight_engine.tags.tree import Tag

_STATES = {
    "accepted": "{number:,} accepted", "rejected": "{number:,} rejected", "withdrawn": "{number:,} withdrawn",
    "rated": "{number:,} rated", "suggested": "{number:,} suggested",
}  # fmt: skip
_PHOTOS = click.argument("photos", nargs=-1, required=True, metavar="PATH...", type=A_PATH)


@click.command("accept", cls=WordsCommand)
@click.argument("tag")
@_PHOTOS
def accept(invocation: Invocation, tag: str, photos: tuple[Path, ...]) -> None:
    """Say that the photos PATH belong to TAG."""
    _decide(invocation, tag, photos, "accepted")


@click.command("reject", cls=WordsCommand)
@click.argument("tag")
@_PHOTOS
def reject(invocation: Invocation, tag: str, photos: tuple[Path, ...]) -> None:
    """Say that the photos PATH do not belong to TAG; they are not suggested again."""
    _decide(invocation, tag, photos, "rejected")


def _decide(invocation: Invocation, tag: str, photos: tuple[Path, ...], verdict: Verdict) -> None:
    with invocation.require_library() as library:
        tell_run(invocation, library.tags.decide(tag, photos, verdict))


@click.command("rate", cls=WordsCommand)
@click.argument(
    "stars", metavar="STARS", type=click.Choice(["0", "1", "2", "3", "4", "5", "rejected", "none"])
)
@_PHOTOS
def rate(invocation: Invocation, stars: str, photos: tuple[Path, ...]) -> None:
    """Give the photos PATH your stars, 0 to 5; "rejected" rejects them, and "none" restores the rating in their files."""
    rating = None if stars == "none" else -1 if stars == "rejected" else int(stars)
    with invocation.require_library() as library:
        tell_run(invocation, library.tags.rate(photos, rating))


@click.command("undo", cls=WordsCommand)
def undo(invocation: Invocation) -> None:
    """Undo the last change of tags; typed again, the one before it."""
    with invocation.require_library() as library:
        tell_run(invocation, library.tags.undo(), marked("Undone: {change}."))


@click.command("redo", cls=WordsCommand)
def redo(invocation: Invocation) -> None:
    """Redo the last undone change; typed again, the one undone before it."""
    with invocation.require_library() as library:
        tell_run(invocation, library.tags.redo(), marked("Done again: {change}."))


def tell_run(invocation: Invocation, run: TagChange | None, words: str = marked("Done: {change}.")) -> None:
    """Prints what was changed, in these words."""
    line = tr("Nothing had to be changed.") if run is None else tr(words, change=worded(run.words))
    invocation.answer({"run": _document(run)}, line)


def _document(run: TagChange | None) -> dict[str, object] | None:
    """The change, or the undone change; null if nothing had to be changed."""
    if run is None:
        return None
    made_at = datetime.fromtimestamp(run.made_at).astimezone().isoformat(timespec="seconds")
    return asdict(run) | {"words": run.words, "made_at": made_at}


@click.command("import", cls=WordsCommand)
@click.argument("place", metavar="FILE|FOLDER", type=A_PATH)
def import_tags(invocation: Invocation, place: Path) -> None:
    """Take tags, decisions and stars from a file of decisions, or from side-cars.

    FILE is an export of `picsight export decisions`, a side-car, or a photo that has one; FOLDER is searched with its
    subfolders. Photos without tags in a side-car give their embedded keywords. The import is one change, which
    `picsight tags undo` reverts. Decisions that are newer than the file are kept.
    """
    with invocation.require_library() as library:
        imported = library.exchange.import_from(place)
    if invocation.json:
        document = asdict(imported) | {"run": _document(imported.run)}
        del document["faults"]
        document["left_out"] = imported.faults
        put_json(document)
        return
    invocation.warn(*map(worded, imported.faults))
    if imported.unknown:
        one = "%n photo is not in the library: index the folder first, then import again."
        many = "%n photos are not in the library: index the folder first, then import again."
        invocation.hint(counted(imported.unknown, one, many))
    if imported.photos or imported.unknown or imported.faults or imported.tags or imported.searches:
        invocation.answer(imported, _line(imported))
    else:
        invocation.hint(tr("There is neither a side-car nor a photo with keywords in {place}.", place=place))


def _line(imported: Imported) -> str:
    """Such as "20 photos: 3 new tags, 18 accepted, 2 rejected, 5 rated."."""
    parts = [counted(imported.tags, "%n new tag", "%n new tags")] if imported.tags else []
    searches = counted(imported.searches, "%n saved search", "%n saved searches")
    parts += [*decided(imported), *[searches] * bool(imported.searches)]
    return f"{photos_in_words(imported.photos)}: {', '.join(parts) or tr('nothing had to be changed')}."


def decided(numbers: Imported | Tag) -> list[str]:
    """How many photos were decided in which way, such as "12 accepted"; nothing about zero."""
    return [tr(_STATES[each], number=number) for each in _STATES if (number := getattr(numbers, each, 0))]
