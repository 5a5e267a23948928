"""Options that several commands share: the data folder, the feature cache and the output folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import platformdirs

from mctrain.paths import AnyPath, parse_path

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# the same, but they need not exist
ANY_FOLDER = click.Path(file_okay=False, path_type=Path)
ANY_FILE = click.Path(dir_okay=False, path_type=Path)

data_option = click.option(
    "--data", required=True, type=FOLDER, help="Folder of the shards, class names and templates."
)

# features are keyed by content, so all runs can share the folder
cache_option = click.option(
    "--cache",
    default=lambda: Path(platformdirs.user_cache_dir("mctrain", appauthor=False)),
    show_default="the user's cache folder",
    type=ANY_FOLDER,
    help="Cache of features, indexes and unpacked files; may be deleted at any time.",
)

bundle_option = click.option(
    "--bundle", type=ANY_FOLDER, help="Also export the result to this folder, with an int8 text tower."
)

tasks_option = click.option(
    "--tasks",
    type=ANY_FILE,
    show_default="the list that ships",
    help="TOML list of tasks, instead of the built-in one.",
)

sheet_option = click.option("-o", "--output", required=True, type=ANY_FILE, help="The sheet, an HTML page.")


class FolderOrUrl(click.ParamType[AnyPath]):
    """An existing folder, or the URL of a store."""

    name = "FOLDER_OR_URL"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> AnyPath:
        """As click wants it."""
        if "://" in str(value):
            return parse_path(str(value))
        folder: Path = FOLDER.convert(str(value), param, context)
        return folder


def output_option(holds: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Adds `--output`; `holds` is its help text."""
    return click.option("-o", "--output", required=True, type=ANY_FOLDER, help=holds)


def count_option(
    name: str, default: int, text: str, least: int = 1
) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Adds an option for a whole number of at least `least`; `text` is its help text."""
    return click.option(name, default=default, show_default=True, type=click.IntRange(least), help=text)
