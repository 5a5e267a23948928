"""The options that several commands share: where data lie, where features are kept, and where what is made goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import platformdirs

from mctrain.places import Place, place_of

if TYPE_CHECKING:
    from collections.abc import Callable

data_option = click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the shards, class names and templates.",
)

# features are found again by content, so that all runs may share the folder
cache_option = click.option(
    "--cache",
    default=lambda: Path(platformdirs.user_cache_dir("mctrain", appauthor=False)),
    show_default="the user's cache folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of computed features, of indexes and of what was unpacked; may be deleted at any time.",
)

bundle_option = click.option(
    "--bundle",
    type=click.Path(file_okay=False, path_type=Path),
    help="Export the result there too, text as int8.",
)


class FolderOrUrl(click.ParamType[Place]):
    """A folder that is there, or a URL of a store."""

    name = "FOLDER_OR_URL"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> Place:
        """As click wants it."""
        if "://" in str(value):
            return place_of(str(value))
        folder: Path = click.Path(exists=True, file_okay=False, path_type=Path).convert(
            str(value), param, context
        )
        return folder


def output_option(holds: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """The folder of what is made, and what it holds."""
    return click.option(
        "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help=holds
    )
