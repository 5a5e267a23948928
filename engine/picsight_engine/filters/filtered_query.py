"""Selects the photos that pass the facts of a query, before ranking.

All facts must hold. Of several times or formats any is enough, because a photo has only one. The same applies to places,
cameras, lenses and labels if no photo has all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.filters.condition import Condition
from picsight_engine.filters.conditions import UNDATED, VISIBLE, condition_of, located, taken_in, unknown
from picsight_engine.filters.decided import showing
from picsight_engine.filters.texts import worded, written
from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.folding import fold, words_in
from picsight_engine.language.absence import read_absences
from picsight_engine.language.fact_values import names_of_place
from picsight_engine.language.query import QueryFault
from picsight_engine.language.recognition import recognise
from picsight_engine.store.derived.written import slow_revision
from picsight_engine.store.full_text import files_named
from picsight_engine.store.overview.counts import photos_revision
from picsight_engine.store.selection import ascending, file_texts
from picsight_engine.store.tagging.tagged import names_of_persons
from picsight_engine.store.tagging.tags import tags_revision

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from picsight_engine.filters.condition import FilterKind
    from picsight_engine.language.absence import Absence
    from picsight_engine.language.query import Query
    from picsight_engine.language.recognition import Meaning
    from picsight_engine.store.database import Database

    Ids = NDArray[np.int64]

_PLAIN_PLACE = "place in words"
_ONE_A_PHOTO = {_PLAIN_PLACE, "place", "camera", "lens", "label"}
_SAID = {"says", "text"}  # facts about what is written
_REMEMBERED = 32  # conditions whose photos are cached for one state of the library: 0.8 MB each for 100,000


@dataclass(frozen=True, slots=True)
class Filter:
    """A part of the query that narrows the answer: a fact, or plain words that were `recognised` as one.

    `start` and `end` are its position in the query, `words` name it for the user, `photos` is how many photos of the whole
    library it matches. `query.as_words` turns a recognised part back into plain words.
    """

    start: int
    end: int
    kind: FilterKind
    words: Message | str
    photos: int
    excluded: bool = False
    recognised: bool = False


@dataclass(frozen=True, slots=True)
class FilteredQuery:
    """The rest of a query for the ranking, and the photos that it may rank: `ids` ascending, None for all.

    `undated` photos would pass if they had a date. `by_name` photos have a file with the searched name; `by_words` photos have
    all its words in their names, folders, keywords, titles, descriptions and tags, `by_writing` ones show them. All pass the typed
    facts, but not the times that plain words may mean. `written` are the texts and the words that lines of a picture are shown for. The facts of `faults` were ignored; the facts of `unnamed` match no photo, because none
    has such a value. `folders` are the texts of the folders to which the query is limited, `named` the files by whose names
    it found photos. `languages` are those that its words may be in: one, if that says what a photo must not show.
    """

    query: Query
    ids: NDArray[np.int64] | None
    undated: int
    by_name: tuple[int, ...]
    by_words: NDArray[np.int64]
    by_writing: NDArray[np.int64]
    filters: tuple[Filter, ...]
    faults: tuple[QueryFault, ...]
    unnamed: tuple[QueryFault, ...]
    folders: tuple[str, ...] = ()
    named: tuple[int, ...] = ()
    languages: Sequence[str] = ()
    written: tuple[Sequence[str], Sequence[str]] = ((), ())


class Filters:
    """Selects the photos of a library that pass; thread-safe."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._found: dict[tuple[tuple[str, ...], int, int, int], Ids] = {}  # by condition and revisions
        self._names: tuple[int, dict[str, str]] | None = None

    def apply(self, query: Query, languages: Sequence[str] = ()) -> FilteredQuery:
        """The photos that match every fact, time and place in the query; `languages` are those of times besides English.

        Raises:
            LibraryError: the library is damaged.
        """
        today = datetime.now().astimezone().date()
        rest, recognised = recognise(
            query,
            today,
            lambda meaning: self._holding(_meant(meaning)).size > 0,
            self._places(),
            {fold(name): name for name in names_of_persons(self._db).values()},
            languages=languages,
        )
        rest, absences = read_absences(rest, languages)
        conditions = _ConditionSet(self._holding)
        faults, unnamed, folders = [], [], []
        for fact in query.facts:
            condition = condition_of(fact, today)
            if isinstance(condition, Condition) and not self._holding(condition).size:
                if sentence := condition.absent(self._db) if condition.absent else None:
                    unnamed.append(QueryFault(fact.start, fact.end, sentence))
                elif condition.basis and not self._holding(condition.basis).size:
                    condition = unknown(condition.basis, fact.key)
            if isinstance(condition, Condition):
                conditions.add(condition, fact.start, fact.end, excluded=fact.excluded)
                if condition.kind == "folder" and not fact.excluded:
                    folders.append(condition.key[1])
            else:
                faults.append(QueryFault(fact.start, fact.end, condition))
        named = self._find_by_name(query)
        by_name = conditions.filter([*dict.fromkeys(photo_id for photo_id, _ in named)])
        by_word = [conditions.common(self._find_by_words(query))]
        by_writing = [conditions.common(self._find_by_writing(query))]
        for part in recognised:
            conditions.add(_meant(part.meaning), part.start, part.end, recognised=True)
        if recognised or absences:
            by_word.append(conditions.common(self._find_by_words(rest)))
            by_writing.append(conditions.common(self._find_by_writing(rest)))
        filters = tuple(
            sorted((*conditions.filters, *map(self._less, absences)), key=lambda part: part.start)
        )
        passing = conditions.passing()
        found, left_out = (_union(by_word), _union(by_writing)), (tuple(faults), tuple(unnamed))
        files = tuple(file_id for _, file_id in named)
        spoken = [each for each in languages if not absences or each == absences[0].language]
        sought = [word for term in (*query.alternatives, *query.typed) for word in words_in(term.text)]
        said = [fact.value for fact in query.facts if fact.key in _SAID and not fact.excluded], sought
        return FilteredQuery(
            rest, *passing, by_name, *found, filters, *left_out, tuple(folders), files, spoken, said
        )

    def _less(self, absence: Absence) -> Filter:
        """The part of an answer that says what was read as less of something; all photos pass it."""
        some = Message("{first} or {next}").joining(term.text for term in absence.terms)
        words, photos = Message("Less {some}", some=some), self._holding(VISIBLE).size
        return Filter(absence.start, absence.end, "less", words, photos, excluded=True, recognised=True)

    def _find_by_name(self, query: Query) -> list[tuple[int, int]]:
        """The files named like the whole query or like one of its alternatives, each after its photo."""
        names = [query.text, *(term.text for term in query.alternatives if not term.pictures)]
        return [found for name in dict.fromkeys(names) for found in files_named(self._db, name)]

    def _find_by_writing(self, query: Query) -> Ids:
        """The photos in which all words of an alternative are written."""
        terms = (words_in(term.text) for term in (*query.alternatives, *query.typed) if not term.pictures)
        return _union(
            [self._holding(written(sorted({*words}))) for words in terms] or [np.empty(0, np.int64)]
        )

    def _find_by_words(self, query: Query) -> Ids:
        """The photos that have all words of an alternative in names, folders, keywords, titles, descriptions and tags."""
        found = [np.empty(0, np.int64)]
        for term in (*query.alternatives, *query.typed):
            words = sorted({*words_in(term.text)}, key=len, reverse=True)  # long words are rare and cheap
            ids = self._holding(worded(words[0], described=True)) if words and not term.pictures else found[0]
            for word in words[1:]:
                ids = _common(ids, self._holding(worded(word, described=True))) if len(ids) else ids
            found.append(ids)
        return _union(found)

    def _places(self) -> dict[str, str]:
        """The folded names of all places in the library."""
        revision = photos_revision(self._db)
        if self._names is None or self._names[0] != revision:
            names: dict[str, str] = {}
            for place in file_texts(self._db, "place"):
                names |= names_of_place(place)
            self._names = revision, names
        return self._names[1]

    def _holding(self, condition: Condition) -> Ids:
        """The photos that match a condition, cached until any process changes its data."""
        tags = tags_revision(self._db) if condition.decided else 0
        written = slow_revision(self._db) if condition.written else 0
        key, known = (condition.key, photos_revision(self._db), tags, written), self._found
        if len(known) >= _REMEMBERED and key not in known:
            self._found = known = {}
        if key not in known:
            known[key] = condition.find(self._db)
        return known[key]


class _ConditionSet:
    """Collects the conditions of one query and returns the photos that pass all of them."""

    def __init__(self, holding: Callable[[Condition], Ids]) -> None:
        self.filters: list[Filter] = []
        self._holding = holding
        self._wanted: dict[str, list[Ids]] = {}
        self._excluded: list[Ids] = []

    def add(
        self, condition: Condition, start: int, end: int, *, excluded: bool = False, recognised: bool = False
    ) -> None:
        ids = self._holding(condition)
        kind = _PLAIN_PLACE if recognised and condition.kind == "place" else condition.kind
        kept = self._excluded if excluded else self._wanted.setdefault(kind, [])
        kept.append(ids)
        self.filters.append(
            Filter(start, end, condition.kind, condition.words, len(ids), excluded, recognised)
        )

    def filter(self, photo_ids: list[int]) -> tuple[int, ...]:
        """The photos among these that pass the conditions added so far, in the same order."""
        passing = self.common(np.asarray(photo_ids, np.int64))
        return tuple(photo_id for photo_id in photo_ids if photo_id in passing)

    def common(self, ids: Ids) -> Ids:
        """The photos among these that pass the conditions added so far, ascending."""
        passing = self.passing()[0] if len(ids) else None
        return ids if passing is None else _common(ids, passing)

    def passing(self) -> tuple[Ids | None, int]:
        """The photos that pass, None for all, and how many more would if they had a date."""
        if not self.filters:
            return None, 0
        needed = [self._together(kind, ids) for kind, ids in self._wanted.items() if kind != "time"]
        times = self._wanted.get("time", [])
        left = reduce(_common, needed) if needed else None
        undated = 0
        if times:
            without = self._holding(UNDATED)
            undated = len(self._kept(without if left is None else _common(left, without)))
            left = _union(times) if left is None else _common(left, _union(times))
        return self._kept(self._holding(VISIBLE) if left is None else left), undated

    @staticmethod
    def _together(kind: str, ids: list[Ids]) -> Ids:
        """Any of several formats is enough; so is any of the places, cameras, lenses or labels if no photo has all."""
        common = reduce(_common, ids)
        any_will_do = kind == "format" or (kind in _ONE_A_PHOTO and not common.size)
        return _union(ids) if any_will_do else common

    def _kept(self, ids: Ids) -> Ids:
        """The photos that no condition excludes."""
        for excluded in self._excluded:
            ids = np.setdiff1d(ids, excluded, assume_unique=True)
        return ids


def _meant(meaning: Meaning) -> Condition:
    if isinstance(meaning, str):
        return showing(meaning)
    return located(meaning) if isinstance(meaning, tuple) else taken_in(meaning)


def _union(some: list[Ids]) -> Ids:
    return ascending(np.concatenate(some))


def _common(some: Ids, others: Ids) -> Ids:
    return np.intersect1d(some, others, assume_unique=True)
