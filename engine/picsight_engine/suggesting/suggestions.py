"""Suggestions while the user types: facts of this library with counts, completions of words, and spelling corrections."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Literal

from picsight_engine.foundation.errors import BundleError, LexiconError
from picsight_engine.foundation.folding import fold
from picsight_engine.language.lexicon import key_of, lexicon_of
from picsight_engine.language.query import parse
from picsight_engine.store.full_text import is_held
from picsight_engine.store.overview.counts import photos_revision, read_contents
from picsight_engine.store.tagging.searches import Searches
from picsight_engine.store.tagging.tags import tags_revision
from picsight_engine.suggesting.offers import OfferKind, Offers, TagOffers
from picsight_engine.suggesting.typed_text import typed_at, words_of
from picsight_engine.suggesting.vocabulary import Vocabulary, WordList, common_subjects, model_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.language.query import Query
    from picsight_engine.store.database import Database
    from picsight_engine.suggesting.offers import Offer
    from picsight_engine.suggesting.typed_text import Phrase, TypedText

SuggestionKind = Literal["spelling", "word", "saved", OfferKind, "history"]

MOST = 5
_A_KIND = 3  # suggestions of one kind, if several kinds have some
_LEAST_LETTERS = 2
_MOST_MENDED = 3  # corrected words per query
_CHEAP = 0.02  # seconds; if counting takes no longer, it is always repeated
_SHARE = 0.05  # the largest share of time spent on counting while the library keeps changing
# Prepositions before a time or a place, which a fact makes superfluous.
_LEADING = re.compile(r"(?<!\S)(?:in|from|at|during|of)\s+$", re.IGNORECASE)
# The offers for each key of the language.
_OF_KEY: dict[str, tuple[Callable[[Offers, str, int], list[Offer]], ...]] = {
    "in": (Offers.times,),
    "folder": (Offers.folders,),
    "tag": (Offers.keywords,),
    "at": (Offers.places,),
    "by": (Offers.cameras,),
    "lens": (Offers.lenses,),
    "format": (Offers.formats,),
    "colour": (Offers.colours,),
    "color": (Offers.colours,),
}
_OF_WORDS = (
    Offers.times, Offers.places, Offers.folders, Offers.keywords, Offers.cameras, Offers.lenses, Offers.formats,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One suggestion: `words` for the user, and the `query` that results from choosing it.

    `photos` is the number of photos that match it alone; None for words and searches, which are not counted.
    """

    kind: SuggestionKind
    words: str
    query: str
    photos: int | None = None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The suggestions for a query that is being typed.

    `completed` is the query with its half-typed last word completed, to search for meanwhile. It is the query itself if the
    word is complete or has no known completion. `meant` is the query with misspelled words corrected, None if every word
    is known or may be unfinished, or nothing similar is known. `is_whole` means that the typed text is a known word or
    equals an offer.
    """

    items: tuple[Suggestion, ...]
    completed: Query
    meant: Query | None
    is_whole: bool = False


class Suggester:
    """Makes suggestions for one library and its search model; thread-safe."""

    def __init__(self, db: Database, bundle: Bundle) -> None:
        self._db = db
        self._searches = Searches(db)
        self._bundle = bundle
        self._lock = threading.Lock()
        self._things: WordList | None = None
        self._model = WordList(())
        self._known: tuple[int, Offers] | None = None
        self._tags: tuple[tuple[int, int], TagOffers, Vocabulary] | None = None
        self._counted_at = self._cost = 0.0

    def suggest(self, query: Query, cursor: int, languages: Sequence[str] = ()) -> Suggestions:
        """The suggestions for a query with `cursor` characters before the cursor.

        A word that begins one of these `languages` is not completed in English, and none of their words is corrected.

        Raises:
            LibraryError: the library is damaged.
        """
        offers, tags, vocabulary = self._state()
        typed, text = typed_at(query, cursor), query.text
        word = None if typed is None else typed.word
        is_known = word is not None and _is_known(vocabulary, word.text, languages)
        has_longer = word is not None and not is_known and not _is_foreign(word.text, languages, whole=False)
        longer = _completions(vocabulary, word.text) if word is not None and has_longer else []
        completed, meant = query, self._meant(vocabulary, query, word if longer else None, languages)
        groups: list[list[Suggestion]] = []
        if meant is not None:
            groups.append([Suggestion("spelling", meant.text.strip(), meant.text)])
        begins_search = len(fold(text)) >= _LEAST_LETTERS
        groups.append(self._saved(text) if begins_search else [])
        groups += [] if typed is None else _facts(offers, tags, typed)
        if word is not None and longer:
            named = {fold(each.words) for group in groups for each in group}
            groups.append([_put("word", each, word, each) for each in longer if fold(each) not in named])
            completed = query.replaced(word.start, word.end, longer[0])
            completed = replace(completed, typed=query.alternatives)
        groups.append(self._past(text) if begins_search else [])
        items = tuple(_fairly(groups, text))
        whole = {fold(each.text) for each in typed.phrases} if typed else set()
        is_whole = is_known or any(item.photos is not None and fold(item.words) in whole for item in items)
        return Suggestions(items, completed, meant, is_whole)

    def warm_up(self) -> None:
        """Loads the data for the first suggestion: 0.2 s for 100,000 photos."""
        self._state()

    def _state(self) -> tuple[Offers, TagOffers, Vocabulary]:
        """The possible offers; counted again after the library has changed, but not at every key during indexing."""
        with self._lock:
            if self._things is None:
                self._things = WordList(common_subjects())
                self._model = WordList(_words_of_model(self._bundle))
            revision = photos_revision(self._db)
            changed = self._known is None or self._known[0] != revision
            if changed and is_worth_counting(self._cost, time.monotonic() - self._counted_at):
                started = time.thread_time()
                contents = read_contents(self._db)
                self._known = contents.revision, Offers(self._db, contents)
                self._cost, self._counted_at = time.thread_time() - started, time.monotonic()
            assert self._known is not None, "the first count is always worth it"
            counted, offers = self._known
            now = counted, tags_revision(self._db)
            if self._tags is None or self._tags[0] != now:
                tags = TagOffers(self._db)
                names = WordList((*tags.words(), *offers.words()))
                self._tags = now, tags, Vocabulary(self._things, names, self._model)
            return offers, *self._tags[1:]

    def _meant(
        self, vocabulary: Vocabulary, query: Query, being_typed: Phrase | None, languages: Sequence[str]
    ) -> Query | None:
        """The query with unknown words corrected, except the one being typed and those in file names."""
        mended, shift, tried = query.text, 0, 0
        for word in words_of(query):
            if tried == _MOST_MENDED or word == being_typed or _is_known(vocabulary, word.text, languages):
                continue
            tried += 1
            near = vocabulary.meant(word.text)
            if near is not None and not is_held(self._db, word.text):
                mended = mended[: word.start + shift] + near + mended[word.end + shift :]
                shift += len(near) - len(word.text)
        return None if mended == query.text else parse(mended)

    def _saved(self, text: str) -> list[Suggestion]:
        """Saved searches whose query, or a word of whose name, begins with the text."""
        start = fold(text)
        return [
            Suggestion("saved", search.name, search.query)
            for search in self._searches.saved()
            if any(each.startswith(start) for each in (fold(search.query), *_ends(fold(search.name))))
        ]

    def _past(self, text: str) -> list[Suggestion]:
        """Past searches that begin with the text, latest first."""
        start = fold(text)
        found = (query for query in self._searches.history() if fold(query).startswith(start))
        return [Suggestion("history", query, query) for query in islice(found, _A_KIND)]


def _facts(offers: Offers, tags: TagOffers, typed: TypedText) -> list[list[Suggestion]]:
    """Facts of the library, one list per kind; the longest phrase with a meaning wins."""
    kinds = _OF_WORDS if typed.key is None else _OF_KEY.get(typed.key, ())
    for phrase in typed.phrases:
        if typed.key is None and len(fold(phrase.text)) < _LEAST_LETTERS:
            continue
        found = [offered(offers, phrase.text, _A_KIND) for offered in kinds]
        if Offers.keywords in kinds:
            found = tags.joined(phrase.text, _A_KIND, found)
        elif typed.key == "people":
            found = [tags.persons(phrase.text, _A_KIND)]
        if any(found):
            return [
                [_put(each.kind, each.words, phrase, each.fact, each.count()) for each in of_kind]
                for of_kind in found
            ]
    return []


def is_worth_counting(cost: float, age: float) -> bool:
    """Whether to repeat a count that took `cost` seconds and is `age` seconds old."""
    return cost <= max(_CHEAP, _SHARE * age)


def _is_known(vocabulary: Vocabulary, word: str, languages: Sequence[str]) -> bool:
    return vocabulary.knows(word) or _is_foreign(word, languages, whole=True)


def _is_foreign(word: str, languages: Sequence[str], *, whole: bool) -> bool:
    """Whether this is a word of one of the languages, or if not `whole` the beginning of one."""
    try:
        lexicons = [lexicon_of(each) for each in languages]
        return any(each.find(key_of(word)) is not None if whole else each.begins(word) for each in lexicons)
    except LexiconError:  # the search reports it
        return False


def _completions(vocabulary: Vocabulary, word: str) -> list[str]:
    return vocabulary.completions(word, _A_KIND) if len(word) >= _LEAST_LETTERS and word.isalpha() else []


def _words_of_model(bundle: Bundle) -> Sequence[str]:
    """The model's words; none if the text tower is missing or damaged, which only a search reports."""
    try:
        return model_words(bundle)
    except BundleError:
        return ()


def _put(kind: SuggestionKind, words: str, phrase: Phrase, put: str, photos: int | None = None) -> Suggestion:
    """Replaces the phrase by `put`; an "in" or "from" before a fact is removed too."""
    start, text = phrase.start, phrase.of
    if kind != "word" and (leading := _LEADING.search(text[:start])):
        start = leading.start()
    return Suggestion(kind, words, text[:start] + put + text[phrase.end :], photos)


def _ends(name: str) -> list[str]:
    """The endings of a name, from each of its words on."""
    words = name.split()
    return [" ".join(words[first:]) for first in range(len(words))]


def _fairly(groups: Iterable[list[Suggestion]], text: str) -> list[Suggestion]:
    """Takes the first of every kind, then the second, and so on up to the limit; each kind stays together."""
    seen = {text}
    ranked: list[tuple[int, int, Suggestion]] = []
    for place, group in enumerate(groups):
        for rank, each in enumerate(group):
            if each.query not in seen:
                seen.add(each.query)
                ranked.append((rank, place, each))
    chosen = sorted(ranked, key=lambda entry: entry[:2])[:MOST]
    return [each for _, _, each in sorted(chosen, key=lambda entry: (entry[1], entry[0]))]
