"""Pieces of sentences: what stands between prepositions, verbs of being and signs, "wet sand" and "two young boys".

Found by a list of words, without grammar. One that several texts share is a phrase; of the others many are none.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LONGEST = 6  # words
_LEAST_SHARED = 2  # texts
_JOINTS = (
    "in", "on", "at", "with", "near", "by", "of", "from", "to", "into", "onto", "over", "under", "behind", "beside", "through",
    "across", "along", "against", "around", "between", "above", "below", "inside", "outside", "next", "front", "while", "as",
    "and", "who", "that", "which", "is", "are", "has", "have", "for", "during", "down", "up", "off", "out", "where", "there",
    "wearing", "holding",
)  # fmt: skip
_JOINT = re.compile(rf"[^\w\s'-]+|\b(?:{'|'.join(_JOINTS)})\b")
_ARTICLE = re.compile(r"^(?:a|an|the|his|her|their|its|some)\s+")


def common_pieces(texts: Iterable[str]) -> list[str]:
    """The pieces that at least two of the texts share and neither of them is, sorted."""
    texts = list(texts)
    counts = Counter(piece for text in texts for piece in set(pieces_of(text)))
    return sorted(piece for piece, count in counts.items() if count >= _LEAST_SHARED)


def pieces_of(text: str) -> Iterator[str]:
    """The pieces of a text, lower-case, each without the article that it begins with.

    >>> list(pieces_of("Two dogs run on the wet sand, near a man."))
    ['two dogs run', 'wet sand', 'man']
    """
    for part in _JOINT.split(text.lower()):
        piece = _ARTICLE.sub("", " ".join(part.split()), count=1)
        if piece and len(piece.split()) <= _LONGEST:
            yield piece
