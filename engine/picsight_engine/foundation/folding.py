"""Folds text for comparison: without case and accents, as words."""

from __future__ import annotations

import re
import unicodedata

SHORTEST_BEGINNING = 3  # letters by which the beginning of a word is found
# Accents on Latin, Greek and Cyrillic letters; in other scripts marks make different letters.
_ACCENTS = re.compile("[\u0300-\u036f]")
_LONE = re.compile("[\ud800-\udfff]")  # bytes that are not UTF-8, as os.fsdecode returns them


def fold(text: str) -> str:
    """The text for comparison: lower case, no accents, runs of white space as one space, invalid bytes as U+FFFD."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", _LONE.sub("\ufffd", text))
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)).casefold()
    return " ".join(text.lower().replace("\0", " ").split())


def words_in(text: str) -> list[str]:
    """The runs of letters and digits in a text, folded."""
    return re.findall(r"[^\W_]+", fold(text))


def begins_word(text: str, word: str) -> bool:
    """Whether a text has this word (from `words_in`), or, if it has three letters or more, a word that begins with it."""
    return any(
        each.startswith(word) if len(word) >= SHORTEST_BEGINNING else each == word for each in words_in(text)
    )
