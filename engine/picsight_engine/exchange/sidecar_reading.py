"""Reads tags and stars from side-cars of other programs or of an earlier export."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.other_programs import is_shown
from picsight_engine.photos.formats import IMAGE_SUFFIXES
from picsight_engine.photos.reading import as_text
from picsight_engine.photos.sidecars import (
    SUFFIX,
    belongs_to,
    pairs,
    read_sidecar,
    short_counts,
    short_sidecar,
)
from picsight_engine.photos.xmp import PacketError, read_packet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsight_engine.photos.xmp import Packet


_VERSION = re.compile(r"_\d\d(?=\.\w+$)")  # darktable edits a.jpg once more in a_01.jpg.xmp


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The content of a side-car for one photo, and its last change in seconds since 1970.

    `photo` is the path that the side-car's name implies; that file may be gone, or another photo.
    """

    photo: Path
    packet: Packet
    written_at: float


def read_sidecars(place: Path, faults: list[str]) -> Iterator[Sidecar]:
    """Reads one side-car, that of one photo, or all below a folder, walked like a scan: links to folders are followed,
    what a scan passes over is skipped. Skips empty side-cars.

    Adds a sentence to `faults` for each one that cannot be read.

    Raises:
        RequestError: there is no side-car, photo or folder at `place`.
    """
    for folder, found in _found(place, faults):
        for name, photos in found.items():
            try:
                packet = read_packet(read_sidecar(folder / name) or b"")
                written_at = (folder / name).stat().st_mtime
            except (PacketError, OSError) as fault:
                faults.append(f"{as_text(folder / name)} was left out: {fault}. Repair or remove it.")
                continue
            is_version = packet.original is None and _is_version(folder / Path(name).stem)
            if not is_version and (packet.keywords or packet.gone or packet.rating is not None):
                for photo in _owners(folder / name, photos, packet):
                    is_long = photo.name == Path(name).stem
                    short = short_sidecar(photo) if is_long else folder / name
                    counts = short is not None and short_counts(short, photo)
                    if is_long and counts:  # its stars may have been copied, too
                        yield Sidecar(photo, replace(packet, rating=None), written_at)
                    elif is_long or counts:
                        yield Sidecar(photo, packet, written_at)


def _is_version(photo: Path) -> bool:
    """Whether a side-car's photo is only a further version of another one, which has a side-car for it itself."""
    return not photo.exists() and photo.with_name(_VERSION.sub("", photo.name)).exists()


def _owners(sidecar: Path, photos: list[str], packet: Packet) -> list[Path]:
    """The photos of a side-car; if none of its name exists, one that may be gone. None for a side-car of a RAW file alone."""
    paths = [sidecar.with_name(photo) for photo in photos]
    if any(path.name == sidecar.stem for path in paths):
        return paths
    return (
        [path for path in paths if belongs_to(packet.for_suffix, path)]
        if paths
        else [sidecar.with_name(sidecar.stem)]
    )


def photos_gone(place: Path) -> Iterator[Path]:
    """The paths of missing photos that the names of side-cars below a folder imply."""
    for folder, found in _found(place, []) if place.exists() else ():
        for name, photos in found.items():
            if photos == [name[: -len(SUFFIX)]] and not os.path.lexists(folder / photos[0]):
                yield folder / photos[0]


def _found(place: Path, faults: list[str]) -> Iterator[tuple[Path, dict[str, list[str]]]]:
    """Every folder with its side-cars and their photos."""
    if place.is_file() and place.name.lower().endswith((SUFFIX, *IMAGE_SUFFIXES)):
        found = pairs(os.listdir(place.parent))  # noqa: PTH208 -- names
        if place.name in found:
            yield place.parent, {place.name: found[place.name]}
        else:
            yield place.parent, {name: [place.name] for name, photos in found.items() if place.name in photos}
        return
    if not place.is_dir():
        raise RequestError(f"There is no folder, photo or .xmp file at {as_text(place)}. Check its name.")

    def refuse(fault: OSError) -> None:
        faults.append(
            f"{as_text(Path(fault.filename))} may not be read ({fault.strerror}), so it was left out."
        )

    walked: set[str] = set()
    for folder, below, names in os.walk(place, onerror=refuse, followlinks=True):
        true_folder = os.path.realpath(folder)
        if true_folder in walked:  # a link forms a cycle
            below.clear()
            continue
        walked.add(true_folder)
        # The library has nothing else, and side-cars in a trash folder are deleted.
        here = os.path.basename(true_folder)  # noqa: PTH119
        below[:] = [name for name in below if is_shown(os.fsencode(name), os.fsencode(here))]
        yield Path(folder), pairs(name for name in names if is_shown(os.fsencode(name), os.fsencode(here)))
