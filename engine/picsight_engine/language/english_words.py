"""What English words of captions are: small words, adjectives, and nouns with their plurals."""

from __future__ import annotations

import re
from pathlib import Path

# English words of captions, by kind: small ones such as prepositions; adjectives, besides those that their endings show, and
# which of them are nouns, too; what stands before "of", because a glass of wine is no "wine glass"; nouns without a
# plural; irregular plurals.
_FILE = Path(__file__).with_name("english_words.tsv")
_WORDS = dict(line.split("\t") for line in _FILE.read_text(encoding="utf-8").splitlines())
SMALL, _ADJECTIVES, NOUNS, WHOLES, _UNCOUNTED = (
    frozenset(_WORDS[kind].split()) for kind in ("small", "adjectives", "nouns", "wholes", "uncounted")
)
_PLURALS = dict(pair.split(":") for pair in _WORDS["plurals"].split())


def is_small(reading: str) -> bool:
    """Whether an English reading is dropped, or ends in a small word such as a preposition."""
    return not reading or reading.rsplit(" ", maxsplit=1)[-1] in SMALL


def is_adjective(word: str) -> bool:
    """Whether an English word is used as an adjective in captions."""
    return word in _ADJECTIVES or (
        len(word) > 5 and word.endswith(("ed", "ish", "ous", "ful", "less", "like"))
    )


def plural_of(reading: str) -> str:
    """The plural of a noun; adjectives, verbs and what is plural already stay."""
    word = reading.rsplit(" ", maxsplit=1)[-1]
    if (
        is_small(reading)
        or (is_adjective(word) and word not in NOUNS)
        or word in _UNCOUNTED
        or word.endswith(("ing", "s"))
    ):
        return reading
    if word in _PLURALS:
        return reading.removesuffix(word) + _PLURALS[word]
    if re.search("[^aeiou]y$", word):
        return f"{reading[:-1]}ies"
    return reading + ("es" if word.endswith(("ch", "sh", "x", "z", "tomato", "potato")) else "s")
