"""What lies on the disk beside chosen photos and belongs to them: other files of the same photos, RAW files, side-cars."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.photos.formats import IMAGE_SUFFIXES, is_photo_name
from picsight_engine.suffixes import RAW_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

# Of editors, and what cameras add to a photo.
SIDE_CARS = frozenset([".aae", ".arp", ".dop", ".mov", ".on1", ".pp3", ".thm", ".vrd", ".wav", ".xmp"])


@dataclass(frozen=True, slots=True)
class Belongings:
    """The chosen files; `twins`, which show the same pictures; `companions`, of no use without the chosen ones."""

    chosen: tuple[Path, ...]
    twins: tuple[Path, ...] = ()
    companions: tuple[Path, ...] = ()

    @property
    def others(self) -> tuple[Path, ...]:
        """All but the chosen files."""
        return (*self.twins, *self.companions)

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file."""
        return (*self.chosen, *self.others)


def belongings(chosen: Sequence[Path], twins: Iterable[Path] = ()) -> Belongings:
    """Look beside the files; `twins` are known already. Reads each of their folders once, so it runs in a thread."""
    pictures = dict.fromkeys((*chosen, *twins))
    own, listings = set(chosen), {path.parent: _by_stem(path.parent) for path in pictures}
    found = dict.fromkeys(
        companion for path in pictures for companion in _companions(path, listings[path.parent], pictures)
    )
    return Belongings(
        tuple(path for path in pictures if path in own),
        tuple(path for path in pictures if path not in own),
        tuple(companion for companion in found if companion not in pictures),
    )


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    """What files lie in a folder, by their names without the last suffix; none where one may not look."""
    listing: dict[str, list[Path]] = {}
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.is_dir(follow_symlinks=False))
    except OSError:
        return listing
    for name in names:
        path = folder / name
        listing.setdefault(path.stem.casefold(), []).append(path)
    return listing


def _companions(
    picture: Path, listing: Mapping[str, Sequence[Path]], pictures: Collection[Path]
) -> Iterator[Path]:
    """IMG_1.jpg.xmp belongs to IMG_1.jpg alone; IMG_1.xmp and IMG_1.cr2 belong to it if no other picture is called IMG_1.

    So a.jpg.xmp does not belong to a.jpg.png, whose name without suffix is another photo's.
    """
    yield from _with(SIDE_CARS, listing.get(picture.name.casefold(), ()))
    alike = listing.get(picture.stem.casefold(), ())
    others = _with(IMAGE_SUFFIXES - RAW_SUFFIXES, alike)
    if not is_photo_name(picture.stem) and all(path in pictures for path in others):
        yield from _with(SIDE_CARS | RAW_SUFFIXES, alike)
        for raw in _with(RAW_SUFFIXES, alike):
            yield from _with(SIDE_CARS, listing.get(raw.name.casefold(), ()))


def _with(suffixes: Collection[str], paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in paths if path.suffix.lower() in suffixes)
