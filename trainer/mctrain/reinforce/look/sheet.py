"""What a contact sheet shows of a shard: photos with their texts, and of reinforced ones the views and what the teachers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Line:
    """A text, and by teacher its cosine with view 0."""

    text: str
    cosines: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Texts of one kind, of which the first are shown and `more` are not; `synthetic` are those that a model made."""

    title: str
    synthetic: bool
    lines: tuple[Line, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One teacher's cosine of a view with its photo's first caption, and the rank of this among all first captions, from 1 on."""

    cosine: float
    rank: int

    @property
    def hit(self) -> bool:
        """Whether no other photo's caption is nearer."""
        return self.rank == 1


@dataclass(frozen=True, slots=True)
class Tile:
    """A replayed view: what was cut out, what was done to it, and by teacher what it is like."""

    cut: str
    operations: str
    picture: Image
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One photo; without tiles it is not reinforced."""

    key: str
    about: tuple[str, ...]
    picture: Image
    tiles: tuple[Tile, ...]
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Some entries of a shard that has so many `whole` samples; `faults` tell what is passed over.

    `teachers` are in words; where no manifest names them they are `guessed`.
    """

    shard: str
    whole: int
    teachers: tuple[str, ...]
    guessed: bool
    entries: tuple[Entry, ...]
    faults: tuple[str, ...]

    @property
    def reinforced(self) -> tuple[Entry, ...]:
        """Those whose first captions are compared with one another."""
        return tuple(entry for entry in self.entries if entry.tiles)
