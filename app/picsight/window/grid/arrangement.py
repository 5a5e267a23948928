"""In what order photos lie, and what parts them: an answer or a whole library becomes a wall. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from os import sep
from types import MappingProxyType
from typing import TYPE_CHECKING

from picsight.window.grid.wall import Fold, Kind, Section, Wall

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from picsight_engine.search.answer import Result

ORDERED = 100  # photos that are shown of an answer of which nobody can say where it ends
CLOSEST = 16  # of which the first row is shown where nothing matches
FEW = 4  # photos a month: with fewer, days are named in years rather than in months
ALONE: Mapping[int, int] = MappingProxyType({})  # no photo shows the picture of another one


class Order(Enum):
    """By what photos are ordered."""

    MATCH = "match"
    DATE = "date"
    FOLDER = "folder"


class Group(Enum):
    """What gets a heading where the order is by date."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How photos lie: the order of a search, that of photos that nobody searched for, the headings,
    whether those that only may match are there too, and of which pictures each copy has a place (`spread`, stacks).
    """

    ranked: Order = Order.MATCH
    listed: Order = Order.DATE
    group: Group = Group.DAY
    weaker: bool = False
    spread: frozenset[int] = frozenset()

    def with_stack_turned(self, stack: int) -> Arrangement:
        """The same with the copies of one picture side by side, or in one place again."""
        return replace(self, spread=self.spread ^ {stack})


@dataclass(frozen=True, slots=True)
class Tally:
    """How many photos of an answer match strongly and how many may match; `ordered` is how many there are of an answer
    that is only ordered, because its model is not calibrated.
    """

    strong: int = 0
    weaker: int = 0
    ordered: int = 0
    named: int = 0  # found by a word of their names, which do not match strongly

    @property
    def finds_nothing(self) -> bool:
        """True where not one photo may match."""
        return not (self.strong or self.weaker or self.ordered or self.named)


def tally(results: Sequence[Result]) -> Tally:
    """Count an answer."""
    named = sum(map(_is_named, results))
    matches = [photo.match for photo in results if not _is_named(photo)]
    return Tally(matches.count("strong"), matches.count("weaker"), min(matches.count(None), ORDERED), named)


def _is_named(photo: Result) -> bool:
    return photo.found_by == "name" and photo.match in {"weaker", "none"}


def arrange_answer(
    results: Sequence[Result], arrangement: Arrangement, stacks: Mapping[int, int] = ALONE
) -> Wall:
    """The wall of an answer, which comes best first.

    By match: what is strong, what was found by name, under the fold what is weaker. By date or folder: the same without
    a fold, with marks also what is weaker. Where all is weaker there is no fold; where nothing matches, the closest photos in one row. Photos of the
    same picture, which `stacks` knows, stand behind the best of them.
    """
    count = tally(results)
    if count.finds_nothing:
        return Wall.of(results[:CLOSEST], [Section(0, Kind.CLOSEST)])
    by_match = arrangement.ranked is Order.MATCH
    if count.ordered:
        places = _Places.of(results[:ORDERED], stacks, arrangement)
        return places.wall(places.fronts)
    found = [photo for photo in results if photo.match != "none" or _is_named(photo)]
    places = _Places.of(found, stacks, arrangement)
    strong = [photo for photo in places.fronts if photo.match == "strong" or _is_named(photo)]
    weaker = [photo for photo in places.fronts if photo.match == "weaker" and not _is_named(photo)]
    shown = replace(places, fronts=[*strong, *weaker] if arrangement.weaker else strong or weaker)
    if not by_match:
        marked = bool(strong and weaker) and arrangement.weaker
        return _arranged(shown, arrangement, arrangement.ranked, marked=marked)
    if not strong:
        return shown.wall(shown.fronts, [Section(0, Kind.UNCERTAIN)])
    if not weaker:
        return shown.wall(strong)
    sections = [Section(0), Section(len(strong), Kind.WEAKER)]
    return shown.wall(shown.fronts, sections, fold=Fold(count.weaker, is_open=arrangement.weaker))


def arrange_all(
    results: Iterable[Result], arrangement: Arrangement, stacks: Mapping[int, int] = ALONE
) -> Wall:
    """The wall of photos that nobody searched for, which come newest first."""
    return _arranged(_Places.of(results, stacks, arrangement), arrangement, arrangement.listed)


@dataclass(frozen=True, slots=True)
class _Places:
    """Photos that get a place of their own, and for each the others of its picture that stand behind it."""

    fronts: Sequence[Result]
    behind: Mapping[int, Sequence[int]]

    @classmethod
    def of(cls, results: Iterable[Result], stacks: Mapping[int, int], arrangement: Arrangement) -> _Places:
        """Each picture has the place of its first photo. The largest that matches as well stands in front, the others
        behind it, or beside it where they are spread.
        """
        if not stacks:
            return cls(tuple(results), {})
        firsts: list[Result] = []
        copies: dict[int, list[Result]] = {}
        for photo in results:
            stack = stacks.get(photo.id)
            if stack is None or stack not in copies:
                firsts.append(photo)
            if stack is not None:
                copies.setdefault(stack, []).append(photo)
        groups = {group[0].id: _largest_first(group) for group in copies.values() if len(group) > 1}
        behind = {front.id: [photo.id for photo in others] for front, *others in groups.values()}
        spread = {group[0].id for stack, group in copies.items() if stack in arrangement.spread}
        fronts: list[Result] = []
        for photo in firsts:
            group = groups.get(photo.id, [photo])
            fronts += group if photo.id in spread else group[:1]
        return cls(fronts, behind)

    def wall(
        self,
        photos: Sequence[Result],
        sections: Sequence[Section] = (Section(0),),
        *,
        days: Sequence[int] = (),
        fold: Fold | None = None,
        marked: bool = False,
    ) -> Wall:
        """A wall of these of them."""
        behind = {photo.id: self.behind[photo.id] for photo in photos if photo.id in self.behind}
        return Wall.of(photos, sections, days=days, fold=fold, marked=marked, behind=behind)


def _largest_first(copies: Sequence[Result]) -> list[Result]:
    """Photos of one picture, best first: the largest of those that match as the best does, then the others."""
    front = max(copies, key=lambda photo: (photo.match == copies[0].match, photo.width * photo.height))
    return [front, *(photo for photo in copies if photo is not front)]


def _arranged(places: _Places, arrangement: Arrangement, order: Order, *, marked: bool = False) -> Wall:
    if order is Order.FOLDER:
        return _by_folder(places, marked=marked)
    if order is Order.DATE:
        return _by_date(places, arrangement.group, marked=marked)
    return places.wall(places.fronts)


def _by_date(places: _Places, group: Group, *, marked: bool) -> Wall:
    """Newest first; those without a date come last, as they came."""
    photos = sorted(places.fronts, key=lambda photo: photo.taken or "", reverse=True)
    if group is Group.NONE or not photos or not photos[0].taken:
        return places.wall(photos, marked=marked)
    by_month = group is Group.MONTH or (group is Group.DAY and not _is_sparse(photos))
    kind, length = (Kind.MONTH, 7) if by_month else (Kind.YEAR, 4)
    sections, days = [], []
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
            sections.append(Section(place, kind if taken else Kind.UNDATED, section))
    return places.wall(photos, sections, days=days, marked=marked)


def _is_sparse(photos: Sequence[Result]) -> bool:
    """Whether months would hold so few photos that headings outweigh them."""
    dated = [photo.taken[:7] for photo in photos if photo.taken]
    return len(dated) < FEW * len(set(dated))


def _by_folder(places: _Places, *, marked: bool) -> Wall:
    """Folder by folder, names in order, upper and lower case alike."""
    split = [(*str(photo.path).rpartition(sep), photo) for photo in places.fronts]
    split.sort(key=lambda part: (part[0].casefold(), part[0], part[2].casefold(), part[2]))
    sections = [
        Section(place, Kind.FOLDER, folder)
        for place, (folder, *_rest) in enumerate(split)
        if place == 0 or split[place - 1][0] != folder
    ]
    return places.wall([part[-1] for part in split], sections, marked=marked)
