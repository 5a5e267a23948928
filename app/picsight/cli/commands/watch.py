"""`picsight watch`: keeps a library up to date until it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight import locations
from picsight.cli.commands.index import report_run, run_index
from picsight.cli.interrupts import stop_requests
from picsight.cli.invocation import usual_languages
from picsight.cli.logs import follow_engine
from picsight.cli.options import WordsCommand
from picsight.settings import SettingsStore, settings_file
from picsight_engine.foundation.errors import RequestError

if TYPE_CHECKING:
    from picsight.cli.invocation import Invocation
    from picsight_engine.indexing.watching import Places


@click.command("watch", cls=WordsCommand)
def watch(invocation: Invocation) -> None:
    """Keep the library up to date until Ctrl-C.

    Indexes all folders, then what changes in them, as `picsight index` does. Other commands and the window can be used
    meanwhile; an open window shows what changes.
    """
    from picsight_engine.indexing.indexer import IndexSettings  # 60 ms that --help does not pay

    follow_engine(verbose=invocation.verbose)
    choice = locations.model_choice(invocation.folder)
    with invocation.open_library(choice.answers, wanted=choice.wanted) as library:
        if library is None or not library.folders.listed():
            words = "The library has no folder yet. Type: {index} FOLDER"
            raise RequestError(words, index=invocation.command("index"))
        library.languages = usual_languages()
        store = SettingsStore(settings_file())
        with stop_requests() as stop, library.folders.watch() as changes:
            changes.ways()  # from now on, no change is missed
            places: Places | None = None
            while not stop.is_set():
                settings = IndexSettings(slow=library.slow_kinds(words=store.settings.read_words))
                finished = run_index(
                    library, settings, stop, places=places, waits=True, quiet=invocation.quiet
                )
                if finished.in_doubt:
                    changes.report(dict.fromkeys(places or ()))
                if places is None or finished.changed_photos:
                    report_run(invocation, library, finished)
                places = changes.next(stop, lambda: store.settings.may_watch)
                store.read()
