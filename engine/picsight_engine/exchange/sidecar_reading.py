"""Reads tags and stars from side-cars of other programs or of an earlier export."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.exchange.xmp_writing import merge_packets
from picsight_engine.foundation.errors import Message, RequestError
from picsight_engine.foundation.other_programs import is_shown
from picsight_engine.photos.formats import IMAGE_SUFFIXES
from picsight_engine.photos.metadata.sidecars import (
    SUFFIX,
    belongs_to,
    long_sidecar,
    pairs,
    read_sidecar,
    short_counts,
    short_sidecar,
)
from picsight_engine.photos.metadata.xmp import read_packet
from picsight_engine.photos.metadata.xmp_tree import PacketError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsight_engine.photos.metadata.xmp import Packet


_VERSION = re.compile(r"_\d\d(?=\.\w+$)")  # darktable edits a.jpg once more in a_01.jpg.xmp


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The content of a side-car for one photo, and when its keywords and its stars were written, in seconds since 1970.

    `photo` is the path that the side-car's name implies; that file may be gone, or another photo.
    """

    photo: Path
    packet: Packet
    written_at: float
    rated_at: float


def with_later_changes(photo: Path, long: bytes, written_at: float) -> tuple[bytes, float, float]:
    """A long side-car's content with later changes of the short one, and when its keywords and its stars were written."""
    short = short_sidecar(photo)
    if short is not None and short_counts(short, photo):
        with suppress(PacketError):  # an import reports it
            content, is_rated = merge_packets(long, read_sidecar(short) or b"")
            later = short.stat().st_mtime
            return content, later, later if is_rated else written_at
    return long, written_at, written_at


def read_sidecars(place: Path, faults: list[Message]) -> Iterator[Sidecar]:
    """Reads one side-car, that of one photo, or all below a folder, walked like a scan: links to folders are followed,
    what a scan passes over is skipped. Skips empty side-cars.

    Adds a sentence to `faults` for each one that cannot be read.

    Raises:
        RequestError: there is no side-car, photo or folder at `place`.
    """
    for folder, found in _found(place, faults):
        for name, photos in found.items():
            path = folder / name
            try:
                packet, written_at = read_packet(read_sidecar(path) or b""), path.stat().st_mtime
                if packet.original is None and _is_version(folder / path.stem):
                    continue
                for photo in _owners(path, photos, packet):
                    long = path if photo.name == path.stem else long_sidecar(photo)
                    if long != path and not short_counts(path, photo):
                        continue
                    sidecar = Sidecar(photo, packet, written_at, written_at)
                    if content := read_sidecar(long):
                        content, *times = with_later_changes(photo, content, long.stat().st_mtime)
                        sidecar = Sidecar(photo, read_packet(content), *times)
                    if sidecar.packet.keywords or sidecar.packet.gone or sidecar.packet.rating is not None:
                        yield sidecar
            except (PacketError, OSError) as fault:
                faults.append(
                    Message("{path} was left out: {fault}. Repair or remove it.", path=path, fault=fault)
                )


def _is_version(photo: Path) -> bool:
    """Whether a side-car's photo is only a further version of another one, which has a side-car for it itself."""
    return not photo.exists() and photo.with_name(_VERSION.sub("", photo.name)).exists()


def _owners(sidecar: Path, photos: list[str], packet: Packet) -> list[Path]:
    """The photos of a side-car; if none of its name exists, one that may be gone. None for a side-car of a RAW file alone."""
    paths = [sidecar.with_name(photo) for photo in photos]
    if any(path.name == sidecar.stem for path in paths):
        return paths
    if not paths:
        return [sidecar.with_name(sidecar.stem)]
    return [path for path in paths if belongs_to(packet.for_suffix, path)]


def photos_gone(place: Path) -> Iterator[Path]:
    """The paths of missing photos that the names of side-cars below a folder imply."""
    for folder, found in _found(place, []) if place.exists() else ():
        for name, photos in found.items():
            if photos == [name[: -len(SUFFIX)]] and not os.path.lexists(folder / photos[0]):
                yield folder / photos[0]


def _found(place: Path, faults: list[Message]) -> Iterator[tuple[Path, dict[str, list[str]]]]:
    """Every folder with its side-cars and their photos."""
    if place.is_file() and place.name.lower().endswith((SUFFIX, *IMAGE_SUFFIXES)):
        found = pairs(os.listdir(place.parent))  # noqa: PTH208 -- names
        if place.name in found:
            yield place.parent, {place.name: found[place.name]}
        else:
            yield place.parent, {name: [place.name] for name, photos in found.items() if place.name in photos}
        return
    if not place.is_dir():
        raise RequestError("There is no folder, photo or .xmp file at {place}. Check its name.", place=place)

    def refuse(fault: OSError) -> None:
        words = "{path} may not be read ({reason}), so it was left out."
        faults.append(Message(words, path=Path(fault.filename), reason=fault.strerror))

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
