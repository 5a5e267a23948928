"""Compares texts by their words, so that a sentence which measures quality is known in any case, spacing and punctuation.

Up to two words are nobody's: "dog" and "red car" are searches of everyday-dev, and 2,570 of its 3,453 different ones of
that length are searches of photos for training as well. To keep them out would keep out the words themselves. From three
words on a text counts as a sentence, whether somebody wrote it as a caption or as a search.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

from mctrain.data.words import texts_by_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mctrain.data.words import Words

LEAST_WORDS = 3
_WORD = re.compile(r"\w+")


def plain_words(text: str) -> str:
    """The words of a text alone, in their order, without regard to case.

    >>> plain_words("A dog 's ball .") == plain_words("a Dog's ball")
    True
    """
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def sentence_of(text: str) -> str:
    """The words of a sentence; nothing for a text that is too short to be one."""
    words = plain_words(text)
    return words if words.count(" ") >= LEAST_WORDS - 1 else ""


def sentences_about(photo: Words) -> Iterator[str]:
    """Captions and searches of a photo, as words; names of classes are no sentences, however long."""
    kinds = texts_by_kind(photo)
    for kind in ("human", "synthetic", "query"):
        yield from filter(None, map(sentence_of, kinds[kind]))


def sentences_of_line(line: bytes) -> Iterator[str]:
    """What a line of a file of texts says, as words: all texts of a JSON object, or the columns of a table."""
    text = line.decode(errors="replace")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        record = None
    fields = record.values() if isinstance(record, dict) else text.split("\t")
    yield from filter(None, (sentence_of(field) for field in fields if isinstance(field, str)))
