"""How common it is that photos show what a search asks for, by the words that are said of some 34,000 everyday photos.

Nearly every library shows dogs, and hardly one a pangolin: less need speak for the one than for the other. And words as
plain as "person" have low cosines even with the photos that they are right for.
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import cache
from importlib import resources

_TABLE = "everyday_words.tsv"  # `mctrain data words` counts them
_MORE = 0.5  # what each further word takes: fitted to the photos of which all words of a search are said
_THOUSAND = 1_000  # 0 is the commonness of what one of a thousand photos shows
_SAYING_LITTLE = frozenset(
    [
        "a",
        "an",
        "the",
        "in",
        "on",
        "at",
        "of",
        "with",
        "and",
        "to",
        "is",
        "are",
        "his",
        "her",
        "its",
        "their",
        "by",
        "from",
        "for",
        "near",
    ]
)
_WORD = re.compile(r"\w+")
_PLURALS = (
    (re.compile(r"(?<=\w\w)ies$"), "y"),
    (re.compile(r"(?<=\w\w)(ch|sh|ss|x)es$"), r"\1"),
    (re.compile(r"(?<=\w\w)(?<![sui])s$"), ""),
)


def singular_words(text: str) -> list[str]:
    """The words of a text without regard to case and punctuation, in the singular as far as endings tell.

    >>> singular_words("Two Ponies, and boxes")
    ['two', 'pony', 'and', 'box']
    """
    return [_singular(word) for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold())]


def commonness(text: str) -> float:
    """The logarithm of how many of a thousand photos show it: 0 is one of them; that of the rarest word, less for more words.

    A word that was never said counts as one that was said of half a photo.
    """
    photos, said = _said()
    counts = [said.get(word, 0.5) for word in singular_words(text) if word not in _SAYING_LITTLE]
    unheard = math.log(_THOUSAND * 0.5 / photos)
    if not counts:
        return unheard
    return max(unheard, math.log(_THOUSAND * min(counts) / photos) - _MORE * (len(counts) - 1))


@cache
def _said() -> tuple[int, dict[str, int]]:
    """How many photos were counted, and of how many of them each word is said."""
    table = resources.files(__package__).joinpath(_TABLE).read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines())
    said = {word: int(count) for word, count in rows}
    return said.pop("*"), said


def _singular(word: str) -> str:
    for ending, rest in _PLURALS:
        changed = ending.sub(rest, word)
        if changed != word:
            return changed
    return word
