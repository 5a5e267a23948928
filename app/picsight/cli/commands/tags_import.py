"""`picsight tags import`: takes tags, decisions and stars from a file, or from side-cars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight.cli.documents import imported_document
from picsight.cli.invocation import A_FOLDER, Invocation, absolute, shared_options
from picsight.cli.layout import count
from picsight.cli.streams import put, put_json
from picsight.cli.tagging import opened, tell_some
from picsight.cli.words import WordsCommand

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.exchange.intake import Imported


@click.command("import", cls=WordsCommand)
@click.argument("place", metavar="FILE|FOLDER", type=A_FOLDER)
@shared_options
@click.pass_obj
def import_tags(invocation: Invocation, place: Path) -> int:
    """Take tags, decisions and stars from a file of decisions, or from side-cars.

    FILE is what `picsight export decisions` wrote, a side-car, or a photo that has one; FOLDER is looked through with all
    that lies in it. A photo whose side-car names nothing gives the keywords in its own file. All of it is one change:
    `picsight tags undo` takes it back. What you have decided later than the file stays.
    """
    with opened(invocation) as library:
        imported = library.exchange.import_from(absolute(place))
    if invocation.json:
        put_json(imported_document(imported))
        return 0
    tell_some(invocation, imported.faults)
    if imported.unknown:
        unknown = count(imported.unknown, "photo is", "photos are")
        invocation.hint(f"{unknown} not in the library: index the folder first, then import again.")
    if not (imported.photos or imported.unknown or imported.faults or imported.tags):
        invocation.hint(f"There is neither a side-car nor a photo with keywords in {place}.")
    elif not invocation.quiet:
        put(_line(imported))
    return 0


def _line(imported: Imported) -> str:
    """Such as "20 photos: 3 new tags, 18 accepted, 2 rejected, 5 rated."."""
    parts = [count(imported.tags, "new tag")] if imported.tags else []
    numbers = [
        (imported.accepted, "accepted"),
        (imported.rejected, "rejected"),
        (imported.withdrawn, "withdrawn"),
        (imported.rated, "rated"),
    ]
    parts += [f"{number:,} {what}" for number, what in numbers if number]
    return f"{count(imported.photos, 'photo')}: {', '.join(parts) or 'nothing had to be changed'}."
