"""What every command shares: the four global options, and the library that they name."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from picsight import locations
from picsight.cli.streams import say
from picsight_engine.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.installation.model_choice import ModelChoice
    from picsight_engine.library import Library

A_PATH = click.Path(path_type=Path, readable=False)  # whether it can be read is for the engine to say
_Function = TypeVar("_Function", bound="Callable[..., object]")


class _FolderPath(click.Path):
    """A path that is not empty: an unset variable of a script must not mean the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path as it was typed."""
        if value == "":
            self.fail("the path is empty.", param, ctx)
        return super().convert(value, param, ctx)


A_FOLDER = _FolderPath(path_type=Path, readable=False)


@dataclass(frozen=True, slots=True)
class Invocation:
    """The global options as they were typed, before or after the command."""

    library: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def folder(self) -> Path:
        """The library's folder, absolute."""
        return absolute(self.library or locations.library_folder())

    @property
    def library_option(self) -> list[str]:
        """The words that name the library in another command; none for the usual one."""
        return [] if self.library is None else ["--library", str(self.folder)]

    def model_choice(self) -> ModelChoice:
        """The models that search the library and that read its photos.

        Raises:
            BundleError: the chosen model is gone, or a file of it is missing, changed or too new.
            LibraryError: the library cannot be opened.
        """
        return locations.model_choice(self.folder)

    def answering_model(self) -> Bundle:
        """The model that searches the library, also where the one that is to follow it is gone.

        Raises:
            BundleError: none can: the chosen model is gone, or a file of it is missing, changed or too new.
            LibraryError: the library cannot be opened.
        """
        return locations.answering_model(self.folder)

    def make_library(self, choice: ModelChoice) -> Library:
        """Opens the library to read photos into it, and makes it where there is none.

        Raises:
            LibraryError: it is damaged or was made by a newer program.
            StorageError: the disk refused.
        """
        from picsight_engine.library import Library  # numpy: 60 ms that --help does not pay

        self._introduce(choice.answers)
        return Library.open(self.folder, choice.answers, wanted=choice.wanted)

    def open_library(
        self, bundle: Bundle, *, wanted: Bundle | None = None
    ) -> AbstractContextManager[Library | None]:
        """Opens the library to read from it; None where there is none yet, which reads like an empty one.

        `wanted` is the model that reads photos, where that is to happen.

        Raises:
            LibraryError: it is damaged or was made by a newer program.
        """
        from picsight_engine.library import Library  # numpy: 60 ms that --help does not pay

        self._introduce(bundle)
        try:
            return Library.open(self.folder, bundle, wanted=wanted, create=False)
        except RequestError:
            return nullcontext()

    def hint(self, sentence: str) -> None:
        """Tells a person something that helps, unless only results are wanted."""
        if not self.quiet:
            say(sentence)

    def detail(self, sentence: str) -> None:
        """Tells what only `--verbose` asks for."""
        if self.verbose:
            say(sentence)

    def _introduce(self, bundle: Bundle) -> None:
        self.detail(f"Library: {self.folder}")
        self.detail(f"Model: {bundle.manifest.title} in {bundle.folder}")

    def hint_empty(self) -> None:
        """Tells how a library gets its first photos."""
        self.hint(f"There are no photos in the library {self.folder} yet. Type: picsight index FOLDER")


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


def shared_options(function: _Function) -> _Function:
    """Gives the program or a command the four global options; what is typed later holds."""
    for option in (
        _option("--verbose", is_flag=True, help="Tell on stderr what happens meanwhile."),
        _option("--quiet", is_flag=True, help="Print results and errors, nothing else."),
        _option("--json", is_flag=True, help="Print the result as JSON on stdout."),
        _option(
            "--library",
            type=click.Path(readable=False),
            metavar="PATH",
            help="The library's folder, if not the usual one.",
        ),
    ):
        function = option(function)
    return function


def _option(name: str, **attributes: Any) -> Callable[[_Function], _Function]:
    return click.option(name, expose_value=False, callback=_remember, **attributes)


def _remember(ctx: click.Context, param: click.Parameter, value: str | bool | None) -> None:
    ctx.obj = ctx.obj or Invocation()
    if value == "":  # an unset variable of a script must not mean the current folder
        raise click.BadParameter("the path is empty.", ctx, param)
    if value and param.name is not None:
        known = Path(value) if isinstance(value, str) else value
        ctx.obj = replace(ctx.obj, **{param.name: known})
