"""Locations on this computer: the user's library, the log, the models, and the model that a library uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.installation.installed import InstalledModels
    from picsight_engine.installation.model_choice import ModelChoice

_NAME = "picsight"
_MODELS = "picsight-models"  # beside the default library, not in it: all libraries share them


def library_folder() -> Path:
    """The folder of the user's default library; it need not exist yet."""
    return user_folder("data")


def known_libraries(folder: Path) -> tuple[Path, Path]:
    """The library in `folder` and the default one: the libraries that are checked before a model is removed."""
    return folder, library_folder()


def log_file() -> Path:
    """The log file for the details of a fault; its folder need not exist yet."""
    return user_folder("log") / "picsight.log"


def backups_folder() -> Path:
    """The folder of weekly backups, in the user's documents; it need not exist yet."""
    return user_folder("documents") / "Picsight"


def user_folder(kind: Literal["data", "log", "config", "documents"], name: str = _NAME) -> Path:
    """The user's folder for files of this kind; raises StorageError if the user has no home folder."""
    from platformdirs import PlatformDirs  # 4 ms that a search with --library does not pay

    from picsight_engine.foundation.errors import StorageError

    try:
        folder: Path = getattr(PlatformDirs(name, appauthor=False), f"user_{kind}_path")
    except RuntimeError as fault:
        raise StorageError("Your home folder is unknown; set HOME to the whole path of a folder.") from fault
    return folder


def starter_folder() -> Path:
    """The folder of the model that ships with Picsight."""
    from picsight_engine.foundation.assets import find_asset

    return find_asset("starter")


def installed_models() -> InstalledModels:
    """The models on this computer."""
    from picsight_engine.installation.installed import InstalledModels

    return InstalledModels(user_folder("data", _MODELS), starter_folder())


def model_choice(library: Path) -> ModelChoice:
    """The model that searches the library in this folder, and the model that reads its photos.

    Raises:
        BundleError: the chosen model is gone, or one of its files is missing, changed or too new.
        LibraryError: the library cannot be opened.
    """
    from picsight_engine.installation.model_choice import choice_of

    return choice_of(library, installed_models())


def choice_for_searches(library: Path) -> ModelChoice:
    """The same for searches, which go on if the model that reads photos is gone; raises like `model_choice` if none answers."""
    from picsight_engine.installation.model_choice import choice_for_searches

    return choice_for_searches(library, installed_models())


def folder_of_model(library: Path) -> Path:
    """The folder where the model that searches the library is, or should be; `doctor` checks it."""
    from picsight_engine.foundation.errors import BundleError, LibraryError, StorageError
    from picsight_engine.store.library_folder import chosen_model

    try:
        return model_choice(library).answers.folder
    except (LibraryError, StorageError):  # the check of the library reports that
        return starter_folder()
    except BundleError:
        name = chosen_model(library)
        models = installed_models()
        return starter_folder() if name in (None, models.all()[0].name) else models.folder / str(name)
