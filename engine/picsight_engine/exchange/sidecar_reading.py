"""Tags and stars that other programs, or an earlier export, wrote into side-cars."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.hidden import is_shown
from picsight_engine.photos.formats import IMAGE_SUFFIXES
from picsight_engine.photos.reading import shown
from picsight_engine.photos.sidecars import SUFFIX, pairs, read_sidecar, speaks_of
from picsight_engine.photos.xmp import PacketError, read_packet, same_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsight_engine.photos.xmp import Packet


@dataclass(frozen=True, slots=True)
class SidecarContent:
    """What a side-car says of one photo: paths of tags ("Birds/Waders"), and stars from -1 (rejected) to 5.

    Of the tags `echoes` are those that an export of ours wrote, `gone` those of which another program has taken them out since,
    `rejected` those of other programs against which a person has spoken; `stars_echo` where the stars are ours too.
    `photo` is where it belongs by its name, and may be gone or another one; `original` is the hash of the picture that it
    was written for, where one of ours notes it. `written_at` is its time of change, in seconds since 1970.
    """

    photo: Path
    tags: tuple[str, ...]
    stars: int | None
    original: bytes | None
    written_at: float
    echoes: frozenset[str] = frozenset()
    gone: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    stars_echo: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the side-cars of a folder say, how many there are, and a sentence for each that says nothing we can read."""

    contents: tuple[SidecarContent, ...]
    sidecars: int
    faults: tuple[str, ...]


def read_sidecars(place: Path) -> Gathered:
    """Reads one side-car, that of one photo, or all in a folder and in what lies below it, as a scan walks it: links to
    folders are followed, hidden things and the systems' own left out.

    Raises:
        RequestError: there is none of these at `place`.
    """
    contents: list[SidecarContent] = []
    faults: list[str] = []
    sidecars = 0
    for folder, found in _found(place, faults):
        for name, photos in found.items():
            sidecars += 1
            try:
                packet = read_packet(read_sidecar(folder / name) or b"")
                written_at = (folder / name).stat().st_mtime
            except (PacketError, OSError) as fault:
                faults.append(f"{shown(folder / name)} was left out: {fault}. Repair or remove it.")
                continue
            contents += [
                each
                for photo in _owners(folder / name, photos, packet)
                if (each := _content(photo, packet, written_at))
            ]
    return Gathered(tuple(contents), sidecars, tuple(faults))


def _owners(sidecar: Path, photos: list[str], packet: Packet) -> list[Path]:
    """The photos of which a side-car speaks; where none of its name lies there, one that may be gone. Of a RAW file alone none."""
    paths = [sidecar.with_name(photo) for photo in photos]
    if any(path.name == sidecar.stem for path in paths):
        return paths
    return (
        [path for path in paths if speaks_of(packet.for_suffix, path)]
        if paths
        else [sidecar.with_name(sidecar.stem)]
    )


def photos_gone(place: Path) -> Iterator[Path]:
    """Where a side-car in a folder, or in what lies below it, says by its name that a photo lies, and none does."""
    for folder, found in _found(place, []) if place.exists() else ():
        for name, photos in found.items():
            if photos == [name[: -len(SUFFIX)]] and not os.path.lexists(folder / photos[0]):
                yield folder / photos[0]


def _found(place: Path, faults: list[str]) -> Iterator[tuple[Path, dict[str, list[str]]]]:
    """Every folder with its side-cars and the photos of which they speak."""
    if place.is_file() and place.name.lower().endswith((SUFFIX, *IMAGE_SUFFIXES)):
        found = pairs(os.listdir(place.parent))  # noqa: PTH208 -- names
        if place.name in found:
            yield place.parent, {place.name: found[place.name]}
        else:
            yield place.parent, {name: [place.name] for name, photos in found.items() if place.name in photos}
        return
    if not place.is_dir():
        raise RequestError(f"There is no folder, photo or .xmp file at {shown(place)}. Look at its name.")

    def refuse(fault: OSError) -> None:
        faults.append(
            f"{shown(Path(fault.filename))} may not be read ({fault.strerror}), so it was left out."
        )

    walked: set[str] = set()
    for folder, below, names in os.walk(place, onerror=refuse, followlinks=True):
        true_folder = os.path.realpath(folder)
        if true_folder in walked:  # a link leads back
            below.clear()
            continue
        walked.add(true_folder)
        below[:] = filter(_is_shown, below)
        yield Path(folder), pairs(filter(_is_shown, names))


def _is_shown(name: str) -> bool:
    """What a scan leaves out is no photo of the library, and a side-car in a bin was thrown away."""
    return is_shown(os.fsencode(name))


def _content(photo: Path, packet: Packet, written_at: float) -> SidecarContent | None:
    """None where it says nothing that is taken over."""
    stars = packet.rating
    added = {tuple(map(same_name, keyword)): "/".join(keyword) for keyword in packet.added}
    tags = {tuple(map(same_name, keyword)): "/".join(keyword) for keyword in packet.keywords}
    gone = tuple("/".join(keyword) for keyword in packet.gone)
    refused = {tuple(map(same_name, keyword)) for keyword in packet.rejected}
    rejected = tuple(tags.pop(key) for key in list(tags) if key in refused)
    if not (tags or gone or rejected or stars is not None):
        return None
    return SidecarContent(
        photo=photo,
        tags=tuple(tags.values()),
        stars=stars,
        original=packet.original,
        written_at=written_at,
        echoes=frozenset(tag for key, tag in tags.items() if key in added),
        gone=gone,
        rejected=rejected,
        stars_echo=stars is not None and stars == packet.rated,
    )
