"""Reads a photo file's bytes, and defines the form of messages about a file."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.errors import ImageError

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.errors import ProblemCode


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for one photo: the size of the picture, its longer side, the size of the file, and seconds in total
    (enforced by the parent process).
    """

    megapixels: float = 250
    side: int = 1_000_000  # pixels: rows and weights of a longer one fill memory, however few pixels it has
    bytes: int = 1_000_000_000
    seconds: float = 30


def read_photo(path: Path, limits: Limits) -> bytes:
    """The whole file; never blocks on a pipe, a socket or a device in place of a photo.

    Raises:
        ImageError: `empty`, `too_large`, `no_permission`, `vanished`, or `damaged` if the disk cannot read it.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:  # pathlib takes no opener
            info = os.fstat(file.fileno())
            is_file, fits = stat.S_ISREG(info.st_mode), info.st_size <= limits.bytes
            data = file.read() if is_file and fits else b""
    except (FileNotFoundError, NotADirectoryError):
        raise problem("vanished", path, "is no longer there") from None
    except PermissionError:
        reason = "may not be read: change its permissions and index again"
        raise problem("no_permission", path, reason) from None
    except OSError as fault:
        if fault.errno not in {errno.EISDIR, errno.ENXIO}:  # a folder; a socket
            reason = f"cannot be read from the disk ({fault.strerror})"
            raise problem("damaged", path, reason) from fault
        is_file = False
    if not is_file:
        raise problem("vanished", path, "is no longer a file: something else stands in its place")
    if not fits:
        raise problem("too_large", path, f"is larger than the limit of {limits.bytes / 1e6:,.0f} megabytes")
    if not data:
        raise problem("empty", path, "is empty: the file holds no bytes")
    return data


def problem(code: ProblemCode, path: Path, reason: str) -> ImageError:
    """One sentence about a file."""
    return ImageError(code, f"{shown(path)} {reason}.", path)


def shown(path: Path | str) -> str:
    """A path for a message; invalid bytes become question marks, so that any output accepts it."""
    return os.fsencode(path).decode("utf-8", "replace")


def _open_at_once(name: str, flags: int) -> int:
    """Opens a pipe without waiting for a writer; regular files open as usual."""
    try:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no such pipes
    except BlockingIOError:  # a file that another program has under a lease, which it must give up first
        return os.open(name, flags)
