"""The order of photos and their sections: makes a wall of an answer or a whole library. Pure values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import chain, groupby
from os import sep
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from picsight.window.grid.layout import clamped
from picsight.window.grid.wall import Fold, Kind, Section, Wall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from picsight_engine.search.answer import Result

ORDERED = 100  # shown photos of an uncalibrated answer, whose matches have no known end
CLOSEST = 16  # the candidates for the one row that is shown if nothing matches
FULL = 10  # photos under a heading: months with fewer share one, and so do years
ALONE: Mapping[int, int] = MappingProxyType({})  # no photo is a copy of another


class Order(Enum):
    """The order of photos."""

    MATCH = "match"
    DATE = "date"
    FOLDER = "folder"


class Group(Enum):
    """The unit of headings in an order by date."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How photos are arranged: the order of a search, the order of all photos, the headings, whether weaker matches are
    included, and the stacks that are `spread`, so that each copy has its own place. Where `weaker` is None, they are open
    if the strong ones fill less than a `screen`, the length of its rows in row heights.
    """

    ranked: Order = Order.MATCH
    listed: Order = Order.DATE
    group: Group = Group.DAY
    weaker: bool | None = None
    screen: float = field(default=0.0, compare=False)  # a list looks the same on any
    spread: frozenset[int] = frozenset()

    def with_stack_toggled(self, stack: int) -> Arrangement:
        """The same with one stack spread or collapsed."""
        return replace(self, spread=self.spread ^ {stack})


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers of strong and possible matches of an answer; `ordered` is the number of photos in an answer that is
    only ordered, since its model is not calibrated.
    """

    strong: int = 0
    weaker: int = 0
    ordered: int = 0
    named: int = 0  # found by a word of the file name, without a strong match

    @property
    def finds_nothing(self) -> bool:
        """True if no photo may match."""
        return not (self.strong or self.weaker or self.ordered or self.named)


def tally(results: Sequence[Result], arrangement: Arrangement, stacks: Mapping[int, int] = ALONE) -> Tally:
    """Count the matches of an answer."""
    counts = Counter(map(_rank, _Stacks.from_results(results, stacks, arrangement).shown()))
    return Tally(counts["strong"], counts["weaker"], min(counts[None], ORDERED), counts["named"])


def _rank(photo: Result) -> str | None:
    """The photo's match; "named" if its file name or its picture has a word and it is no strong match."""
    return (
        "named" if photo.found_by in {"name", "words"} and photo.match in {"weaker", "none"} else photo.match
    )


def arrange_answer(
    results: Sequence[Result], arrangement: Arrangement, stacks: Mapping[int, int] = ALONE
) -> Wall:
    """The wall of an answer, whose photos come best first.

    By match: strong matches, then those found by name, then weaker ones below the fold. By date or folder: the same
    without a fold, optionally with marked weaker ones. If all are weaker, there is no fold; if nothing matches, the
    closest photos are shown in one row. Copies of a picture, given by `stacks`, are hidden behind the best of them.
    """
    count = tally(results, arrangement, stacks)
    if count.finds_nothing:
        return Wall.from_results(results[:CLOSEST], [Section(0, Kind.CLOSEST)])
    by_match = arrangement.ranked is Order.MATCH
    if count.ordered:
        groups = _Stacks.from_results(results[:ORDERED], stacks, arrangement)
        return _arranged(groups, arrangement, arrangement.ranked)
    groups = _Stacks.from_results([photo for photo in results if _rank(photo) != "none"], stacks, arrangement)
    strong = [photo for photo in groups.fronts if _rank(photo) != "weaker"]
    weaker = [photo for photo in groups.fronts if _rank(photo) == "weaker"]
    is_open = arrangement.weaker
    if is_open is None:
        is_open = sum(clamped(photo.width, photo.height) for photo in strong) < arrangement.screen
    shown = replace(groups, fronts=[*strong, *weaker] if is_open else strong or weaker)
    if not by_match:
        marked = bool(strong and weaker) and is_open
        return _arranged(shown, arrangement, arrangement.ranked, marked=marked)
    if not strong:
        return shown.wall(shown.fronts, [Section(0, Kind.UNCERTAIN)])
    if not weaker:
        return shown.wall(strong)
    sections = [Section(0), Section(len(strong), Kind.WEAKER)]
    return shown.wall(shown.fronts, sections, fold=Fold(count.weaker, is_open=is_open))


def arrange_all(
    results: Iterable[Result], arrangement: Arrangement, stacks: Mapping[int, int] = ALONE
) -> Wall:
    """The wall of all photos, which come newest first."""
    return _arranged(_Stacks.from_results(results, stacks, arrangement), arrangement, arrangement.listed)


@dataclass(frozen=True, slots=True)
class _Stacks:
    """The front photos, the copies `behind` each of them, and the `spread` ones, whose copies are beside them
    instead.
    """

    fronts: Sequence[Result]
    behind: Mapping[int, Sequence[Result]]
    spread: frozenset[int] = frozenset()

    @classmethod
    def from_results(
        cls, results: Iterable[Result], stacks: Mapping[int, int], arrangement: Arrangement
    ) -> _Stacks:
        """Each picture has the place of its first photo; the largest of the best matches is in front."""
        if not stacks:
            return cls(tuple(results), {})
        copies: dict[int, list[Result]] = {}
        for photo in results:
            copies.setdefault(stacks.get(photo.id, -1 - photo.id), []).append(photo)
        groups = {stack: sorted(group, key=_before_others) for stack, group in copies.items()}
        behind = {front.id: others for front, *others in groups.values() if others}
        spread = frozenset(groups[stack][0].id for stack in arrangement.spread if stack in groups)
        return cls([group[0] for group in groups.values()], behind, spread & behind.keys())

    def shown(self) -> Iterator[Result]:
        """The front photos, each repeated once per copy if its stack is spread."""
        for photo in self.fronts:
            yield from (photo, *(photo for _ in self.behind.get(photo.id, ()) if photo.id in self.spread))

    def wall(
        self,
        photos: Sequence[Result],
        sections: Sequence[Section] = (Section(0),),
        *,
        days: Sequence[int] = (),
        fold: Fold | None = None,
        marked: bool = False,
    ) -> Wall:
        """A wall of these front photos; spread copies follow their front photo, whatever their date or folder."""
        whole: list[Result] = []
        starts: list[int] = []
        for photo in photos:
            starts.append(len(whole))
            whole += (photo, *(self.behind[photo.id] if photo.id in self.spread else ()))
        starts.append(len(whole))
        behind = {
            photo.id: [each.id for each in self.behind[photo.id]]
            for photo in photos
            if photo.id in self.behind
        }
        moved = [replace(section, start=starts[section.start]) for section in sections]
        days = [starts[day] for day in days]
        return Wall.from_results(whole, moved, days=days, fold=fold, marked=marked, behind=behind)


def _before_others(photo: Result) -> tuple[int, bool, int]:
    """The sort key of the copies of one picture: by match, then those found by name as they come, since copies of any
    name follow them with the same match; then the largest.
    """
    match, is_named = ("strong", "weaker", "none", None).index(photo.match), photo.found_by == "name"
    return match, not is_named, 0 if is_named else -photo.width * photo.height


def _arranged(groups: _Stacks, arrangement: Arrangement, order: Order, *, marked: bool = False) -> Wall:
    if order is Order.FOLDER:
        return _by_folder(groups, marked=marked)
    if order is Order.DATE:
        return _by_date(groups, arrangement.group, marked=marked)
    return groups.wall(groups.fronts)


def _by_date(groups: _Stacks, group: Group, *, marked: bool) -> Wall:
    """Newest first; photos without a date come last, in their given order."""
    photos = sorted(groups.fronts, key=lambda photo: photo.taken or "", reverse=True)
    if group is Group.NONE or not photos or not photos[0].taken:
        return groups.wall(photos, marked=marked)
    length = 4 if group is Group.YEAR else 7
    starts: list[tuple[int, str]] = []  # of months or years
    days = []
    section = day = "?"
    for place, photo in enumerate(photos):
        taken = photo.taken or ""
        if taken[:10] == day:
            continue
        day = taken[:10]
        if group is Group.DAY and taken:
            days.append(place)
        if taken[:length] != section:
            section = taken[:length]
            starts.append((place, section))
    if group is Group.DAY:
        starts = [*_shared(starts, len(photos))]
    sections = [Section(place, _kind_of(key), key) for place, key in starts]
    return groups.wall(photos, sections, days=days, marked=marked)


def _kind_of(key: str) -> Kind:
    if not key:
        return Kind.UNDATED
    return Kind.MONTH if "-" in key else Kind.YEAR


def _shared(months: Sequence[tuple[int, str]], count: int) -> Iterator[tuple[int, str]]:
    """Joins months of a year, newest first, until they have enough photos for a heading, as "2020-07/2020-03"; years without
    enough are joined as a whole, as "2020/2017". The photos without a date stay apart.
    """
    ends = [*(start for start, _ in months[1:]), count]
    parts = [_Span(start, end, key, key) for (start, key), end in zip(months, ends, strict=True)]
    years = [[*of_year] for _, of_year in groupby(parts, key=lambda part: part.first[:4])]
    for is_sparse, run in groupby(years, key=lambda year: year[-1].end - year[0].start < FULL):
        for span in _joined(map(_whole, run)) if is_sparse else chain.from_iterable(map(_joined, run)):
            yield span.start, span.first if span.first == span.last else f"{span.first}/{span.last}"


class _Span(NamedTuple):
    """The photos from `start` to `end`, from the month or year `first` back to `last`."""

    start: int
    end: int
    first: str
    last: str


def _whole(year: Sequence[_Span]) -> _Span:
    return _Span(year[0].start, year[-1].end, year[0].first[:4], year[0].first[:4])


def _joined(spans: Iterable[_Span]) -> list[_Span]:
    """Joins neighbours until each has enough photos, the last ones with those before them."""
    joined: list[_Span] = []
    for span in spans:
        if span.first and joined and joined[-1].end - joined[-1].start < FULL:
            joined[-1] = joined[-1]._replace(end=span.end, last=span.last)
        else:
            joined.append(span)
    if len(joined) > 1 and joined[-1].first and joined[-1].end - joined[-1].start < FULL:
        last = joined.pop()
        joined[-1] = joined[-1]._replace(end=last.end, last=last.last)
    return joined


def _by_folder(groups: _Stacks, *, marked: bool) -> Wall:
    """Folder by folder, sorted by name without regard to case."""
    split = [(*str(photo.path).rpartition(sep), photo) for photo in groups.fronts]
    split.sort(key=lambda part: (part[0].casefold(), part[0], part[2].casefold(), part[2]))
    sections = [
        Section(place, Kind.FOLDER, folder)
        for place, (folder, *_rest) in enumerate(split)
        if place == 0 or split[place - 1][0] != folder
    ]
    return groups.wall([part[-1] for part in split], sections, marked=marked)
