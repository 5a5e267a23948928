"""The log file for details that the user is not shown, and the part of it that `--verbose` prints on stderr."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from picsight import locations
from picsight.cli.streams import say
from picsight_engine.foundation.errors import StorageError
from picsight_engine.foundation.private_files import make_private, make_private_folder, open_private

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 1_000_000
_ENGINE = "picsight_engine"


def log_details(details: str) -> Path | None:
    """Appends to the log file, which is restarted at 1 MB; None if it cannot be written."""
    try:
        log = locations.log_file()
        make_private_folder(log.parent)
        make_private(log.parent)
        make_private(log)
        grown = log.exists() and log.stat().st_size > _MOST_BYTES
        with open_private(log, "wb" if grown else "ab") as file:
            file.write((details.rstrip("\n") + "\n").encode(errors="backslashreplace"))
    except (OSError, StorageError):
        return None
    return log


def follow_engine(*, verbose: bool) -> None:
    """Writes the engine's log records to the log file, and with `verbose` to stderr too."""
    logger = logging.getLogger(_ENGINE)
    logger.setLevel(logging.INFO)
    file = _LogFile()
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(file)
    if verbose:
        logger.addHandler(_Sentences())


class _LogFile(logging.Handler):
    """Writes whole records."""

    def emit(self, record: logging.LogRecord) -> None:
        log_details(self.format(record))


class _Sentences(logging.Handler):
    """Prints the first line of a record, which is for users; the other lines are for programmers."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage().partition("\n")[0])
