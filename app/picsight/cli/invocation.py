"""One call of the program: the options that all commands share, and the library and output that they select."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picsight import locations
from picsight.cli.streams import put, put_json, say
from picsight.languages import search_languages, system_locales
from picsight.texts import counted, tr, worded
from picsight_engine.foundation.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.library import Library

_MOST_SENTENCES = 20


@dataclass(frozen=True, slots=True)
class Invocation:
    """The shared options, typed before or after the command; `library` is absolute, None for the default one."""

    library: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def folder(self) -> Path:
        """The library's folder, absolute."""
        return self.library or absolute(locations.library_folder())

    def command(self, *words: str) -> str:
        """A command on this library, as the user can type it."""
        library = () if self.library is None else ("--library", str(self.library))
        return shlex.join(("picsight", *library, *words))

    def open_library(
        self, bundle: Bundle | None = None, *, wanted: Bundle | None = None, create: bool = False
    ) -> AbstractContextManager[Library | None]:
        """Opens the library with `bundle`, by default the answering model; None if there is no library.

        `wanted` is the model that reads photos, if photos are to be read; `create` makes a missing library.

        Raises:
            BundleError: the model is gone, or one of its files is missing, changed or too new.
            LibraryError: the library is damaged or was made by a newer program.
            StorageError: the library cannot be read or written.
        """
        from picsight_engine.library import Library  # numpy: 60 ms that --help does not pay

        bundle = bundle or locations.choice_for_searches(self.folder).answers
        self.detail(tr("Library: {folder}", folder=self.folder))
        self.detail(tr("Model: {title} in {folder}", title=bundle.manifest.title, folder=bundle.folder))
        try:
            return Library.open(self.folder, bundle, wanted=wanted, create=create)
        except RequestError:
            if create:
                raise
            return nullcontext()

    @contextmanager
    def require_library(self) -> Iterator[Library]:
        """Opens the library for a command that needs one; raises RequestError if there is no library."""
        with self.open_library() as library:
            if library is None:
                words = "There is no library in {folder} yet. Type: {index} FOLDER"
                raise RequestError(words, folder=self.folder, index=self.command("index"))
            library.languages = usual_languages()
            yield library

    def answer(self, document: object, *lines: str) -> None:
        """Prints the result of a command: the JSON document with `--json`, else the lines, nothing with `--quiet`."""
        if self.json:
            put_json(document)
        elif not self.quiet:
            for line in lines:
                put(line)

    def hint(self, *sentences: str) -> None:
        """Prints hints on stderr, at most 20, unless only results are wanted."""
        if not self.quiet:
            self.warn(*sentences)

    def warn(self, *sentences: str) -> None:
        """Prints sentences about what could not be done on stderr, at most 20."""
        for sentence in sentences[:_MOST_SENTENCES]:
            say(sentence)
        if len(sentences) > _MOST_SENTENCES:
            say(tr("And {number:,} more; --json lists all of them.", number=len(sentences) - _MOST_SENTENCES))

    def hint_empty(self, unread: int = 0) -> None:
        """Prints how to add the first photos to a library, or that a new model must read its `unread` photos."""
        if unread:
            self.hint_unread(unread)
        else:
            words = "There are no photos in the library {folder} yet. Type: {index} FOLDER"
            self.hint(tr(words, folder=self.folder, index=self.command("index")))

    def hint_unread(self, unread: int) -> None:
        """Prints how many photos a new model must read."""
        one = "%n photo must be read again by the new model."
        words = counted(unread, one, "%n photos must be read again by the new model.")
        self.hint(f"{words} {tr('Type: {command}', command=self.command('index'))}")

    def detail(self, sentence: str) -> None:
        """Prints a sentence with `--verbose` only."""
        if self.verbose:
            say(sentence)


def usual_languages() -> tuple[str, ...]:
    """The languages of the settings, or of the system."""
    from picsight.settings import SettingsStore, settings_file  # 10 ms that a search in English does not pay

    store = SettingsStore(settings_file())
    for fault in store.faults.values():
        say(worded(fault))
    return search_languages(store.settings.languages, system_locales())


def absolute(path: Path) -> Path:
    """The absolute path without "..". Links are not resolved: people know a photo by the path that they see.

    Raises:
        RequestError: the path is relative, and the current folder is gone.
    """
    try:
        return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the links
    except FileNotFoundError as fault:
        words = "The current folder is gone, so {path} cannot be found; type the whole path."
        raise RequestError(words, path=path) from fault
