"""Common search terms, and the photos that show them according to captions, searches and labels."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.texts import text_field, texts_by_kind
from picsight_engine.bundles.commonness import singular_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from mctrain.data.texts import SampleTexts

ABSENT, DOUBTFUL, SHOWN = 0, 1, 2

_LIST = "things.toml"
_TWICE = 2  # captions that must name a term: a single one may describe something hardly visible


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A search term; phrases that confirm it, with parts that occur in one text; and words that leave it in doubt."""

    query: str
    shows: tuple[tuple[str, ...], ...]
    may: tuple[str, ...]

    @property
    def doubts(self) -> tuple[str, ...]:
        """Phrases of which a single one raises doubt; one part of several does not."""
        return (*self.may, *(parts[0] for parts in self.shows if len(parts) == 1))

    def is_shown_by(self, text: str) -> bool:
        """Whether a text, in the form of `singular`, names what is searched for."""
        return any(all(part in text for part in parts) for parts in self.shows)


@dataclass(frozen=True, slots=True)
class _PhotoTexts:
    """The texts of a photo: captions, short texts (searches, labels), and all of them joined."""

    captions: tuple[str, ...]
    names: tuple[str, ...]
    everything: str


def load_search_terms() -> tuple[SearchTerm, ...]:
    """The built-in list."""
    text = resources.files("mctrain.evaluation").joinpath(_LIST).read_text(encoding="utf-8")
    return tuple(
        SearchTerm(
            query,
            tuple(tuple(map(singular, phrase.split("+"))) for phrase in term["shows"].split(",")),
            tuple(map(singular, filter(None, term.get("may", "").split(",")))),
        )
        for query, term in tomllib.loads(text).items()
    )


def singular(text: str) -> str:
    """The words of a text in the singular, by their endings, separated by blanks, so that `in` finds phrases.

    >>> singular("Two Ponies, and boxes") == " two pony and box "
    True
    """
    return f" {' '.join(singular_words(text))} "


def presence(terms: Sequence[SearchTerm], photos: Iterable[SampleTexts]) -> NDArray[np.int8]:
    """Whether each term is ABSENT from a photo, SHOWN by it, or DOUBTFUL: [terms, photos]."""
    texts = [_photo_texts(words) for words in photos]

    @cache
    def holders(phrase: str) -> NDArray[np.bool_]:
        return np.array([phrase in each.everything for each in texts], np.bool_)

    found = np.full((len(terms), len(texts)), ABSENT, np.int8)
    for term, row in zip(terms, found, strict=True):
        for phrase in term.doubts:
            row[holders(phrase)] = DOUBTFUL
        for photo in np.flatnonzero(np.any([holders(parts[0]) for parts in term.shows], axis=0)):
            named = any(map(term.is_shown_by, texts[photo].names))
            if named or sum(map(term.is_shown_by, texts[photo].captions)) >= _TWICE:
                row[photo] = SHOWN
    return found


def _photo_texts(words: SampleTexts) -> _PhotoTexts:
    kinds = texts_by_kind(words)
    captions = tuple(map(singular, (*kinds["human"], *kinds["synthetic"])))
    names = tuple(map(singular, (*kinds["query"], *kinds["class"])))
    others = [singular(text) for field in ("objects", "phrases") for text in text_field(words.about, field)]
    return _PhotoTexts(captions, names, "|".join((*captions, *names, *others)))
