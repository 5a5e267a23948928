"""`picsight export`: tags, decisions and stars leave the library, for other programs and for a safe place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from picsight.cli.documents import decisions_document, sidecars_document, table_document
from picsight.cli.invocation import A_FOLDER, A_PATH, Invocation, absolute, shared_options
from picsight.cli.layout import count
from picsight.cli.streams import put, put_json
from picsight.cli.tagging import opened, tell_some
from picsight.cli.transfer import TransferLine
from picsight.cli.words import WordsCommand
from picsight_engine.errors import ReplaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAILED = 1
_SHOWN_EVERY = 100  # photos


@click.group("export", no_args_is_help=False)
@shared_options
def export() -> None:
    """Give tags, decisions and stars to other programs.

    Photo files are never written.
    """


_REPLACE = click.option(
    "--replace", is_flag=True, help="Replace FILE whatever it is, an earlier export with more in it, too."
)


@export.command("decisions", cls=WordsCommand)
@click.argument("file", type=A_PATH)
@_REPLACE
@shared_options
@click.pass_obj
def decisions(invocation: Invocation, file: Path, *, replace: bool) -> int:
    """Write all tags, decisions and ratings of your own into FILE.

    To have them back, also in another library: picsight tags import FILE. An earlier such FILE is replaced if it holds
    nothing that this one lacks.
    """
    file = absolute(file)
    with opened(invocation) as library, _replacement_offered():
        exported = library.exchange.export_decisions(file, replace=replace)
    if invocation.json:
        put_json(decisions_document(file, exported))
    elif not invocation.quiet:
        numbers = [count(exported.tags, "tag"), count(exported.decisions, "decision")]
        put(f"{file}: {', '.join([*numbers, count(exported.ratings, 'rating')])}")
    return 0


@export.command("sidecars", cls=WordsCommand)
@click.argument("folder", required=False, type=A_FOLDER)
@click.option(
    "--csv", "table", type=A_PATH, metavar="FILE", help="Write a table for ExifTool instead of side-cars."
)
@_REPLACE
@shared_options
@click.pass_obj
def sidecars(invocation: Invocation, folder: Path | None, table: Path | None, *, replace: bool) -> int:
    """Write accepted tags and your own stars beside the photos, into XMP side-cars.

    Without FOLDER, beside all photos of the library. What other programs wrote into a side-car stays in it, and what was
    exported before and holds no more is taken out.
    """
    if replace and table is None:
        raise click.UsageError("--replace goes with --csv only.")
    folder = None if folder is None else absolute(folder)
    with opened(invocation) as library, _replacement_offered():
        if table is not None:
            table = absolute(table)
            photos = library.exchange.export_table(table, folder, replace=replace)
            if invocation.json:
                put_json(table_document(table, photos))
            elif not invocation.quiet:
                put(f"{table}: {count(photos, 'photo')}")
            return 0
        with TransferLine(quiet=invocation.quiet) as line:
            for exported in library.exchange.export_sidecars(folder):
                done = exported.written + exported.unchanged
                if done % _SHOWN_EVERY == 0:
                    line.tell(f"{count(done, 'photo')} looked at")
    if invocation.json:
        put_json(sidecars_document(exported))
    else:
        tell_some(invocation, exported.left_alone)
        if not invocation.quiet:
            put(f"{count(exported.written, 'side-car')} written, {exported.unchanged:,} needed no change.")
    return FAILED if exported.left_alone and not (exported.written or exported.unchanged) else 0


@contextmanager
def _replacement_offered() -> Iterator[None]:
    try:
        yield
    except ReplaceError as fault:
        raise ReplaceError(f"{fault} Choose another name, or add --replace.") from fault
