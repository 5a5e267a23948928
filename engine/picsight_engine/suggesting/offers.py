"""Offers facts of the library for a few typed letters: folders, tags, keywords, places, cameras, lenses, formats and
times, each with the number of photos that match it, see `filters.conditions`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import partial
from heapq import nsmallest
from typing import TYPE_CHECKING, Literal

from picsight_engine.filters.conditions import FITS, photos_showing
from picsight_engine.filters.decided import names_keyword, names_of_tag, tagged
from picsight_engine.foundation.folding import fold
from picsight_engine.foundation.suffixes import FORMATS
from picsight_engine.language.fact_values import names_of_place
from picsight_engine.language.query import spelled
from picsight_engine.language.times import MONTHS, SEASONS
from picsight_engine.photos.colours import COLUMNS, NAMES
from picsight_engine.store.tagging.tagged import names_of_persons, photos_of_person, sizes_of_tags
from picsight_engine.store.tagging.tags import QUOTES, name_key, tag_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from picsight_engine.language.query import Key
    from picsight_engine.store.database import Database
    from picsight_engine.store.overview.counts import Contents, Counted, DirectoryFiles


OfferKind = Literal[
    "year",
    "season",
    "month",
    "folder",
    "tag",
    "person",
    "keyword",
    "place",
    "camera",
    "lens",
    "format",
    "colour",
]

_LETTERS = re.compile(r"[^\W\d_]{3,}")
_UNTYPABLE = re.compile(r'["“”„\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer: `words` for the user, the `fact` as typed, and the number of photos that match."""

    kind: OfferKind
    words: str
    fact: str
    count: Callable[[], int]


class Offers:
    """The offers for one state of the library, most likely first."""

    def __init__(self, db: Database, contents: Contents) -> None:
        self._db, self._contents = db, contents
        places, keywords = contents.places.files, contents.keywords.files
        self._folders = NameCounts(_folders(places))
        self._keywords = NameCounts((word, n) for words, n in keywords.items() for word in set(words))
        towns = contents.towns.files.items()
        self._towns = NameCounts((name, files) for place, files in towns for name in place.split(", "))
        self._all_names = NameCounts(
            (name, files) for place, files in towns for name in names_of_place(place).values()
        )
        self._cameras = NameCounts(contents.cameras.files.items())
        self._lenses = NameCounts(contents.lenses.files.items())
        self._times = list(_times(contents.months))
        self._paths: defaultdict[str, list[DirectoryFiles]] = defaultdict(list)
        for place in places:
            self._paths[fold(f"{place.above}{'/'.join(place.names)}/")].append(place)

    def words(self) -> list[str]:
        """The words in the names of keywords, folders and places, most frequent first."""
        return words_of_names((*self._keywords.names(), *self._folders.names(), *self._all_names.names()))

    def folders(self, typed: str, limit: int) -> list[Offer]:
        """Folders by name, and words that several names share; the fact matches every path that contains them."""
        return _named("folder", "folder", self._folders.matching(typed, limit), self._photos_in)

    def keywords(self, typed: str, limit: int) -> list[Offer]:
        """Keywords; the fact also matches those below them."""
        return _named("keyword", "tag", self._keywords.matching(typed, limit), self._photos_tagged)

    def places(self, typed: str, limit: int) -> list[Offer]:
        """Towns, regions and countries; by their other names if no usual name begins so."""
        names = self._towns.matching(typed, limit) or self._all_names.matching(typed, limit)
        return self._of_text("place", "at", names, self._contents.towns)

    def cameras(self, typed: str, limit: int) -> list[Offer]:
        """Cameras; the fact matches all cameras whose name contains this one's."""
        return self._of_text("camera", "by", self._cameras.matching(typed, limit), self._contents.cameras)

    def lenses(self, typed: str, limit: int) -> list[Offer]:
        """Lenses, likewise."""
        return self._of_text("lens", "lens", self._lenses.matching(typed, limit), self._contents.lenses)

    def formats(self, typed: str, limit: int) -> list[Offer]:
        """Formats whose name or suffix begins with the typed text."""
        start, offers = fold(typed).removeprefix("."), []
        for name, suffixes in FORMATS.items():
            if any(each.startswith(start) for each in (name, *(suffix[1:] for suffix in suffixes))):
                there = [place for place in self._contents.places.files if place.suffix in suffixes]
                if there:
                    count = partial(self._contents.places.photos, there)
                    offers.append(Offer("format", name.upper(), f"format:{name}", count))
        return offers[:limit]

    def colours(self, typed: str, limit: int) -> list[Offer]:
        """Colours that photos show."""
        names = [name for name in NAMES if name.startswith(fold(typed))]
        return _named(
            "colour", "colour", names[:limit], lambda name: len(photos_showing(self._db, COLUMNS[name]))
        )

    def times(self, typed: str, limit: int) -> list[Offer]:
        """Years, seasons and months, the latest of each kind first."""
        start = fold(typed)
        found = [
            time
            for time in self._times
            if time.words.lower().startswith(start)
            or (time.kind == "month" and "-" in start and time.fact.startswith(f"in:{start}"))
        ]
        return found[:limit]

    def _photos_in(self, name: str) -> int:
        there = (places for path, places in self._paths.items() if name in path)
        return self._contents.places.photos(place for places in there for place in places)

    def _photos_tagged(self, word: str) -> int:
        keywords = self._contents.keywords
        return keywords.photos(
            words for words in keywords.files if any(names_keyword(word, each) for each in words)
        )

    @staticmethod
    def _of_text(
        kind: Literal["place", "camera", "lens"], key: Key, names: list[str], texts: Counted[str]
    ) -> list[Offer]:
        def photos(name: str) -> int:
            return texts.photos(text for text in texts.files if FITS[kind](text, name))

        return _named(kind, key, names, photos)


def _named(kind: OfferKind, key: Key, names: list[str], photos: Callable[[str], int]) -> list[Offer]:
    """Offers of facts with these values; `photos` counts those of a folded value."""
    return [Offer(kind, name, f"{key}:{spelled(name)}", partial(photos, fold(name))) for name in names]


class NameCounts:
    """Names with the number of their files; names that differ only in case or accents count as one."""

    def __init__(self, names: Iterable[tuple[str, int]]) -> None:
        spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for name, files in names:
            if is_typable(name):
                spellings[fold(name)][name] += files
        self._names = {
            name: (spelling.most_common(1)[0][0], spelling.total()) for name, spelling in spellings.items()
        }

    def names(self) -> Iterable[tuple[str, int]]:
        """The names that can be typed in a query, each in its most frequent spelling."""
        return self._names.values()

    def matching(self, typed: str, limit: int) -> list[str]:
        """The names that begin with the typed text, then those with a word that does."""
        typed = fold(typed)
        found = (
            (how, -files, shown)
            for name, (shown, files) in self._names.items()
            if typed in name and (how := _how_held(name, typed)) is not None
        )
        return [shown for _, _, shown in nsmallest(limit, found)]


def words_of_names(names: Iterable[tuple[str, int]]) -> list[str]:
    """The words in names, most frequent first; each name comes with the number of its files."""
    files: Counter[str] = Counter()
    for name, number in names:
        for word in set(_LETTERS.findall(name)):
            files[word] += number
    return [word for word, _ in files.most_common()]


def is_typable(value: str) -> bool:
    """Whether a value can be typed in a query: it is not empty, and has no quotation mark and no backslash."""
    return fold(value) != "" and not _UNTYPABLE.search(value)


def _how_held(name: str, typed: str) -> int | None:
    if name.startswith(typed):
        return 0 if name == typed else 1
    return 2 if re.search(rf"(?<![^\W_]){re.escape(typed)}", name) else None


def _folders(places: Mapping[DirectoryFiles, int]) -> Iterator[tuple[str, int]]:
    """The names of folders and the words that several of them share, with the number of files below them."""
    files: Counter[str] = Counter()
    for place, number in places.items():
        for name in set(place.names):
            files[name] += number
    yield from files.items()
    of_word: defaultdict[str, list[int]] = defaultdict(list)
    for name, number in files.items():
        for word in set(_LETTERS.findall(name)):
            of_word[word].append(number)
    yield from ((word, sum(numbers)) for word, numbers in of_word.items() if len(numbers) > 1)


def _times(months: Counted[str]) -> Iterator[Offer]:
    """The years, seasons and months with photos, the latest of each kind first."""
    years: defaultdict[int, list[str]] = defaultdict(list)
    seasons: defaultdict[tuple[int, int, str], list[str]] = defaultdict(list)
    for month in months.files:
        year, number = int(month[:4]), int(month[5:])
        years[year].append(month)
        for season, first in SEASONS.items():
            if (number - first) % 12 < 3:
                seasons[year - (number < first), first, season].append(month)
    for year in sorted(years, reverse=True):
        yield Offer("year", f"{year:04}", f"in:{year:04}", partial(months.photos, years[year]))
    for year, first, season in sorted(seasons, reverse=True):
        fact, count = f"in:{season}-{year:04}", partial(months.photos, seasons[year, first, season])
        yield Offer("season", f"{season.title()} {year:04}", fact, count)
    for month in sorted(months.files, reverse=True):
        words = f"{MONTHS[int(month[5:]) - 1]} {month[:4]}"
        yield Offer("month", words, f"in:{month}", partial(months.photos, [month]))


class TagOffers:
    """The offers for one state of tags and photos, the tag with the most photos first; counts are cached."""

    def __init__(self, db: Database) -> None:
        self._db = db
        sizes = sizes_of_tags(db)
        persons = names_of_persons(db)
        paths = {tag_id: path for tag_id, path in tag_paths(db).items() if tag_id not in persons}
        self._persons = NameCounts((name, sizes[tag_id]) for tag_id, name in persons.items() if sizes[tag_id])
        self._keys = {name_key(name) for path in paths.values() for name in names_of_tag(path)}
        self._called = NameCounts(
            (QUOTES.sub("'", path), sizes[tag_id]) for tag_id, path in paths.items() if sizes[tag_id]
        )
        self._counts: dict[str, int] = {}

    def words(self) -> list[str]:
        """The words in the names of tags, most photos first."""
        return words_of_names((*self._persons.names(), *self._called.names()))

    def persons(self, typed: str, limit: int) -> list[Offer]:
        """People whose names begin with the typed text."""
        return _named(
            "person",
            "people",
            self._persons.matching(typed, limit),
            lambda name: len(photos_of_person(self._db, name)),
        )

    def joined(self, typed: str, limit: int, others: list[list[Offer]]) -> list[list[Offer]]:
        """People and tags that begin with the typed text, then the other offers without keywords that have a tag's name."""
        found = (
            Offer("tag", path, f"tag:{spelled(path)}", partial(self._count, path))
            for path in self._called.matching(typed, limit)
        )
        tags = [offer for offer in found if offer.count()]
        names = {name_key(offer.words) for offer in tags}

        def named(offer: Offer) -> str | None:
            return name_key(offer.words) if offer.kind == "keyword" else None

        return [
            self.persons(typed, limit),
            tags,
            *([self._counted(each) for each in some if named(each) not in names] for some in others),
        ]

    def _counted(self, offer: Offer) -> Offer:
        """A keyword, counted together with the photos of tags of the same name, which its fact also finds."""
        if offer.kind != "keyword" or name_key(offer.words) not in self._keys:
            return offer
        return replace(offer, count=partial(self._count, offer.words))

    def _count(self, value: str) -> int:
        if value not in self._counts:
            self._counts[value] = len(tagged(value).find(self._db))
        return self._counts[value]
