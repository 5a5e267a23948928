"""Reads a photo file's bytes, and defines the form of messages about a file."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from picsight_engine.foundation.errors import ImageError, Message
from picsight_engine.photos import formats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from picsight_engine.foundation.errors import ProblemCode, Value

Read = TypeVar("Read")
_PIECE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for one photo: the size of the picture, its longer side, the size of the file, and seconds in total
    (enforced by the parent process). A film may have any size; its seconds are those for a slow disk.
    """

    megapixels: float = 250
    side: int = 1_000_000  # pixels: rows and weights of a longer one fill memory, however few pixels it has
    bytes: int = 1_000_000_000
    seconds: float = 30
    film_seconds: float = 120

    def seconds_for(self, path: Path) -> float:
        """How long the reading of a file may take."""
        return self.film_seconds if formats.is_film(path) else self.seconds


def read_photo(path: Path, limits: Limits) -> bytes:
    """The whole file; never blocks on a pipe, a socket or a device in place of a photo.

    Raises:
        ImageError: `empty`, `too_large`, `no_permission`, `vanished`, or `damaged` if the disk cannot read it.
    """

    def whole(file: BinaryIO, size: int) -> bytes:
        if size > limits.bytes:
            reason = "is larger than the limit of {megabytes:,.0f} megabytes."
            raise problem("too_large", path, reason, megabytes=limits.bytes / 1e6)
        return file.read()

    return read_file(path, whole)


def film_extract(path: Path) -> bytes:
    """What counts for a film's identity: its length in eight bytes, then a MiB from its start, middle and end; the whole
    of a film up to 3 MiB. Raises ImageError like `read_photo`.
    """
    return read_file(path, _extract)


def _extract(file: BinaryIO, size: int) -> bytes:
    pieces = [size.to_bytes(8, "little")]
    starts = (0, (size - _PIECE) // 2, size - _PIECE) if size > 3 * _PIECE else (0, _PIECE, 2 * _PIECE)
    for start in starts:
        file.seek(start)
        pieces.append(file.read(_PIECE))
    return b"".join(pieces)


def read_file(path: Path, read: Callable[[BinaryIO, int], Read]) -> Read:
    """What `read` returns for the open file and its size in bytes; raises ImageError like `read_photo`."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:  # pathlib takes no opener
            info = os.fstat(file.fileno())
            if stat.S_ISREG(info.st_mode):
                if not info.st_size:
                    raise unshowable("empty", path, "the file is empty.")
                return read(file, info.st_size)
    except (FileNotFoundError, NotADirectoryError):
        raise problem("vanished", path, "is no longer there.") from None
    except PermissionError:
        reason = "may not be read: change its permissions and index again."
        raise problem("no_permission", path, reason) from None
    except OSError as fault:
        if fault.errno not in {errno.EISDIR, errno.ENXIO}:  # a folder; a socket
            reason = "cannot be read from the disk ({fault})."
            raise problem("damaged", path, reason, fault=fault.strerror) from fault
    raise problem("vanished", path, "is no longer a file: something else stands in its place.")


def problem(code: ProblemCode, path: Path, reason: str, **values: Value) -> ImageError:
    """One sentence about a file; the `reason` is what follows its path, a template for `values`."""
    return ImageError(code, Message("{path} {reason}", path=path, reason=Message(reason, **values)), path)


def unshowable(code: ProblemCode, path: Path, reason: Message | str) -> ImageError:
    """One sentence about a file of which no picture can be made."""
    message = Message("{path} cannot be shown: {reason}", path=path, reason=Message.from_words(reason))
    return ImageError(code, message, path)


def known_format(data: bytes, path: Path) -> formats.Format:
    """The format of a picture by its first bytes, at least `formats.FIRST`; `path` gives its suffix.

    Raises:
        ImageError: `empty`, `unsupported` or `not_an_image`.
    """
    if not data:
        raise unshowable("empty", path, "the file is empty.")
    kind = formats.find_format(data, path.suffix)
    if kind is None:
        unknown, reason = formats.describe_unknown(data)
        raise unshowable(unknown, path, reason)
    return kind


def lost_photo(code: ProblemCode, path: Path, limits: Limits, outcome: str) -> ImageError:
    """One sentence about a file whose process crashed or took too long; `outcome` is what follows, as "was left out"."""
    fault = Message("makes the program that reads pictures crash")
    if code == "timeout":
        fault = Message("took longer than {seconds:g} seconds to read", seconds=limits.seconds_for(path))
    reason = "{fault}, so it {outcome}. Save it again in another program."
    return problem(code, path, reason, fault=fault, outcome=Message(outcome))


def _open_at_once(name: str, flags: int) -> int:
    """Opens a pipe without waiting for a writer; regular files open as usual."""
    try:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no such pipes
    except BlockingIOError:  # a file that another program has under a lease, which it must give up first
        return os.open(name, flags)
