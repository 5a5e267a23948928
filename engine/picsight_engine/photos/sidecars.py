"""Which .xmp file speaks of which photo.

"photo.jpg.xmp" is what digiKam, darktable and Immich write, "photo.xmp" what Adobe's programs and Apple's write. The second
may be meant for the raw file beside the photo, so the first is preferred, as those programs do that know both. A whole name
of a photo is never a short one: "a.jpg.xmp" speaks of "a.jpg", and not of "a.jpg.png".
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.photos.formats import is_photo_name
from picsight_engine.photos.xmp import MOST_BYTES, PacketError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picsight_engine.photos.xmp import Packet

SUFFIX = ".xmp"
_SPELLINGS = (SUFFIX, SUFFIX.upper())


def long_sidecar(photo: Path) -> Path:
    """The side-car with the photo's whole name, whether it is there or not; an existing one in its own spelling."""
    names = [photo.with_name(photo.name + suffix) for suffix in _SPELLINGS]
    return next((path for path in names if os.path.lexists(path)), names[0])


def short_sidecar(photo: Path) -> Path | None:
    """The side-car with the photo's name without suffix, if there is one."""
    names = [] if is_photo_name(photo.stem) else [photo.with_suffix(suffix) for suffix in _SPELLINGS]
    return next((path for path in names if path.is_file()), None)


def read_sidecar(path: Path) -> bytes | None:
    """The content of a side-car, None where there is none; raises PacketError where something else stands there."""
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise PacketError("it is no file")
        if info.st_size > MOST_BYTES:
            raise PacketError(f"it is larger than {MOST_BYTES / 1e6:.0f} megabytes")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise PacketError(f"it may not be read ({fault.strerror})") from fault


def pairs(names: Iterable[str]) -> dict[str, list[str]]:
    """The side-cars among the file names of a directory, and of which photos each speaks.

    Of a side-car with a photo's whole name that photo is told even if it is not there any more; one without suffix speaks of
    all photos called so, but those that have one of their own.
    """
    photos = defaultdict(list)
    sidecars = []
    for name in sorted(names):
        if name.lower().endswith(SUFFIX):
            sidecars.append(name)
        elif is_photo_name(name):
            photos[Path(name).stem].append(name)
    whole = {name: name[: -len(SUFFIX)] for name in sidecars if is_photo_name(name[: -len(SUFFIX)])}
    taken = set(whole.values())
    return {
        name: [whole[name]]
        if name in whole
        else [photo for photo in photos[name[: -len(SUFFIX)]] if photo not in taken]
        for name in sidecars
    }


def speaks_of(packet: Packet, photo: Path) -> bool:
    """Whether a side-car with a short name is meant for this kind of file: Adobe's programs note which."""
    return packet.for_suffix is None or packet.for_suffix.lower() == photo.suffix[1:].lower()
