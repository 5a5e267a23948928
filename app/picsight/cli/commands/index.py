"""`picsight index`: adds folders and makes their photos findable."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from picsight import locations
from picsight.cli.commands.library import unread_sentence
from picsight.cli.interrupts import stop_requests
from picsight.cli.invocation import usual_languages
from picsight.cli.logs import follow_engine
from picsight.cli.options import A_PATH, WordsCommand
from picsight.cli.progress_line import ProgressLine
from picsight.cli.streams import say
from picsight.settings import SettingsStore, settings_file
from picsight.texts import counted, tr, worded
from picsight_engine.foundation.errors import RequestError
from picsight_engine.indexing.events import Finished

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from picsight.cli.invocation import Invocation
    from picsight_engine.indexing.events import Summary
    from picsight_engine.indexing.indexer import IndexSettings
    from picsight_engine.indexing.watching import Places
    from picsight_engine.library import Library

INTERRUPTED = 130


@click.command("index", cls=WordsCommand)
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=A_PATH)
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="How many photos to read at a time.")
@click.option("--fast", is_flag=True, help="Leave words and faces in pictures to a later run.")
def index(invocation: Invocation, folders: tuple[Path, ...], workers: int | None, *, fast: bool) -> int:
    """Add folders and make their photos findable.

    Words in pictures are read last, unless `picsight words off` was typed, and faces found if `picsight people on` was.
    Without FOLDER, all folders of the library are indexed again. Ctrl-C stops; the next run continues. Photos are only
    ever read.
    """
    for folder in folders:
        _require_folder(folder)
    from picsight_engine.indexing.indexer import IndexSettings  # 60 ms that --help does not pay

    follow_engine(verbose=invocation.verbose)
    choice = locations.model_choice(invocation.folder)
    opened = invocation.open_library(choice.answers, wanted=choice.wanted, create=bool(folders))
    with opened as library:
        if library is None or not (folders or library.folders.listed()):
            words = "The library has no folder yet. Type: {index} FOLDER"
            raise RequestError(words, index=invocation.command("index"))
        library.languages = usual_languages()
        reads_words = SettingsStore(settings_file()).settings.read_words
        slow = frozenset[str]() if fast else library.slow_kinds(words=reads_words)
        settings = IndexSettings(workers=workers, slow=slow)
        with stop_requests() as stop:
            finished = run_index(library, settings, stop, folders=folders or None, quiet=invocation.quiet)
        report_run(invocation, library, finished)
    return INTERRUPTED if finished.cancelled else 0


def _require_folder(folder: Path) -> None:
    """Checks a folder. All folders are checked before the first one is added."""
    if not folder.exists():
        raise RequestError("There is no folder {folder}; check how it is spelled.", folder=folder)
    if not folder.is_dir():
        raise RequestError("{folder} is a file; type its folder.", folder=folder)


def run_index(
    library: Library,
    settings: IndexSettings,
    stop: threading.Event,
    *,
    folders: Sequence[Path] | None = None,
    places: Places | None = None,
    waits: bool = False,
    quiet: bool,
) -> Finished:
    """Indexes folders, places in them or the whole library, and shows the progress."""
    from picsight_engine.installation.model_choice import keep_text_tower  # numpy, as above

    events = library.index(folders, places=places, settings=settings, cancel=stop, waits=waits)
    with ProgressLine(quiet=quiet) as line:
        for event in events:
            if isinstance(event, Finished):
                keep_text_tower(locations.known_libraries(library.folder), locations.installed_models())
                return event
            line.show(event)
    raise AssertionError("an indexing run ends with Finished")


def report_run(invocation: Invocation, library: Library, finished: Finished) -> None:
    """Prints what a run did, and what the user may do about it."""
    summary, unread = finished.summary, unread_sentence(library.problems.listed())
    rate = round(summary.photos_per_second, 2)
    document = asdict(summary) | {"seconds": round(summary.seconds, 3), "photos_per_second": rate}
    invocation.answer(document, _figures(summary))
    if finished.cancelled:
        safe = summary.indexed + summary.unchanged + summary.moved
        one = "Stopped. %n photo is safe; the next run continues."
        say(counted(safe, one, "Stopped. %n photos are safe; the next run continues."))
    if invocation.quiet:
        return
    for note in filter(None, map(worded, (*finished.notes, finished.suggested or "", unread))):
        say(note)
    lost = [str(place.path) for place in finished.emptied]
    if lost and all(map(str.isprintable, lost)):  # else what is shown could not be typed
        forget = invocation.command("doctor", "--forget", *lost)
        say(tr("If they are gone for good, type: {command}", command=forget))
    if summary.problems and not invocation.json:
        say(tr("To see what could not be read, type: {command}", command=invocation.command("problems")))


def _figures(summary: Summary) -> str:
    """One line such as "40 photos found: 38 new, 0 known already, 2 problems. 3.1 s, 12.3 photos/s."."""
    parts = [tr("{number:,} new", number=summary.indexed)]
    parts.append(tr("{number:,} known already", number=summary.unchanged))
    if summary.moved:
        parts.append(tr("{number:,} moved", number=summary.moved))
    if summary.missing:
        parts.append(tr("{number:,} missing", number=summary.missing))
    parts.append(counted(summary.problems, "%n problem", "%n problems"))
    rate = f", {tr('{rate:.1f} photos/s', rate=summary.photos_per_second)}" if summary.indexed else ""
    found = counted(summary.found, "%n photo found", "%n photos found")
    return f"{found}: {', '.join(parts)}. {summary.seconds:.1f} s{rate}."
