"""In what order photos lie, and what parts them: an answer or a whole library becomes a wall. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from os import sep
from typing import TYPE_CHECKING

from picsight.window.grid.wall import Fold, Kind, Section, Wall

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from picsight_engine.search.answer import Result

ORDERED = 100  # photos that are shown of an answer of which nobody can say where it ends
CLOSEST = 16  # of which the first row is shown where nothing matches


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
    """How a person wants photos to lie: the order of a search, that of photos that nobody searched for, the headings,
    and whether those that only may match are there too.
    """

    ranked: Order = Order.MATCH
    listed: Order = Order.DATE
    group: Group = Group.DAY
    weaker: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """How many photos of an answer match strongly and how many may match; `ordered` is how many there are of an answer
    that is only ordered, because its model is not calibrated or a photo was the query.
    """

    strong: int = 0
    weaker: int = 0
    ordered: int = 0

    @property
    def finds_nothing(self) -> bool:
        """True where not one photo may match."""
        return not (self.strong or self.weaker or self.ordered)


def tally(results: Sequence[Result]) -> Tally:
    """Count an answer."""
    matches = [photo.match for photo in results]
    return Tally(matches.count("strong"), matches.count("weaker"), min(matches.count(None), ORDERED))


def arrange_answer(results: Sequence[Result], arrangement: Arrangement) -> Wall:
    """The wall of an answer, which comes best first.

    By match: what is strong, under the fold what is weaker. By date or folder: what is strong, with marks also what is
    weaker. Where nothing is strong there is no fold; where nothing matches, the closest photos in one row.
    """
    count = tally(results)
    if count.finds_nothing:
        return Wall.of(results[:CLOSEST], [Section(0, Kind.CLOSEST)])
    if count.ordered:
        return _arranged(results[:ORDERED], arrangement, arrangement.ranked)
    strong = [photo for photo in results if photo.match == "strong"]
    weaker = [photo for photo in results if photo.match == "weaker"]
    if arrangement.ranked is not Order.MATCH:
        mixed = arrangement.weaker and bool(strong)
        chosen = [*strong, *weaker] if mixed else strong or weaker
        return _arranged(chosen, arrangement, arrangement.ranked, marked=mixed and bool(weaker))
    if not strong:
        return Wall.of(weaker, [Section(0, Kind.UNCERTAIN)])
    if not weaker:
        return Wall.of(strong)
    sections = [Section(0), Section(len(strong), Kind.WEAKER)]
    shown = [*strong, *weaker] if arrangement.weaker else strong
    return Wall.of(shown, sections, fold=Fold(len(weaker), is_open=arrangement.weaker))


def arrange_all(results: Iterable[Result], arrangement: Arrangement) -> Wall:
    """The wall of photos that nobody searched for, which come newest first."""
    return _arranged(results, arrangement, arrangement.listed)


def _arranged(
    results: Iterable[Result], arrangement: Arrangement, order: Order, *, marked: bool = False
) -> Wall:
    if order is Order.FOLDER:
        return _by_folder(results, marked=marked)
    if order is Order.DATE:
        return _by_date(results, arrangement.group, marked=marked)
    return Wall.of(results)


def _by_date(results: Iterable[Result], group: Group, *, marked: bool) -> Wall:
    """Newest first; those without a date come last, as they came."""
    photos = sorted(results, key=lambda photo: photo.taken or "", reverse=True)
    if group is Group.NONE or not photos or not photos[0].taken:
        return Wall.of(photos, marked=marked)
    kind, length = (Kind.YEAR, 4) if group is Group.YEAR else (Kind.MONTH, 7)
    sections, days = [], []
    before = day = "?"
    for place, photo in enumerate(photos):
        taken = photo.taken or ""
        if taken[:10] == day:
            continue
        day = taken[:10]
        if group is Group.DAY and taken:
            days.append(place)
        if taken[:length] != before:
            before = taken[:length]
            sections.append(Section(place, kind if taken else Kind.UNDATED, before))
    return Wall.of(photos, sections, days=days, marked=marked)


def _by_folder(results: Iterable[Result], *, marked: bool) -> Wall:
    """Folder by folder, names in order, upper and lower case alike."""
    split = [(*str(photo.path).rpartition(sep), photo) for photo in results]
    split.sort(key=lambda part: (part[0].casefold(), part[0], part[2].casefold(), part[2]))
    sections = [
        Section(place, Kind.FOLDER, folder)
        for place, (folder, *_rest) in enumerate(split)
        if place == 0 or split[place - 1][0] != folder
    ]
    return Wall.of((part[-1] for part in split), sections, marked=marked)
