"""The few exceptions of the engine, each carrying one sentence for a person.

PicsightError            anything that a person is told about; `exit_code` is what the command line returns
├── ImageError           one file cannot be indexed or shown: it is listed under problems, the work goes on
├── BundleError          a model bundle is incomplete, changed or too new (exit code 3)
│   └── VectorError      a tower gave something that has no direction
├── LibraryError         the library is damaged, or was made by a newer program (exit code 3)
├── StorageError         the disk is full, read-only or gone: nothing was lost, the work stopped
├── BusyError            another process is indexing into the library, or installs a model: nothing was begun
├── DownloadError        a model cannot be fetched: no network, a refusal, or other bytes than were wanted
├── CancelledError       a person stopped the work; what was done so far is kept
├── ForeignFolderError   a library is to lie among photos or other files of a person (exit code 2)
└── RequestError         what was asked for does not exist: a folder, a photo, an empty library (exit code 2)
    └── ReplaceError     a file is there that an export would replace, and that may be kept for what is in it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

ProblemCode = Literal[
    "empty", "not_an_image", "unsupported", "damaged", "truncated",
    "too_large", "no_permission", "vanished", "timeout", "crashed", "not_read",
]  # fmt: skip


class PicsightError(Exception):
    """A failure that is told to a person as it stands: what, which file, why, what to do."""

    exit_code = 1


class ImageError(PicsightError):
    """One picture file cannot be read; `code` is one of the reasons that `problems` lists."""

    def __init__(self, code: ProblemCode, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.code: ProblemCode = code
        self.message = message
        self.path = path

    def __reduce__(self) -> tuple[type[ImageError], tuple[ProblemCode, str, Path | None]]:
        """Crosses process borders whole: a plain exception would lose its second argument."""
        return type(self), (self.code, self.message, self.path)


class BundleError(PicsightError):
    """A model bundle cannot be used: the sentence names the file and the reason."""

    exit_code = 3


class VectorError(BundleError):
    """A tower gave no numbers, or only zeros, for what it was shown: nothing can be compared with that."""


class LibraryError(PicsightError):
    """The library cannot be opened; nothing in it was changed."""

    exit_code = 3


class StorageError(PicsightError):
    """The disk refused: full, read-only or disconnected."""


class BusyError(PicsightError):
    """Another process does the same work right now, on this library or on the models; later it will go."""


class DownloadError(PicsightError):
    """A file cannot be fetched, or is not the one that was wanted; nothing of it is used."""


class CancelledError(PicsightError):
    """The work was stopped at a person's word."""

    exit_code = 130


class ForeignFolderError(PicsightError):
    """The folder that was named for the library holds something else; apart from RequestError, which can mean "not yet"."""

    exit_code = 2


class RequestError(PicsightError):
    """What was asked for does not exist."""

    exit_code = 2


class ReplaceError(RequestError):
    """A file is there that an export would replace, and that may be kept for what is in it; it was left as it is."""
