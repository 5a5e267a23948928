"""`picsight export`: writes tags, decisions and stars to files, for other programs and as a backup."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from picsight.cli.layout import photos
from picsight.cli.options import A_PATH, CommandGroup
from picsight.cli.progress_line import ProgressLine
from picsight.texts import counted, tr, worded
from picsight_engine.foundation.errors import ReplaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsight.cli.invocation import Invocation

FAILED = 1
_SHOWN_EVERY = 100  # photos


@click.group("export", cls=CommandGroup)
def export() -> None:
    """Give tags, decisions and stars to other programs.

    Photo files are never written.
    """


_REPLACE = click.option(
    "--replace", is_flag=True, help="Replace FILE even if it holds something that this export lacks."
)


@export.command("decisions")
@click.argument("file", type=A_PATH)
@_REPLACE
def decisions(invocation: Invocation, file: Path, *, replace: bool) -> None:
    """Write all your tags, decisions and ratings into FILE.

    To restore them, in any library: picsight tags import FILE. An earlier export is replaced if it holds nothing that
    this one lacks.
    """
    with invocation.require_library() as library, _replacement_offered():
        exported = library.exchange.export_decisions(file, replace=replace)
    numbers = (
        counted(exported.tags, "%n tag", "%n tags"),
        counted(exported.decisions, "%n decision", "%n decisions"),
        counted(exported.ratings, "%n rating", "%n ratings"),
    )
    invocation.answer({"file": file, **asdict(exported)}, f"{file}: {', '.join(numbers)}")


@export.command("sidecars")
@click.argument("folder", required=False, type=A_PATH)
@click.option(
    "--csv", "table", type=A_PATH, metavar="FILE", help="Write a table for ExifTool instead of side-cars."
)
@_REPLACE
@click.option(
    "--companions/--no-companions",
    default=True,
    help="Also for RAW files and originals behind a photo (the default).",
)
@click.option("--people", is_flag=True, help="Also write the names of the people in the photos.")
def sidecars(
    invocation: Invocation,
    folder: Path | None,
    table: Path | None,
    *,
    replace: bool,
    companions: bool,
    people: bool,
) -> int:
    """Write accepted tags and your stars into XMP side-cars beside the photos.

    Without FOLDER, for all photos of the library. Entries of other programs are kept; entries of an earlier export that
    no longer apply are removed.
    """
    if replace and table is None:
        raise click.UsageError(tr("--replace goes with --csv only."))
    with invocation.require_library() as library, _replacement_offered():
        if table is not None:
            number = library.exchange.export_table(
                table, folder, companions=companions, persons=people, replace=replace
            )
            invocation.answer({"file": table, "photos": number}, f"{table}: {photos(number)}")
            return 0
        with ProgressLine(quiet=invocation.quiet) as line:
            for exported in library.exchange.export_sidecars(folder, companions=companions, persons=people):
                done = exported.written + exported.unchanged
                if done % _SHOWN_EVERY == 0:
                    line.tell(counted(done, "%n photo looked at", "%n photos looked at"))
    if not invocation.json:
        invocation.warn(*map(worded, exported.left_alone))
    written = counted(exported.written, "%n side-car written", "%n side-cars written")
    others = counted(exported.unchanged, "%n needed no change.", "%n needed no change.")
    invocation.answer(exported, f"{written}, {others}")
    return FAILED if exported.left_alone and not exported.written else 0


@contextmanager
def _replacement_offered() -> Iterator[None]:
    try:
        yield
    except ReplaceError as fault:
        raise ReplaceError("{fault} Choose another name, or add --replace.", fault=fault) from fault
