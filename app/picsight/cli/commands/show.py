"""`picsight show`: tells what the library knows of a photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from picsight import locations
from picsight.cli.documents import photo_document, unknown_document
from picsight.cli.invocation import A_PATH, Invocation, absolute, shared_options
from picsight.cli.layout import printable
from picsight.cli.streams import lines_of_stdin, put, put_json, say
from picsight.cli.words import WordsCommand
from picsight_engine.errors import RequestError, StorageError

if TYPE_CHECKING:
    from picsight_engine.library import Library, PhotoDetails
    from picsight_engine.store.problems import Problem

NOT_A_PHOTO = 1


@click.command("show", cls=WordsCommand)
@click.argument("photo", metavar="[PATH]", required=False, type=A_PATH)
@click.option("--thumbnail", type=A_PATH, metavar="FILE", help="Write the thumbnail to FILE.")
@click.option("--stdin", is_flag=True, help="Read one path a line from stdin.")
@shared_options
@click.pass_obj
def show(invocation: Invocation, photo: Path | None, thumbnail: Path | None, *, stdin: bool) -> int:
    """Tell what the library knows of the photo PATH.

    Where PATH is no photo of the library the exit code is 1; with --stdin after the last line.
    """
    if stdin == (photo is not None):
        raise click.UsageError("Type the path of one photo, or --stdin.")
    if stdin and thumbnail is not None:
        raise click.UsageError("--thumbnail needs one photo, so it does not go with --stdin.")
    all_known = True
    with invocation.open_library(locations.starter_bundle()) as library:
        for path in (Path(line) for line in lines_of_stdin()) if photo is None else (photo,):
            details = _put_photo(invocation, library, absolute(path))
            all_known = all_known and details is not None
            if thumbnail is not None and library is not None and details is not None:
                _write_thumbnail(library, details, thumbnail)
    return 0 if all_known else NOT_A_PHOTO


def _put_photo(invocation: Invocation, library: Library | None, path: Path) -> PhotoDetails | None:
    details = None if library is None else library.show(path)
    if details is not None:
        if invocation.json:
            put_json(photo_document(details))
        else:
            _put_facts(details)
        return details
    problem = None if library is None else library.problem_of(path)
    if invocation.json:
        put_json(unknown_document(path, problem))
    else:
        say(_why_unknown(path, problem))
    return None


def _why_unknown(path: Path, problem: Problem | None) -> str:
    if problem is None:
        return printable(f"{path} is not in the library.")
    return printable(problem.message)


def _put_facts(details: PhotoDetails) -> None:
    """Prints what is known, a fact a line, and leaves out what is not."""
    for key, value in photo_document(details).items():
        if value is None or value == []:
            continue
        for one in value if isinstance(value, list) else [value]:
            put(f"{key.removesuffix('s') if key == 'paths' else key}: {printable(str(one))}")


def _write_thumbnail(library: Library, details: PhotoDetails, file: Path) -> None:
    """Writes the stored thumbnail; an existing file among the library's photos is never written over."""
    folders = [folder.path.resolve() for folder in library.folders()]
    if file.exists() and any(file.resolve().is_relative_to(folder) for folder in folders):
        raise RequestError(f"{file} lies among your photos and is not written over; choose another file.")
    jpeg = library.thumbnail(details.id)
    if jpeg is None:
        raise StorageError("The photo's thumbnail is not stored. Type: picsight doctor")
    try:
        file.write_bytes(jpeg)
    except OSError as fault:
        raise StorageError(f"The thumbnail cannot be written to {file}: {fault.strerror}.") from fault
