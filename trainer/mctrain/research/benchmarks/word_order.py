"""Tests word order: captions against the same words in another order.

A reimplementation of ARO (Yuksekgonul et al., 2023): two word lists replace its tagger, and random draws depend only on
the photo and the caption, so a set has the same texts everywhere. Figures are not comparable with published ones. ARO's
relations and attributes come from scene graphs; here a rule takes them from captions. It skips many captions, and a
swap sometimes makes no visible difference.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Words = list[str]

_LONGEST = 30  # most words of a caption; longer ones are cut
_DROPPED = re.compile(r'[.!"()*#:;~]')
# Swapping two things around these words does not change the meaning: "a man with a dog".
_EITHER_WAY = frozenset(
    ", & and or with near beside by of between around alongside next to together a an the his her".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class CaptionNegatives:
    """A caption and its negatives; a kind that does not apply has no text.

    `order`: up to four shuffles of its words; `relation`: two things swapped; `attribute`: two attributes swapped.
    """

    caption: str
    order: tuple[str, ...]
    relation: tuple[str, ...]
    attribute: tuple[str, ...]


def normalised(caption: str) -> str:
    """Lower case, without punctuation that would reveal a shuffle, at most thirty words."""
    return " ".join(_DROPPED.sub(" ", caption.lower()).replace(",", " , ").split()[:_LONGEST])


def make_negatives(caption: str, seed: str) -> CaptionNegatives:
    """Makes the negatives of a caption; unchanged and repeated ones are left out."""
    words, draw = normalised(caption).split(), Random(seed)  # noqa: S311 (no secret)
    as_is = " ".join(words)
    shuffled = [" ".join(shuffle(words, draw)) for shuffle in SHUFFLES]
    orders = tuple(dict.fromkeys(other for other in shuffled if other != as_is))
    return CaptionNegatives(
        as_is, orders, _swapped(words, _nouns(words)), _swapped(words, _attributes(words))
    )


def shuffle_nouns_and_adjectives(words: Sequence[str], draw: Random) -> Words:
    """Shuffles the nouns among themselves, and the adjectives among themselves."""
    nouns, adjectives = _nouns_and_adjectives()
    return _shuffled(_shuffled(words, _positions(words, nouns), draw), _positions(words, adjectives), draw)


def shuffle_other_words(words: Sequence[str], draw: Random) -> Words:
    """Shuffles all words but nouns and adjectives."""
    named = frozenset[str]().union(*_nouns_and_adjectives())
    return _shuffled(words, [i for i, word in enumerate(words) if word not in named], draw)


def shuffle_in_trigrams(words: Sequence[str], draw: Random) -> Words:
    """Shuffles the words inside each trigram."""
    return [word for part in _trigrams(words) for word in draw.sample(part, len(part))]


def shuffle_trigrams(words: Sequence[str], draw: Random) -> Words:
    """Shuffles the order of the trigrams."""
    parts = _trigrams(words)
    return [word for part in draw.sample(parts, len(parts)) for word in part]


SHUFFLES: tuple[Callable[[Sequence[str], Random], Words], ...] = (
    shuffle_nouns_and_adjectives,
    shuffle_other_words,
    shuffle_in_trigrams,
    shuffle_trigrams,
)


def _nouns(words: Sequence[str]) -> tuple[int, int] | None:
    """The positions of the first two nouns with a directed relation between them.

    In a sequence of nouns the last is the thing: a tennis ball is a ball.
    """
    known, adjectives = _nouns_and_adjectives()
    nouns = [i for i in _positions(words, known) if not known.intersection(words[i + 1 : i + 2])]
    for one, other in pairwise(nouns):
        between = set(words[one + 1 : other]) - _EITHER_WAY - adjectives
        if words[one] != words[other] and between:
            return one, other
    return None


def _attributes(words: Sequence[str]) -> tuple[int, int] | None:
    """The positions of the first two different adjectives before different nouns."""
    nouns, adjectives = _nouns_and_adjectives()
    held = [i for i in _positions(words, adjectives) if words[i + 1 : i + 2] and words[i + 1] in nouns]
    for one, other in pairwise(held):
        if words[one] != words[other] and words[one + 1] != words[other + 1]:
            return one, other
    return None


def _swapped(words: Sequence[str], positions: tuple[int, int] | None) -> tuple[str, ...]:
    if positions is None:
        return ()
    one, other = positions
    swapped = list(words)
    swapped[one], swapped[other] = words[other], words[one]
    return (" ".join(swapped),)


def _shuffled(words: Sequence[str], positions: Sequence[int], draw: Random) -> Words:
    shuffled = list(words)
    for i, source in zip(positions, draw.sample(positions, len(positions)), strict=True):
        shuffled[i] = words[source]
    return shuffled


def _trigrams(words: Sequence[str]) -> list[Sequence[str]]:
    return [words[start : start + 3] for start in range(0, len(words), 3)]


def _positions(words: Sequence[str], wanted: frozenset[str]) -> list[int]:
    return [i for i, word in enumerate(words) if word in wanted]


@cache
def _nouns_and_adjectives() -> tuple[frozenset[str], frozenset[str]]:
    """Nouns and adjectives."""
    content = (
        resources.files("mctrain")
        .joinpath("research", "benchmarks", "words.toml")
        .read_text(encoding="utf-8")
    )
    lists = tomllib.loads(content)
    return frozenset(lists["nouns"].split()), frozenset(lists["adjectives"].split())
