"""The request and the answer of a search: sorted photos, the filters applied, and the faults of the query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from picsight_engine.bundles.calibration import Match
    from picsight_engine.filters.filtered_query import Filter
    from picsight_engine.foundation.suffixes import Companion
    from picsight_engine.foundation.written_line import WrittenLine
    from picsight_engine.language.query import QueryFault
    from picsight_engine.language.translation import Translation

Order = Literal["match", "date", "folder"]
Least = Literal["strong", "weaker", "all"]
FoundBy = Literal["name", "meaning", "words"]
COLOUR = "colour:"  # begins the text of a colour's score


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a search: at most `limit` photos that match at least as well as `least`, in this order, explained or not.

    By date or folder, all matching photos are sorted, not only the best; without a calibration, or with "all", the
    `limit` best are. `languages` are those that the user may type besides English, see `language.lexicon.LANGUAGES`.
    """

    limit: int = 20
    order: Order = "match"
    least: Least = "all"
    explain: bool = False
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TermScore:
    """The similarity of a photo to one term of the query; `text` is the term as typed, the score is a cosine.

    A colour that the term names follows as "colour:red": the score is 1 if the photo shows it.
    """

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Result:
    """One photo of an answer; `path` is its primary file, or the first in the folder or of the name that was asked for, and
    `also` are its others there; `width` and `height` are upright pixels.

    `stack` is the first photo of those that show the same picture, None if there is no other, and in the wall.
    `match` is None if the model is not calibrated for the query, and for facts alone, whose score is 0. A photo
    `found_by` "name" comes first with a strong match if its file has that whole name. Found by a word, it follows the
    strong matches, with the match of its score; so does one found by "words" that are written in it. `written` are the lines of the
    picture that the query means. For facts alone `found_by` is None. `terms` is None without `explain`.
    `moment` is when in a film its best picture is shown, in seconds; None for a photo, and if nothing was compared.
    `duration` is that of a film in seconds, `is_live` means that a film is in the photo's file or beside it, `companions`
    are the kinds of the files behind the primary one.
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
    moment: float | None = None
    duration: float | None = None
    is_live: bool = False
    companions: tuple[Companion, ...] = ()
    also: tuple[Path, ...] = ()
    written: tuple[WrittenLine, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that actions on this result mean."""
        return (self.path, *self.also)

    def showing(self, files: Sequence[Path]) -> Result:
        """The same photo by these files; as it is without any."""
        return replace(self, path=files[0], also=tuple(files[1:])) if files else self


def files_of_all(results: Iterable[Result]) -> list[Path]:
    """The files that an action on all these results means."""
    return [path for result in results for path in result.files]


@dataclass(frozen=True, slots=True)
class Answer:
    """The photos in order, best first by default.

    `photos` is how many were searched: all that pass the filters. `undated` photos fail only because they have no date.
    `translation` is None unless words were translated.
    """

    query: str
    space: str
    photos: int
    milliseconds: float
    results: tuple[Result, ...]
    faults: tuple[QueryFault, ...] = ()
    filters: tuple[Filter, ...] = ()
    undated: int = 0
    translation: Translation | None = None

    def part(self, of: Filter | QueryFault) -> str:
        """The text of the query to which a filter or a fault refers."""
        return self.query[of.start : of.end]
