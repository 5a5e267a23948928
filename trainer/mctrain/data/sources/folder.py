"""A person's own folder of photos, as it is: no template, translation or class file is asked for."""

from __future__ import annotations

import os
from pathlib import Path

from mctrain.data.sources.captions import CAPTIONS, Tables, words_beside
from mctrain.data.sources.listing import Entry, Listing
from mctrain.data.words import Words, described
from mctrain.errors import DataError
from picsight_engine.photos.decode import IMAGE_SUFFIXES
from picsight_engine.photos.sidecars import long_sidecar, short_sidecar
from picsight_engine.photos.xmp import PacketError, read_packet


def read_folder(folder: Path) -> Listing:
    """All photos in a folder and below, in the order of their paths, each with the words that lie beside it or in its XMP.

    Files and folders whose names begin with a dot are left alone, and links to other folders are not followed.

    Raises:
        DataError: the folder cannot be read.
    """
    tables = Tables()
    photos: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=_tell):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in files if not name.startswith(".")):
            path = Path(place, name)
            if path.suffix.lower() in IMAGE_SUFFIXES:
                photos.append(path)
            elif name.lower() == CAPTIONS or path.suffix.lower() == ".jsonl":
                tables.read(path, Path(place).relative_to(folder).as_posix())
    entries = []
    for path in photos:
        words = tables.words_of(path.relative_to(folder).as_posix())
        entries.append(Entry(path, words.joined(_beside(path, tables))))
    return Listing(tuple(entries), tuple(tables.close()))


def _beside(path: Path, tables: Tables) -> Words:
    try:
        return words_beside(path).joined(words_inside(path))
    except DataError as fault:
        tables.faults.append(str(fault))
        return Words()


def _tell(fault: OSError) -> None:
    raise DataError(f"The folder {fault.filename} cannot be read: {fault.strerror}.") from fault


_WITHIN = 1 << 20  # bytes: it stands before the picture


def words_inside(photo: Path) -> Words:
    """The description as a caption and keywords as searches, of the files beside a photo and of the photo's own.

    Raises:
        DataError: one of them cannot be read.
    """
    words = Words()
    for path in (long_sidecar(photo), short_sidecar(photo), photo):
        if path is not None and path.is_file():
            words = words.joined(_words(path))
    return words


def _words(path: Path) -> Words:
    try:
        with path.open("rb") as file:
            packet = read_packet(file.read(_WITHIN))
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}.") from fault
    except PacketError:  # of a packet that is cut or damaged the photo has no words
        return Words()
    queries = [path[-1] for path in packet.keywords]
    return described({"captions": [packet.description or ""], "queries": queries})
