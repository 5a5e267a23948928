"""The process in which photos are decoded for a screen: whatever a damaged file does to its decoder happens here.

Started by "spawn"; what decoding needs is imported once the process runs.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import TYPE_CHECKING

from picsight_engine.errors import ImageError
from picsight_engine.photos.reading import read_photo
from picsight_engine.processes import settle, silence_decoders, time_limit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from PIL import Image

    from picsight_engine.photos.reading import Limits

TRAY_BYTES = 8_000_000  # pixels pass in pieces of this size: one for a whole HD screen
_LEAST_SIDE = 64  # pixels of a reduced decode, however small the picture is wanted
_ALL = 1 << 30


@dataclass(frozen=True, slots=True)
class PhotoRequest:
    """To the process: this photo, to fit into `fit` pixels, or with all its own where that is None."""

    path: Path
    fit: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Exposed:
    """From the process: the photo is decoded, `width` by `height` in full; of `size` pixels the RGB bytes follow."""

    width: int
    height: int
    size: tuple[int, int]


def serve(connection: Connection, limits: Limits) -> None:
    """The process's whole life: take the shared memory, then answer wishes until the other side is gone.

    After `Exposed` come the lengths of the pieces, each once it lies in the shared memory and the one before was taken.
    """
    settle()
    from picsight_engine.photos import decode  # Pillow and numpy, 100 ms; `_expose` finds it loaded

    _ = decode
    silence_decoders()
    with suppress(EOFError, OSError):  # the other side is gone: there is nobody to tell
        connection.send(None)  # ready
        tray = SharedMemory(connection.recv())
        connection.send(None)  # from now on nobody needs its name
        view = tray.buf
        assert view is not None, "it is open"
        while True:
            _answer(connection, view, connection.recv(), limits)


def _answer(connection: Connection, tray: memoryview, wish: PhotoRequest, limits: Limits) -> None:
    try:
        with time_limit(limits.seconds):
            facts, image = _expose(wish, limits)
    except ImageError as fault:
        connection.send(fault)
        return
    except MemoryError:
        connection.send(
            ImageError("too_large", f"{wish.path} needs more memory to be shown than there is.", wish.path)
        )
        return
    connection.send(facts)
    for piece in _pieces(image):
        tray[: len(piece)] = piece
        connection.send(len(piece))
        connection.recv()  # taken


def _expose(wish: PhotoRequest, limits: Limits) -> tuple[Exposed, Image.Image]:
    from picsight_engine.photos.decode import decode

    side = _ALL if wish.fit is None else max(min(wish.fit), _LEAST_SIDE)
    picture = decode(read_photo(wish.path, limits), wish.path, min_side=side, limits=limits)
    image = picture.image
    if wish.fit is not None:
        image = _fitted(image, (picture.width, picture.height), wish.fit)
    return Exposed(picture.width, picture.height, image.size), image


def _fitted(image: Image.Image, full: tuple[int, int], fit: tuple[int, int]) -> Image.Image:
    """The picture no larger than its place: nothing is enlarged here, and no side vanishes."""
    from PIL import Image as Pillow

    scale = min(fit[0] / full[0], fit[1] / full[1])
    size = max(1, round(full[0] * scale)), max(1, round(full[1] * scale))
    if size[0] >= image.width and size[1] >= image.height:
        return image
    return image.resize(size, Pillow.Resampling.HAMMING)


def _pieces(image: Image.Image) -> Iterator[memoryview]:
    """The RGB bytes, row by row; never a second copy of a large picture."""
    rows = max(1, TRAY_BYTES // (3 * image.width))
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        data = memoryview(band.tobytes())
        for start in range(0, len(data), TRAY_BYTES):
            yield data[start : start + TRAY_BYTES]
