"""Known words: completes half-typed words and corrects unknown ones.

There are three lists: subjects that people photograph, words of names in the library, and frequent words of the model's
tokenizer.
Words are looked up folded: without case and accents.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from heapq import nsmallest
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract_iter

from picsight_engine.foundation.errors import BundleError, faults_as
from picsight_engine.foundation.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picsight_engine.bundles.bundle import Bundle


_SURE_LETTERS = 4  # a shorter word that only the model knows may as well be the beginning of another one
_COMMON = 1500  # ... unless it is as common as "the" and "his"
_ONE_SLIP, _TWO_SLIPS = 4, 6  # the fewest letters at which one or two typing errors are corrected
_LAST = "\U0010ffff"
_SUBJECTS = Path(__file__).with_name("common_subjects.txt")


def common_subjects() -> list[str]:
    """Words for subjects that people photograph, most common first; no function words, no names."""
    return _SUBJECTS.read_text("utf-8").split()


class WordList:
    """A list of words, most likely first."""

    def __init__(self, words: Iterable[str]) -> None:
        self._shown: dict[str, str] = {}
        for word in words:
            self._shown.setdefault(fold(word), word)
        self._rank = {word: rank for rank, word in enumerate(self._shown)}
        self._sorted = sorted(self._rank)

    def rank(self, word: str) -> int | None:
        """How many words are more likely than this one; None for a word outside the list."""
        return self._rank.get(word)

    def starting(self, start: str, limit: int) -> Iterator[str]:
        """The most likely words that begin with `start`."""
        first, after = (bisect_left(self._sorted, end) for end in (start, start + _LAST))
        longer = (word for word in self._sorted[first:after] if word != start)
        return (self._shown[word] for word in nsmallest(limit, longer, key=self._rank.__getitem__))

    def near(self, word: str, slips: int) -> Iterator[tuple[int, int, str]]:
        """The words within `slips` typing errors, each as (errors, rank, word)."""
        for near, distance, _ in extract_iter(word, self._sorted, scorer=OSA.distance, score_cutoff=slips):
            yield int(distance), self._rank[near], self._shown[near]


class Vocabulary:
    """The three lists of known words, in order of priority."""

    def __init__(self, things: WordList, names: WordList, model: WordList) -> None:
        self._things = things
        self._names = names
        self._model = model
        self._meant: dict[str, str | None] = {}

    def knows(self, word: str) -> bool:
        """Whether this is a known word or its plural."""
        folded = fold(word)
        return any(
            self._knows(form) for form in (folded, folded.removesuffix("s"), folded.removesuffix("es"))
        )

    def completions(self, start: str, limit: int) -> list[str]:
        """The completions of a beginning, most likely first.

        Words that only the model knows count only if there are no others, and the beginning is not a word itself.
        """
        folded = fold(start)
        found: dict[str, str] = {}
        for word in chain(self._things.starting(folded, limit), self._names.starting(folded, limit)):
            found.setdefault(fold(word), word)
        if found or self.knows(start):
            return list(found.values())[:limit]
        return list(self._model.starting(folded, limit))

    def meant(self, word: str) -> str | None:
        """The correction of an unknown word, None if no known word is similar.

        For subjects and for words of the library, one more typing error is allowed.
        """
        folded = fold(word)
        if folded not in self._meant:
            self._meant[folded] = self._nearest(folded)
        return self._meant[folded]

    def _nearest(self, word: str) -> str | None:
        slips = 2 if len(word) >= _TWO_SLIPS else int(len(word) >= _ONE_SLIP)
        if not slips or not word.isalpha():
            return None
        candidates = (
            (distance + (words is self._model), words is self._model, rank, near)
            for words in (self._things, self._names, self._model)
            for distance, rank, near in words.near(word, slips)
            if distance == 1 or fold(near)[0] == word[0]  # the first letter is rarely one of two errors
        )
        return min(candidates, default=(0, 0, 0, None))[-1]

    def _knows(self, word: str) -> bool:
        if self._things.rank(word) is not None or self._names.rank(word) is not None:
            return True
        rank = self._model.rank(word)
        return rank is not None and (len(word) >= _SURE_LETTERS or rank < _COMMON)


def model_words(bundle: Bundle) -> tuple[str, ...]:
    """The tokens that are words of two letters or more, most common first; none for an unknown kind of tokenizer.

    A vocabulary lists its earliest merges first, which are the most frequent.

    Raises:
        BundleError: the bundle has no text tower, or the file is damaged.
    """
    path = bundle.folder / bundle.text_spec().tokenizer
    wrong = (OSError, ValueError, TypeError, KeyError, AttributeError)
    with faults_as(
        wrong,
        BundleError,
        "The model file {path} cannot be read ({fault}); install the model again.",
        path=path,
    ):
        tokens = list(_tokens(json.loads(path.read_bytes())["model"]))
    return tuple(dict.fromkeys(token for token in tokens if len(token) >= 2 and token.isalpha()))


def _tokens(model: dict[str, Any]) -> Iterable[str]:
    """The tokens that are whole words, by the marks of the kinds of tokenizers."""
    # Unigram: pairs of piece and score, a piece that begins a word after a "▁".
    if isinstance(model["vocab"], list):
        return [piece[1:] for piece, _ in model["vocab"] if piece.startswith("▁")]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    if end := model.get("end_of_word_suffix"):  # CLIP: "dog</w>" is a word, "dog" continues
        return [token.removesuffix(end) for token in tokens if token.endswith(end)]
    if model.get("continuing_subword_prefix"):  # WordPiece: "dog" is a word, "##s" continues one
        return tokens
    return []
