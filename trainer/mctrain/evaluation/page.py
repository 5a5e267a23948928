"""Places texts and pictures on a page that grows downwards, and then paints them: Pillow's own drawing."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

    Painter = Callable[[Image.Image, ImageDraw.ImageDraw], None]
    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

INK, QUIET, RULE = "#1d1d1f", "#66666b", "#d5d5da"
_PAPER, _CUT = "white", "…"
_LINE_HEIGHT = 1.35  # of a font's size
_SYSTEM_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "arial.ttf")


@lru_cache(maxsize=8)
def font_of(size: int) -> Font:
    """A font of the system that has more than English letters, or Pillow's own."""
    for name in _SYSTEM_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


@dataclass(slots=True)
class Page:
    """What is to be painted, and how far down it reaches."""

    width: int
    bottom: int = 0
    _painters: list[Painter] = field(default_factory=list)

    def text(self, left: int, top: int, words: str, size: int, *, ink: str = INK) -> None:
        """One line."""
        self._painters.append(lambda _, draw: draw.text((left, top), words, ink, font_of(size)))
        self._reach(top + line_height(size))

    def picture(self, left: int, top: int, image: Image.Image) -> None:
        """A picture as large as it is."""
        self._painters.append(lambda canvas, _: canvas.paste(image, (left, top)))
        self._reach(top + image.height)

    def rule(self, top: int) -> None:
        """A thin line across the page."""
        self._painters.append(lambda _, draw: draw.line([(0, top), (self.width, top)], RULE, 1))
        self._reach(top + 1)

    def _reach(self, bottom: int) -> None:
        self.bottom = max(self.bottom, bottom)

    def paint(self, margin: int) -> Image.Image:
        """The page with this much room below."""
        canvas = Image.new("RGB", (self.width, self.bottom + margin), _PAPER)
        draw = ImageDraw.Draw(canvas)
        for painter in self._painters:
            painter(canvas, draw)
        return canvas


def line_height(size: int) -> int:
    """Pixels from one line to the next."""
    return round(size * _LINE_HEIGHT)


def wrapped(text: str, size: int, width: int, most: int) -> list[str]:
    """A text as at most so many lines of this width: words that are longer are divided, and what is cut ends in three dots."""
    font = font_of(size)
    lines: list[str] = []
    rest = _printable(text)
    while rest and len(lines) < most:
        taken = _fitting(rest, font, width)
        if taken < len(rest) and len(lines) == most - 1:
            taken = _fitting(rest, font, width - round(font.getlength(_CUT)))
            return [*lines, rest[:taken].rstrip() + _CUT]
        lines.append(rest[:taken].rstrip())
        rest = rest[taken:].lstrip()
    return lines


def _fitting(text: str, font: Font, width: int) -> int:
    """How many letters go into a line: up to a blank where there is one, at least one."""
    low, high = 1, min(len(text), width)  # a letter a pixel would be many
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(text[:middle]) <= width else (low, middle - 1)
    if low == len(text) or text[low] == " ":
        return low
    blank = text.rfind(" ", 0, low)
    return blank if blank > low // 2 else low  # a long word is rather divided than put into a line of its own


def _printable(text: str) -> str:
    """One line, without what no font draws: control letters, halves of surrogate pairs."""
    return " ".join("".join(map(_drawable, unicodedata.normalize("NFC", text))).split())


def _drawable(letter: str) -> str:
    if letter.isprintable():
        return letter
    return "" if unicodedata.category(letter) in {"Cf", "Cs"} else " "
