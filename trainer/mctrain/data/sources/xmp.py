"""The words that photo programs write into a photo's XMP, or into the .xmp beside it: its description, and its keywords.

Lightroom, digiKam, darktable, Apple's Photos on export and Windows write them there. Nothing else of XMP is looked at, and what
stands in IPTC alone is not found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.data.words import Words, described
from mctrain.errors import DataError
from picsight_engine.photos.sidecars import long_sidecar, short_sidecar
from picsight_engine.photos.xmp import PacketError, read_packet

if TYPE_CHECKING:
    from pathlib import Path

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
