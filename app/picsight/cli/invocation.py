"""One call of the program: the options that every command shares, and the library and the output that they ask for."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picsight import locations
from picsight.cli.streams import put, put_json, say
from picsight_engine.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.library import Library

_MOST_SENTENCES = 20


@dataclass(frozen=True, slots=True)
class Invocation:
    """The shared options as they were typed, before or after the command; `library` is absolute, None for the usual one."""

    library: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def folder(self) -> Path:
        """The library's folder, absolute."""
        return self.library or absolute(locations.library_folder())

    def open_library(
        self, bundle: Bundle | None = None, *, wanted: Bundle | None = None, create: bool = False
    ) -> AbstractContextManager[Library | None]:
        """Opens the library with the answering model or another; None where there is none, which reads like an empty one.

        `wanted` is the model that reads photos, where that is to happen; `create` makes a library where there is none.

        Raises:
            BundleError: the model is gone, or a file of it is missing, changed or too new.
            LibraryError: the library is damaged or was made by a newer program.
            StorageError: the disk refused.
        """
        from picsight_engine.library import Library  # numpy: 60 ms that --help does not pay

        bundle = bundle or locations.answering_model(self.folder)
        self.detail(f"Library: {self.folder}")
        self.detail(f"Model: {bundle.manifest.title} in {bundle.folder}")
        try:
            return Library.open(self.folder, bundle, wanted=wanted, create=create)
        except RequestError:
            if create:
                raise
            return nullcontext()

    @contextmanager
    def require_library(self) -> Iterator[Library]:
        """The same for commands that cannot do without one.

        Raises:
            RequestError: there is none.
        """
        with self.open_library() as library:
            if library is None:
                raise RequestError(f"There is no library in {self.folder} yet. Type: picsight index FOLDER")
            yield library

    def answer(self, document: object, *lines: str) -> None:
        """Prints what was done: a JSON document where that is wanted, else the lines, unless `--quiet` forbids them."""
        if self.json:
            put_json(document)
        elif not self.quiet:
            for line in lines:
                put(line)

    def hint(self, *sentences: str) -> None:
        """Tells a person something that helps, of many sentences the first 20, unless only results are wanted."""
        if self.quiet:
            return
        for sentence in sentences[:_MOST_SENTENCES]:
            say(sentence)
        if len(sentences) > _MOST_SENTENCES:
            say(f"And {len(sentences) - _MOST_SENTENCES:,} more; --json lists all of them.")

    def hint_empty(self) -> None:
        """Tells how a library gets its first photos."""
        self.hint(f"There are no photos in the library {self.folder} yet. Type: picsight index FOLDER")

    def detail(self, sentence: str) -> None:
        """Tells what only `--verbose` asks for."""
        if self.verbose:
            say(sentence)


def absolute(path: Path) -> Path:
    """The path from the root on, without "..", its links as they are: a person knows a photo by its own path.

    Raises:
        RequestError: the path starts from the current folder, which is gone.
    """
    try:
        return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the links
    except FileNotFoundError as fault:
        raise RequestError(
            f"The folder in which this was typed is gone, so {path} cannot be found; type the whole path."
        ) from fault
