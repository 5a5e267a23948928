"""Where things lie on this computer: the user's library, its log, and the model that ships with Picsight."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.models.bundle import Bundle

_NAME = "picsight"


def library_folder() -> Path:
    """The folder of the user's library where no other is named; it need not exist yet."""
    from platformdirs import user_data_path  # 4 ms that a search with --library does not pay

    return user_data_path(_NAME, appauthor=False)


def log_file() -> Path:
    """The file that takes the details of a fault; its folder need not exist yet."""
    from platformdirs import user_log_path  # only needed once something went wrong

    return user_log_path(_NAME, appauthor=False) / "picsight.log"


def starter_folder() -> Path:
    """The folder of the model that ships with Picsight."""
    from picsight_engine.assets import find_asset

    return find_asset("starter")


def starter_bundle() -> Bundle:
    """The model that ships with Picsight, opened.

    Raises:
        BundleError: a file of it is missing, changed or too new.
    """
    from picsight_engine.models.bundle import open_bundle

    return open_bundle(starter_folder())
