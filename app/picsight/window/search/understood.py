"""What the last answer understood of the query in the box: recognised words, which are chips too, and faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight.texts import worded
from picsight.window.search.box_text import first_place
from picsight.window.search.chips import Chip

if TYPE_CHECKING:
    from picsight_engine.search.answer import Answer


@dataclass(frozen=True, slots=True)
class Understood:
    """Parts of the answered query, each with its meaning or its fault."""

    recognised: tuple[tuple[str, str], ...] = ()
    faults: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, answer: Answer | None) -> Understood:
        """Nothing without an answer."""
        if answer is None:
            return cls()
        filters = (each for each in answer.filters if each.recognised)
        return cls(
            tuple((answer.part(each), worded(each.words)) for each in filters),
            tuple((answer.part(each), worded(each.message)) for each in answer.faults),
        )

    def chips(self, line: str) -> list[Chip]:
        """The recognised words that are still in the line."""
        return [
            Chip(phrase, words, recognised=True)
            for phrase, words in self.recognised
            if first_place(phrase, line)
        ]

    def fault(self, token: str) -> str:
        """The fault of a chip; "" if it has none."""
        return next((message for phrase, message in self.faults if phrase == token), "")

    def marks(self, line: str) -> list[Mark]:
        """The faulty and the recognised parts of the line."""
        faulty = (phrase for phrase, _ in self.faults if phrase and phrase in line)
        marks = [Mark(line.find(phrase), len(phrase), is_fault=True) for phrase in faulty]
        places = (first_place(phrase, line) for phrase, _ in self.recognised)
        return marks + [Mark(place[0], place[1] - place[0]) for place in places if place]


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked part of a line."""

    start: int
    length: int
    is_fault: bool = False
