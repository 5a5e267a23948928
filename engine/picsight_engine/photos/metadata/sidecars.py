"""Finds the side-cars of a photo, and reads them.

digiKam, darktable and Immich write "photo.jpg.xmp", Adobe's and Apple's programs "photo.xmp". The second may belong to the
raw file beside the photo, so the first is preferred, as in programs that know both. A full name of a photo is never a short
one: "a.jpg.xmp" belongs to "a.jpg", not to "a.jpg.png". Google Takeout puts a JSON file beside a photo, and Apple an .AAE
file with edits.
"""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import xxhash

from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.suffixes import SHOWN_SUFFIXES
from picsight_engine.photos.formats import is_photo_name
from picsight_engine.photos.metadata import takeout
from picsight_engine.photos.metadata.tag_precedence import EDITED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from picsight_engine.photos.exif import Fact

SUFFIX = ".xmp"
_EDITS = ".aae"
MOVING_SUFFIXES = (".mov", ".mp4")
# Of files that may be side-cars, and of films that may belong to a photo.
SUFFIXES = (SUFFIX, takeout.SUFFIX, _EDITS, *MOVING_SUFFIXES)
# Of a side-car that is read with its photo: what is made of it takes several times as much.
_MOST_BYTES = 8_000_000
_EDITED_PHONE = re.compile(r"IMG_E(?=\d{4})")
_FILM_IN_PACKAGE = re.compile(r"(-[0-9A-F]{12})_3$")
_SPELLINGS = (SUFFIX, SUFFIX.upper())


def long_sidecar(photo: Path) -> Path:
    """The side-car with the photo's full name, whether it exists or not; an existing one in its own spelling."""
    names = [photo.with_name(photo.name + suffix) for suffix in _SPELLINGS]
    return next((path for path in names if os.path.lexists(path)), names[0])


def short_sidecar(photo: Path) -> Path | None:
    """The side-car with the photo's name without suffix, if there is one."""
    names = [] if is_photo_name(photo.stem) else [photo.with_suffix(suffix) for suffix in _SPELLINGS]
    return next((path for path in names if path.is_file()), None)


def read_sidecar(path: Path) -> bytes | None:
    """The content of a side-car, None if there is none; raises PacketError if it is not a regular file."""
    from picsight_engine.photos.metadata.xmp import MOST_BYTES  # 33 ms
    from picsight_engine.photos.metadata.xmp_tree import PacketError

    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise PacketError(Message("it is not a file"))
        if info.st_size > MOST_BYTES:
            raise PacketError(
                Message("it is larger than {megabytes:.0f} megabytes", megabytes=MOST_BYTES / 1e6)
            )
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise PacketError(Message("it may not be read ({reason})", reason=fault.strerror)) from fault


def pairs(names: Iterable[str]) -> dict[str, list[str]]:
    """The side-cars among the file names of a directory, each with its photos.

    A side-car with a photo's full name lists that photo even if it no longer exists. A short-named one lists all photos of
    that name; `short_counts` says for which of them it counts.
    """
    photos = defaultdict(list)
    sidecars = []
    for name in sorted(names):
        if name.lower().endswith(SUFFIX):
            sidecars.append(name)
        elif is_photo_name(name):
            photos[name.rpartition(".")[0]].append(name)
    whole = {name: name[: -len(SUFFIX)] for name in sidecars if is_photo_name(name[: -len(SUFFIX)])}
    return {name: [whole[name]] if name in whole else photos[name[: -len(SUFFIX)]] for name in sidecars}


def short_counts(short: Path, photo: Path) -> bool:
    """Whether a short-named side-car counts: there is no long one, or that is older and no export copied this content into it.

    The dates of their metadata tell which is older, else the times of the files. One for another picture or kind of file
    never counts beside a long one.
    """
    from picsight_engine.photos.metadata.xmp import ORIGINAL_FACT, SUFFIX_FACT, read_facts  # 33 ms
    from picsight_engine.photos.metadata.xmp_tree import PacketError

    paths = (short, long_sidecar(photo))
    theirs, ours = (_content(path, _MOST_BYTES) for path in paths)
    if not ours or xxhash.xxh3_128_hexdigest(theirs).encode() in ours:
        return not ours
    try:
        facts = [read_facts(theirs), read_facts(ours)]
        dates = [path.stat().st_mtime for path in paths]
    except (PacketError, OSError):
        return False
    if ORIGINAL_FACT in facts[0] or not belongs_to(facts[0].get(SUFFIX_FACT), photo):
        return False
    with suppress(ValueError, OverflowError, OSError):
        noted = [datetime.fromisoformat(str(each.get("XMP-xmp:MetadataDate"))).timestamp() for each in facts]
        dates = noted if noted[0] != noted[1] else dates
    return dates[0] > dates[1]


def belongs_to(suffix: Fact | None, photo: Path) -> bool:
    """Whether a short-named side-car belongs to this kind of file: Adobe's programs note the suffix."""
    return suffix is None or str(suffix).lower() == photo.suffix[1:].lower()


def companions(names: Collection[str]) -> dict[str, list[str]]:
    """The photos among the names of a directory that have side-cars there, each with these files; a film that may belong to a
    photo also with its stills.
    """
    found = defaultdict(list)
    sidecars = pairs(names) if any(name.lower().endswith(SUFFIX) for name in names) else {}
    for sidecar, owners in sidecars.items():
        for photo in owners:
            found[photo].append(sidecar)
    jsons = sorted(name for name in names if name.lower().endswith(takeout.SUFFIX))
    edits = {name[: -len(_EDITS)].lower(): name for name in names if name.lower().endswith(_EDITS)}
    photos = [*filter(is_photo_name, names)] if jsons or edits else []
    for photo, file in takeout.files_of_photos(photos, jsons).items():
        found[photo].append(file)
    for photo in photos if edits else ():
        stem = photo.rpartition(".")[0].lower()
        if edit := edits.get(stem) or edits.get(stem.replace("img_", "img_o", 1)):
            found[photo].append(edit)
    stills = defaultdict(list)
    for name in names if any(name.lower().endswith(MOVING_SUFFIXES) for name in names) else ():
        if name.lower().endswith(tuple(SHOWN_SUFFIXES)):
            stills[_shot(name)].append(name)
    for name in names if stills else ():
        if name.lower().endswith(MOVING_SUFFIXES) and _shot(name) in stills:
            found[name] += sorted(stills[_shot(name)])
    return found


def _shot(name: str) -> str:
    """What the files of one shot have in common: an iPhone's edit is IMG_E1234 beside IMG_1234, and in the package of Apple
    Photos, the film beside UUID.heic is UUID_3.mov.
    """
    return _FILM_IN_PACKAGE.sub(r"\1", _EDITED_PHONE.sub("IMG_", name.rpartition(".")[0]))


def read_companions(photo: Path, names: Iterable[str], known: Collection[bytes]) -> dict[str, Fact]:
    """The facts in a photo's side-cars, by names of tags; skips files that are too large or unreadable.

    `known` are the hashes of the photo's bytes and of its picture; a side-car written for another picture is skipped.
    """
    facts: dict[str, Fact] = {}
    in_order = sorted(names, key=len, reverse=True)  # the shortest name takes precedence
    for path in map(photo.with_name, in_order):
        if path.suffix.lower() in SHOWN_SUFFIXES:
            continue
        if path.suffix.lower() == _EDITS:
            facts[EDITED] = 1
        elif path.suffix.lower() == SUFFIX:
            _add_sidecar(facts, path, photo, known)
        else:
            facts |= takeout.read_takeout(_content(path, takeout.MOST_BYTES))
    return facts


def _add_sidecar(facts: dict[str, Fact], path: Path, photo: Path, known: Collection[bytes]) -> None:
    from picsight_engine.photos.metadata.xmp import ORIGINAL_FACT, SUFFIX_FACT, read_facts  # 33 ms
    from picsight_engine.photos.metadata.xmp_tree import PacketError

    is_long = path.stem == photo.name
    if not is_long and not short_counts(path, photo):
        return
    try:
        found = read_facts(_content(path, _MOST_BYTES))
    except PacketError:  # an import reports it
        return
    original = found.get(ORIGINAL_FACT)
    if original is not None and original not in {digest.hex() for digest in known}:
        return
    if is_long or belongs_to(found.get(SUFFIX_FACT), photo):
        if not is_long and b":CopiedHash" in _content(long_sidecar(photo), _MOST_BYTES):
            for name in ("XMP-dc:Subject", "XMP-xmp:Rating"):  # if it lacks them, they were removed there
                facts.pop(name, None)
        facts |= {name: fact for name, fact in found.items() if fact != ()}


def _content(path: Path, most: int) -> bytes:
    """The content of a file; empty if it is too large or not a file."""
    try:
        info = path.stat()
        return path.read_bytes() if stat.S_ISREG(info.st_mode) and info.st_size <= most else b""
    except OSError:
        return b""
