"""The lines of words that are written in a picture, and which of them a search means."""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from picsight_engine.foundation.folding import begins_word, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class WrittenLine(NamedTuple):
    """A line as it was read, with a confidence from 0 to 1, and where it stands in the upright picture.

    `x` and `width` are shares of the picture's width, `y` and `height` of its height. The rectangle is meant before it is turned
    by `angle` about its centre: degrees, clockwise, from above -180 to 180; 0 is level. A turned one may reach over the edge.
    """

    text: str
    confidence: float
    x: float
    y: float
    width: float
    height: float
    angle: float


def joined(lines: Sequence[WrittenLine]) -> str:
    """The folded text of lines in reading order, so that words match across the end of a line."""
    return " ".join(fold(line.text) for line in lines)


def matching(
    lines: Sequence[WrittenLine], texts: Iterable[str], words: Iterable[str]
) -> tuple[WrittenLine, ...]:
    """The lines that hold, or share, one of these texts, or have a word (from `words_in`) as `begins_word` says."""
    whole, found = joined(lines), set[int]()
    ends = [*accumulate(len(fold(line.text)) + 1 for line in lines)]
    for text in filter(None, map(fold, texts)):
        at = whole.find(text)
        while at >= 0:
            found.update(range(bisect(ends, at), bisect(ends, at + len(text) - 1) + 1))
            at = whole.find(text, at + 1)
    sought = [*words]
    return tuple(
        line
        for row, line in enumerate(lines)
        if row in found or any(says_word(line.text, word) for word in sought)
    )


def says_word(text: str, word: str) -> bool:
    """Whether a line has this word or begins one with it; between East Asian characters are no spaces, so they may stand anywhere."""
    return begins_word(text, word) or (is_east_asian(word) and word in fold(text))


def is_east_asian(word: str) -> bool:
    """Whether a word is written without spaces around it."""
    return any(letter >= "\u2e80" for letter in word)
