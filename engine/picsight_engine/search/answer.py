"""What a search is asked and gives back: photos in their order, what narrowed them, and where the query had faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.bundles.calibration import Match
    from picsight_engine.language.conditions import FilterKind
    from picsight_engine.language.query import QueryFault

Order = Literal["match", "date", "folder"]
Least = Literal["strong", "weaker", "all"]
FoundBy = Literal["name", "meaning"]


@dataclass(frozen=True, slots=True)
class Request:
    """How an answer is wanted: at most `limit` photos that match at least so well, in this order, explained or not.

    By date or folder all photos that match are put in order, not only the best; where nothing tells what matches, or
    "all" are wanted, the `limit` best are. `pictures` are unit vectors [dim] that belong to every alternative.
    """

    limit: int = 20
    order: Order = "match"
    least: Least = "all"
    explain: bool = False
    pictures: tuple[NDArray[np.float32], ...] = ()


@dataclass(frozen=True, slots=True)
class TermScore:
    """How near a photo is to one thing that a query names, `text` as it is typed; the score is a cosine."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Result:
    """One photo of an answer; `path` is its primary file, `width` and `height` are upright pixels.

    `stack` is the first photo of those that show the same picture, None where there is no other, and in the wall.
    `match` is None where the model is not calibrated for what was asked, and for facts alone, whose score is 0. A photo
    `found_by` "name" leads and is strong if its file has that whole name; found by a word, it follows the strong ones
    with the match of its score. For facts alone `found_by` is None. `terms` are None unless an explanation was wanted.
    """

    id: int
    path: Path
    score: float
    match: Match | None
    taken: str | None
    place: str | None
    width: int
    height: int
    stack: int | None = None
    terms: tuple[TermScore, ...] | None = None
    found_by: FoundBy | None = None
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """A part of the query that narrows the answer: a fact, or plain words that were `recognised` as one.

    `start` and `end` are its place in the query, `words` name it for a person, `photos` is how many of the whole library
    it holds for. What was recognised becomes plain words again by `query.as_words`.
    """

    start: int
    end: int
    kind: FilterKind
    words: str
    photos: int
    excluded: bool = False
    recognised: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Photos in their order, best first unless another one was asked for.

    `photos` is how many were searched: all that pass the filters. `undated` ones did not, for want of a date alone.
    """

    query: str
    space: str
    photos: int
    milliseconds: float
    results: tuple[Result, ...]
    faults: tuple[QueryFault, ...] = ()
    filters: tuple[Filter, ...] = ()
    undated: int = 0

    def part(self, of: Filter | QueryFault) -> str:
        """The text of the query that a filter or a fault is about."""
        return self.query[of.start : of.end]
