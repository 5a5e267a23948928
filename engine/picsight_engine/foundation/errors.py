"""Messages for the user, as values, and the exceptions of the engine, each with one such sentence.

PicsightError            any error that the user sees; `exit_code` is the exit code of the command line
├── ImageError           one file cannot be indexed or shown: it is listed under problems, the work goes on
├── BundleError          a model bundle is incomplete, changed or too new (exit code 3)
│   └── VectorError      a tower returned a vector without a direction
├── LexiconError         a lexicon is missing or damaged: the words are searched as typed
├── LibraryError         the library is damaged, or was made by a newer program (exit code 3)
├── StorageError         the disk is full, read-only or gone: nothing was lost, the work stopped
├── BusyError            another process is indexing the library or installing a model: nothing was started
├── DownloadError        a model cannot be downloaded: no network, a refusal, or a wrong checksum
├── CancelledError       the user stopped the work; finished parts are kept
├── ForeignFolderError   the folder for a library holds photos or other files of the user (exit code 2)
└── RequestError         the request names something that does not exist: a folder, a photo (exit code 2)
    └── ReplaceError     an export would replace an existing file that may still be needed
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from gettext import NullTranslations
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import TypeAlias

    Value: TypeAlias = str | float | Path | "Message" | BaseException | None

ProblemCode = Literal[
    "empty", "not_an_image", "unsupported", "damaged", "truncated",
    "too_large", "no_permission", "vanished", "timeout", "crashed", "not_read", "in_cloud",
]  # fmt: skip


@dataclass(frozen=True, slots=True, init=False)
class Message:
    """Words for a person: an English template, by which code knows it, and the values that it names.

    The outermost layer words it by a catalogue; `str()` does so in English. Without values the template is the text, braces
    included. Words of the system or of a library are values. Of something counted, the template is the words for exactly one
    thing, and `number` and `many`, the words for other numbers, are among the values.
    """

    template: str
    values: Mapping[str, str | float | Message | None] = field(hash=False)

    def __init__(self, template: str, /, **values: Value) -> None:
        known = {name: _kept(value) for name, value in values.items()}
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "values", known)

    @classmethod
    def from_words(cls, words: Message | str) -> Message:
        """The words themselves if they are a message already."""
        return cls(words) if isinstance(words, str) else words

    @classmethod
    def counted(cls, number: int, one: str, many: str, **values: Value) -> Message:
        """The words for exactly one thing, or for another number of them."""
        return cls(one, number=number, many=many, **values)

    def joining(self, parts: Iterable[Message | str]) -> Message | str:
        """The parts, one after the other, by these words, which name the `{first}` ones and the `{next}` one."""
        return reduce(lambda first, other: self.about(first=first, next=other), parts)

    def about(self, **values: Value) -> Message:
        """The same words with these values too."""
        return Message(self.template, **{**self.values, **values})

    def __str__(self) -> str:
        return self.worded(_ENGLISH)

    def worded(self, catalogue: NullTranslations) -> str:
        """The words in the language of the catalogue."""
        values = {
            name: each.worded(catalogue) if isinstance(each, Message) else each
            for name, each in self.values.items()
        }
        match self.values:
            case {"number": int(number), "many": str(many)}:
                words = catalogue.ngettext(self.template, many, number)
            case _:
                words = catalogue.gettext(self.template)
        return words.format_map(values) if values else words


_ENGLISH = NullTranslations()


def _kept(value: Value) -> str | float | Message | None:
    match value:
        case os.PathLike():
            return as_text(value)
        case BaseException(args=(Message() as message, *_)):
            return message
        case BaseException():
            return str(value)
        case _:
            return value


def as_text(path: Path | str | bytes) -> str:
    """A path for a message; invalid bytes become question marks, so that any output accepts it."""
    return os.fsencode(path).decode("utf-8", "replace")


class PicsightError(Exception):
    """A failure whose `message` is shown to the user: what, which file, why, what to do."""

    exit_code = 1

    def __init__(self, message: Message | str, /, **values: Value) -> None:
        """The template of a message with its `values`, or a message."""
        self.message = Message(message, **values) if isinstance(message, str) else message
        super().__init__(self.message)


class ImageError(PicsightError):
    """One picture file cannot be read; `code` is the reason listed under problems."""

    def __init__(self, code: ProblemCode, message: Message | str, path: Path | None = None) -> None:
        super().__init__(message)
        self.code: ProblemCode = code
        self.path = path

    def __reduce__(self) -> tuple[type[ImageError], tuple[ProblemCode, Message, Path | None]]:
        """Keeps every argument when pickled: a plain exception would lose the second one."""
        return type(self), (self.code, self.message, self.path)


class BundleError(PicsightError):
    """A model bundle cannot be used; the message names the file and the reason."""

    exit_code = 3


class VectorError(BundleError):
    """A tower returned NaN or only zeros for its input: such a vector cannot be compared."""


class LexiconError(PicsightError):
    """A lexicon of another language is missing or damaged."""


class LibraryError(PicsightError):
    """The library cannot be opened; nothing in it was changed."""

    exit_code = 3


class StorageError(PicsightError):
    """The disk is full, read-only or disconnected."""


class BusyError(PicsightError):
    """Another process is already doing this work on the library or the models; try again later."""


class DownloadError(PicsightError):
    """A file cannot be downloaded or has a wrong checksum; it is not used."""


class CancelledError(PicsightError):
    """The user stopped the work."""

    exit_code = 130


class ForeignFolderError(PicsightError):
    """The folder named for the library holds other files; separate from RequestError, which can mean "not yet"."""

    exit_code = 2


class RequestError(PicsightError):
    """The requested thing does not exist."""

    exit_code = 2


class ReplaceError(RequestError):
    """An export would replace an existing file that may still be needed; the file was left as it is."""


@contextmanager
def faults_as(
    faults: type[Exception] | tuple[type[Exception], ...],
    kind: type[PicsightError],
    words: str,
    **values: Value,
) -> Iterator[None]:
    """Turns these exceptions into an error of this kind, whose words may name the `{fault}`, or the system's `{reason}` for it."""
    try:
        yield
    except faults as fault:
        raise kind(words, **values, fault=fault, reason=getattr(fault, "strerror", None)) from fault


def refusal(fault: Exception) -> Message | None:
    """The sentence for a path that the system refuses, such as one in a folder without permission; None for other faults."""
    if isinstance(fault, OSError) and isinstance(fault.filename, str | bytes):
        words = "{path} cannot be used ({reason}); check its name, its permissions and its disk."
        return Message(words, path=as_text(fault.filename), reason=fault.strerror)
    return None
