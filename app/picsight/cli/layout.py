"""Lines that fit a terminal: width in cells, paths shortened in the middle, numbers and durations in words."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING

from picsight.texts import counted, tr

if TYPE_CHECKING:
    from typing import TextIO

USUAL_WIDTH = 80
MINUTE = 60
HOUR = 60 * MINUTE


def terminal_width(stream: TextIO) -> int:
    """The columns of the stream's terminal, 80 if unknown."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    except (OSError, ValueError):
        return USUAL_WIDTH


def printable(text: str) -> str:
    """The text with control characters escaped: a file name cannot move the cursor or colour the screen.

    An undecodable byte stays, unless a terminal without Unicode could read it as a control (0x80 to 0x9f).
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or "\udca0" <= character <= "\udcff" else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udc9f":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return ascii(character)[1:-1]


def cells(text: str) -> int:
    """The width of the text in terminal cells; East Asian characters take two, combining ones none."""
    return sum(_cells_of(character) for character in text)


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut_middle(text: str, width: int) -> str:
    """Shortens a path in its middle to `width` cells; its end, the most informative part, keeps two thirds.

    Escapes take room, so the text is escaped first.
    """
    text = printable(text)
    if cells(text) <= width:
        return text
    if width <= 3:
        return _tail(text, width)
    kept = width - 3
    ending = _tail(text, kept - kept // 3)
    return _head(text, kept - cells(ending)) + "..." + ending


def _head(text: str, width: int) -> str:
    end = 0
    for character in text:
        width -= _cells_of(character)
        if width < 0:
            break
        end += 1
    return text[:end]


def _tail(text: str, width: int) -> str:
    return _head(text[::-1], width)[::-1]


def photos(number: int) -> str:
    """A number of photos: "1 photo", "48,210 photos"."""
    return counted(number, "%n photo", "%n photos")


def duration(seconds: float) -> str:
    """A time left, as a person would say it: "under a minute", "about 25 minutes", "about 3 hours"."""
    if seconds < MINUTE:
        return tr("under a minute")
    if seconds < HOUR:
        return counted(round(seconds / MINUTE), "about %n minute", "about %n minutes")
    return counted(round(seconds / HOUR), "about %n hour", "about %n hours")


def size(number_of_bytes: int) -> str:
    """A size as people read it: "48.2 MB"."""
    if number_of_bytes < 1000:
        return tr("{number} bytes", number=number_of_bytes)
    units = ("{number:.1f} kB", "{number:.1f} MB", "{number:.1f} GB", "{number:.1f} TB")
    power = min((len(str(number_of_bytes)) - 1) // 3, len(units))
    return tr(units[power - 1], number=number_of_bytes / 1000**power)
