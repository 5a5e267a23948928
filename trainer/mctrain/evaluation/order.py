"""Does a model read a sentence, or only its words? Captions against the same words in another order.

After ARO (Yuksekgonul et al., 2023), made anew: its tagger is replaced by two lists of words, and a draw depends on the
photo and the caption alone, so a set has the same texts wherever they are made. Figures are therefore not comparable with
published ones. ARO's relations and attributes come from scene graphs; here they are what a caption says, by a rule
that leaves many captions out, and now and then changes nothing that could be seen.
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

_LONGEST = 30  # words of a caption; the rest is cut off
_DROPPED = re.compile(r'[.!"()*#:;~]')
# Between two things these say nothing that is lost when the things change places: "a man with a dog".
_JOINING = {
    "and",
    "or",
    "with",
    "near",
    "beside",
    "by",
    "of",
    "between",
    "around",
    "alongside",
    "next",
    "to",
    "together",
}
_EITHER_WAY = frozenset(_JOINING | {",", "&", "a", "an", "the", "his", "her"})


@dataclass(frozen=True, slots=True)
class ConfusedCaption:
    """A caption, and what it must be told from; a kind of confusion that does not apply has no text.

    `order` are up to four orders of all its words; of `relation` two things, of `attribute` two attributes have changed places.
    """

    caption: str
    order: tuple[str, ...]
    relation: tuple[str, ...]
    attribute: tuple[str, ...]


def normal(caption: str) -> str:
    """Lower case, without the marks that a shuffle would betray, at most thirty words."""
    return " ".join(_DROPPED.sub(" ", caption.lower()).replace(",", " , ").split()[:_LONGEST])


def confuse(caption: str, seed: str) -> ConfusedCaption:
    """What a caption is confused with. Whatever comes out as it was, or twice, asks nothing and is left out."""
    words, draw = normal(caption).split(), Random(seed)  # noqa: S311 (no secret)
    each = " ".join(words)
    shuffled = [" ".join(shuffle(words, draw)) for shuffle in SHUFFLES]
    orders = tuple(dict.fromkeys(other for other in shuffled if other != each))
    return ConfusedCaption(each, orders, _swapped(words, _things(words)), _swapped(words, _attributes(words)))


def shuffle_named(words: Sequence[str], draw: Random) -> Words:
    """Nouns among the places of nouns, adjectives among those of adjectives."""
    nouns, adjectives = _lists()
    return _shuffled(_shuffled(words, _places(words, nouns), draw), _places(words, adjectives), draw)


def shuffle_rest(words: Sequence[str], draw: Random) -> Words:
    """All words but nouns and adjectives."""
    named = frozenset[str]().union(*_lists())
    return _shuffled(words, [place for place, word in enumerate(words) if word not in named], draw)


def shuffle_in_trigrams(words: Sequence[str], draw: Random) -> Words:
    """Words inside each three that follow one another."""
    return [word for part in _trigrams(words) for word in draw.sample(part, len(part))]


def shuffle_trigrams(words: Sequence[str], draw: Random) -> Words:
    """The order of these threes."""
    parts = _trigrams(words)
    return [word for part in draw.sample(parts, len(parts)) for word in part]


SHUFFLES: tuple[Callable[[Sequence[str], Random], Words], ...] = (
    shuffle_named,
    shuffle_rest,
    shuffle_in_trigrams,
    shuffle_trigrams,
)


def _things(words: Sequence[str]) -> tuple[int, int] | None:
    """The places of the first two nouns, with something between them that tells which does what to which.

    Of nouns that follow one another the last is the thing: a tennis ball is a ball.
    """
    known, adjectives = _lists()
    nouns = [place for place in _places(words, known) if not known.intersection(words[place + 1 : place + 2])]
    for one, other in pairwise(nouns):
        between = set(words[one + 1 : other]) - _EITHER_WAY - adjectives
        if words[one] != words[other] and between:
            return one, other
    return None


def _attributes(words: Sequence[str]) -> tuple[int, int] | None:
    """The places of the first two adjectives that differ and stand before nouns that differ."""
    nouns, adjectives = _lists()
    held = [
        place
        for place in _places(words, adjectives)
        if words[place + 1 : place + 2] and words[place + 1] in nouns
    ]
    for one, other in pairwise(held):
        if words[one] != words[other] and words[one + 1] != words[other + 1]:
            return one, other
    return None


def _swapped(words: Sequence[str], places: tuple[int, int] | None) -> tuple[str, ...]:
    if places is None:
        return ()
    one, other = places
    swapped = list(words)
    swapped[one], swapped[other] = words[other], words[one]
    return (" ".join(swapped),)


def _shuffled(words: Sequence[str], places: Sequence[int], draw: Random) -> Words:
    shuffled = list(words)
    for place, source in zip(places, draw.sample(places, len(places)), strict=True):
        shuffled[place] = words[source]
    return shuffled


def _trigrams(words: Sequence[str]) -> list[Sequence[str]]:
    return [words[start : start + 3] for start in range(0, len(words), 3)]


def _places(words: Sequence[str], wanted: frozenset[str]) -> list[int]:
    return [place for place, word in enumerate(words) if word in wanted]


@cache
def _lists() -> tuple[frozenset[str], frozenset[str]]:
    """Nouns and adjectives."""
    content = resources.files("mctrain").joinpath("evaluation", "words.toml").read_text(encoding="utf-8")
    lists = tomllib.loads(content)
    return frozenset(lists["nouns"].split()), frozenset(lists["adjectives"].split())
