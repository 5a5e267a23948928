"""`picsight index`: adds folders and makes their photos findable."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from picsight import locations
from picsight.cli.commands.library import unread_sentence
from picsight.cli.interrupts import stop_requests
from picsight.cli.invocation import usual_languages
from picsight.cli.layout import count
from picsight.cli.logs import follow_engine
from picsight.cli.options import A_PATH, WordsCommand
from picsight.cli.progress_line import ProgressLine
from picsight.cli.streams import say
from picsight_engine.errors import RequestError
from picsight_engine.indexing.events import Finished

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight.cli.invocation import Invocation
    from picsight_engine.indexing.events import Summary
    from picsight_engine.library import Library

INTERRUPTED = 130


@click.command("index", cls=WordsCommand)
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=A_PATH)
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="How many photos to read at a time.")
def index(invocation: Invocation, folders: tuple[Path, ...], workers: int | None) -> int:
    """Add folders and make their photos findable.

    Without FOLDER, all folders of the library are indexed again. Ctrl-C stops; the next run continues. Photos are only
    ever read.
    """
    for folder in folders:
        _require_folder(folder)
    follow_engine(verbose=invocation.verbose)
    choice = locations.model_choice(invocation.folder)
    opened = invocation.open_library(choice.answers, wanted=choice.wanted, create=bool(folders))
    with opened as library:
        if library is None or not (folders or library.folders()):
            raise RequestError(f"The library has no folder yet. Type: {invocation.command('index')} FOLDER")
        library.languages = usual_languages()
        finished = _run(library, folders, workers, quiet=invocation.quiet)
        unread = unread_sentence(library.problems())
    _tell(invocation, finished, unread)
    return INTERRUPTED if finished.cancelled else 0


def _require_folder(folder: Path) -> None:
    """Checks a folder. All folders are checked before the first one is added."""
    if not folder.exists():
        raise RequestError(f"There is no folder {folder}; check how it is spelled.")
    if not folder.is_dir():
        raise RequestError(f"{folder} is a file; type its folder.")


def _run(library: Library, folders: Sequence[Path], workers: int | None, *, quiet: bool) -> Finished:
    from picsight_engine.indexing.indexer import IndexSettings

    with stop_requests() as stop, ProgressLine(quiet=quiet) as line:
        for event in library.index(folders or None, settings=IndexSettings(workers=workers), cancel=stop):
            if isinstance(event, Finished):
                return event
            line.show(event)
    raise AssertionError("an indexing run ends with Finished")


def _tell(invocation: Invocation, finished: Finished, unread: str) -> None:
    summary = finished.summary
    rate = round(summary.photos_per_second, 2)
    document = asdict(summary) | {"seconds": round(summary.seconds, 3), "photos_per_second": rate}
    invocation.answer(document, _figures(summary))
    if finished.cancelled:
        safe = summary.indexed + summary.unchanged + summary.moved
        say(f"Stopped. {count(safe, 'photo is', 'photos are')} safe; the next run continues.")
    if invocation.quiet:
        return
    for note in map(str, (*finished.notes, *filter(None, [finished.suggested, unread]))):
        say(note)
    lost = [str(place.path) for place in finished.emptied]
    if lost and all(map(str.isprintable, lost)):  # else what is shown could not be typed
        say(f"If they are gone for good, type: {invocation.command('doctor', '--forget', *lost)}")
    if summary.problems and not invocation.json:
        say(f"To see what could not be read, type: {invocation.command('problems')}")


def _figures(summary: Summary) -> str:
    """One line such as "40 photos found: 38 new, 0 known already, 2 problems. 3.1 s, 12.3 photos/s."."""
    parts = [f"{summary.indexed:,} new", f"{summary.unchanged:,} known already"]
    if summary.moved:
        parts.append(f"{summary.moved:,} moved")
    if summary.missing:
        parts.append(f"{summary.missing:,} missing")
    parts.append(count(summary.problems, "problem"))
    rate = f", {summary.photos_per_second:.1f} photos/s" if summary.indexed else ""
    return f"{count(summary.found, 'photo')} found: {', '.join(parts)}. {summary.seconds:.1f} s{rate}."
