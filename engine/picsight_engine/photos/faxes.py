"""Damaged fax pages in TIFF files: libtiff paints the rest white and says so on standard error only."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

_CODINGS = frozenset(["group3", "group4", "tiff_ccitt"])
_STANDARD_ERROR = 2
_lock = threading.Lock()  # there is one standard error


class DamagedFaxError(ValueError):
    """The coded lines of a fax page are broken."""


@contextlib.contextmanager
def complaints_raised(image: ImageFile) -> Iterator[None]:
    """While a fax page is loaded, what libtiff writes to standard error becomes an exception; other pictures pass.

    Raises:
        DamagedFaxError: on leaving, if libtiff complained.
    """
    if image.info.get("compression") not in _CODINGS:
        yield
        return
    with _lock, tempfile.TemporaryFile() as heard:
        try:
            kept = os.dup(_STANDARD_ERROR)
        except OSError:  # a program without a console has none
            yield
            return
        os.dup2(heard.fileno(), _STANDARD_ERROR)
        try:
            yield
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
        heard.seek(0)
        complaint = heard.read()
    if complaint:
        raise DamagedFaxError(complaint.decode("utf-8", "replace"))
