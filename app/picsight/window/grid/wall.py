"""The contents of the wall: photos in order with their shapes and headings, built off the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from picsight.window.grid.layout import Block, Shapes, clamped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from picsight_engine.search.answer import Result

# Em above photos: the fold's button with its margins, a heading, the first heading.
BAND, HEADING, FIRST = 3.5, 3.0, 2.25


class Kind(Enum):
    """The kind of a section."""

    PLAIN = "plain"  # needs no title
    WEAKER = "weaker"  # under the fold
    UNCERTAIN = "uncertain"  # weaker ones with nothing above them
    CLOSEST = "closest"  # they do not match
    YEAR = "year"
    MONTH = "month"
    UNDATED = "undated"
    FOLDER = "folder"
    FRESH = "fresh"  # photos that arrived while the wall was shown


_ABOVE = {Kind.WEAKER: BAND} | dict.fromkeys(
    (Kind.YEAR, Kind.MONTH, Kind.UNDATED, Kind.FOLDER, Kind.FRESH), HEADING
)
_ROW = {Kind.WEAKER: 0.8, Kind.UNCERTAIN: 0.8, Kind.CLOSEST: 0.6}  # relative to the wanted height


@dataclass(frozen=True, slots=True)
class Section:
    """The photos from `start` on, up to the next section; `key` is its year, its month as 2020-07, the newest and the
    oldest one as 2020-07/2020-03, or its folder.
    """

    start: int
    kind: Kind = Kind.PLAIN
    key: str = ""

    @property
    def block(self) -> Block:
        """Its block in the layout."""
        above = _ABOVE.get(self.kind, 0.0)
        return Block(self.start, above if self.start else min(above, FIRST), _ROW.get(self.kind, 1.0))


@dataclass(frozen=True, slots=True)
class Fold:
    """The fold between strong and weaker matches: the number of weaker ones, and whether they are shown."""

    weaker: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Wall:
    """Photos in order; `rows` maps a photo's id to its row.

    `behind` maps a photo that represents copies of the same picture to those copies: they share its row, or have rows
    beside it. `marked` means that strong and weaker matches are mixed, so that each photo shows its mark.
    """

    results: tuple[Result, ...]
    shapes: Shapes
    rows: dict[int, int] = field(repr=False)
    sections: tuple[Section, ...] = (Section(0),)
    fold: Fold | None = None
    behind: Mapping[int, Sequence[int]] = field(default_factory=dict, repr=False)
    marked: bool = False

    @classmethod
    def from_results(
        cls,
        results: Iterable[Result],
        sections: Sequence[Section] = (Section(0),),
        *,
        days: Sequence[int] = (),
        fold: Fold | None = None,
        marked: bool = False,
        behind: Mapping[int, Sequence[int]] = MappingProxyType({}),
    ) -> Wall:
        """Build a wall; 0.1 s for 100,000 photos, so not on the GUI thread."""
        photos, sections = tuple(results), tuple(sections) or (Section(0),)
        blocks = tuple(section.block for section in sections)
        one_row = any(section.kind is Kind.CLOSEST for section in sections)
        shapes = Shapes.from_ratios(
            (clamped(photo.width, photo.height) for photo in photos), blocks, days, one_row=one_row
        )
        rows = {photo.id: row for row, photo in enumerate(photos)}
        for front, others in behind.items():
            rows |= {photo: rows.get(photo, rows[front]) for photo in others}
        return cls(photos, shapes, rows, sections, fold, behind, marked)

    def copies(self, photo: int) -> int:
        """The number of photos in the stack that this photo represents, else 1."""
        return len(self.behind.get(photo, ())) + 1

    def is_spread(self, photo: int) -> bool:
        """Whether the copies of the stack that this photo represents have places beside it."""
        return any(self.rows[other] != self.rows[photo] for other in self.behind.get(photo, ()))

    def followed_by(self, newer: Wall) -> Wall:
        """The same wall with the new pictures of a newer one at its end, and new copies in their stacks; no shown photo
        moves.
        """
        fresh: list[Result] = []
        behind = {front: list(others) for front, others in self.behind.items()}
        for photo in newer.results:
            copies = (photo.id, *newer.behind.get(photo.id, ()))
            unknown = [copy for copy in copies if copy not in self.rows]
            front = next((self.results[self.rows[copy]].id for copy in copies if copy in self.rows), None)
            if front is None:
                front, unknown = photo.id, unknown[1:]
                fresh.append(photo)
            if unknown:
                behind.setdefault(front, []).extend(unknown)
        if not fresh and behind == self.behind:
            return self
        sections = self.sections
        is_plain = all(section.kind is Kind.PLAIN for section in sections)
        if fresh and not is_plain and sections[-1].kind is not Kind.FRESH:
            sections = (*sections, Section(len(self.results), Kind.FRESH))
        return Wall.from_results(
            (*self.results, *fresh), sections, days=self.shapes.days, marked=self.marked, behind=behind
        )

    def ids_now(self, photos: Sequence[Result], before: Mapping[int, int]) -> list[int]:
        """The ids of those photos that this wall holds; for an edited one, the id of the picture that its file shows now.

        `before` are the rows of the wall that held them: a picture that it held already does not come from an edit.
        """
        here = [photo.id for photo in photos if photo.id in self.rows]
        if len(here) == len(photos):
            return here
        fresh = {photo.path: photo.id for photo in self.results if photo.id not in before}
        edited = (fresh.get(photo.path) for photo in photos if photo.id not in self.rows)
        return [*here, *(photo for photo in edited if photo is not None)]

    def new_in(self, other: Wall) -> int:
        """The number of photos of another wall that this one does not hold."""
        return sum(photo not in self.rows for photo in other.rows)


EMPTY = Wall.from_results(())
