"""The options that several commands share: where the data lies, and where computed features are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import platformdirs

from mctrain.places import Place, place_of

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")


class FolderOrUrl(click.ParamType[Path | Place]):
    """A folder that is there, or a URL of a store."""

    name = "FOLDER_OR_URL"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> Path | Place:
        """As click wants it."""
        if "://" in str(value):
            return place_of(str(value))
        folder: Path = click.Path(exists=True, file_okay=False, path_type=Path).convert(
            str(value), param, context
        )
        return folder


def data_option(command: _Command) -> _Command:
    """The folder of the shards."""
    return click.option(
        "--data",
        required=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder of the shards, class names and templates.",
    )(command)


def cache_option(command: _Command) -> _Command:
    """The folder of computed features: found again by content, so it may be shared by all runs and deleted at any time."""
    return click.option(
        "--cache",
        default=lambda: Path(platformdirs.user_cache_dir("mctrain", appauthor=False)),
        show_default="the user's cache folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of computed features; may be deleted at any time.",
    )(command)
