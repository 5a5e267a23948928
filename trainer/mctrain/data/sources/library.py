r"""Decisions about tags, as `picsight export decisions FILE` writes them (JSON lines, version 1) and as samples store them.

Each line is an object with `"format": "picsight-decisions"` and `"version": 1`. Only lines about a photo and a tag of kind
"tag" are read, with these fields:

    path         text: the photo's path; bytes that are not UTF-8 are written as "\udc80" to "\udcff"
    fingerprint  text: 32 lower-case hex digits, the picture's fingerprint by `rule`
    tag          text: the path of the tag, "Birds/Waders"
    prompts      list of texts: the prompts of the tag, possibly none
    decision     "accepted" or "rejected"; null if the photo is only an example
    example      "for" (accepted) or "against" (rejected); any decision overrides it
    time         text: the time of the decision, ISO 8601 with UTC offset

Ratings, albums and favourites do not describe a photo and are ignored, as are unknown fields. The latest decision on a photo
and tag counts; if times are equal, the last line wins. A photo with several paths may have a line for each.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mctrain.data.sources.listing import SourceEntry, SourceListing
from mctrain.data.texts import described, text_field
from mctrain.errors import DataError
from mctrain.paths import opened
from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.formats import is_film
from picsight_engine.photos.identity import FINGERPRINT_RULE, fingerprint
from picsight_engine.photos.reading import Limits, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


FORMAT: Final = "picsight-decisions"
VERSION: Final = 1
DECISIONS: Final = "decisions"  # the field in a sample's JSON

_MARK = re.compile(r"[0-9a-f]{32}")
_MOST_BYTES = 1_000_000  # per line; no real export has a longer one
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Decision:
    """A tag by its path ("Birds/Waders"), its prompts, and whether the photo was accepted or rejected for it."""

    tag: str
    prompts: tuple[str, ...]
    accepted: bool

    @property
    def words(self) -> tuple[str, ...]:
        """The prompts of the tag, or its name if it has no prompts."""
        return self.prompts or (self.tag.rpartition("/")[2],)


@dataclass(frozen=True, slots=True)
class _Decided:
    """One line: the fingerprint and path of a picture, the decision, and its time."""

    mark: str
    path: Path
    decision: Decision
    time: datetime


@dataclass(slots=True)
class _Picture:
    """The paths of one picture, and the line that counts for each tag."""

    paths: dict[Path, None] = field(default_factory=dict)
    decided: dict[str, _Decided] = field(default_factory=dict)


class _LibraryLineError(ValueError):
    """A fault of a line, as the end of a sentence."""


def read_library(file: Path) -> SourceListing:
    """The photos with a decision about a tag; the words of accepted tags become queries.

    Raises:
        DataError: the file cannot be read, is not such an export, has another version, or has a damaged line.
    """
    pictures: dict[str, _Picture] = {}
    faults: list[str] = []
    for decided in _lines(file, faults):
        picture = pictures.setdefault(decided.mark, _Picture())
        picture.paths[decided.path] = None
        before = picture.decided.get(decided.decision.tag)
        if before is None or before.time <= decided.time:
            picture.decided[decided.decision.tag] = decided
    if not pictures:
        raise DataError(
            f"{file} holds no decision about a tag, so that nothing can be learnt from it; accept or reject photos for a tag, and "
            "export again."
        )
    entries = [entry for mark, picture in pictures.items() if (entry := _entry(mark, picture, faults))]
    return SourceListing(tuple(sorted(entries, key=lambda entry: entry.path)), tuple(faults))


def _lines(file: Path, faults: list[str]) -> Iterator[_Decided]:
    with opened(file) as source:
        for number, line in enumerate(iter(lambda: source.readline(_MOST_BYTES), b""), start=1):
            try:
                if line.strip() and (decided := _parse_line(line)):
                    yield decided
            except UnicodeEncodeError:
                faults.append(f"Line {number} of {file} was left out: a text holds half a character.")
            except _LibraryLineError as fault:
                raise DataError(f"Nothing was packed, because in line {number} of {file} {fault}.") from fault


def _parse_line(line: bytes) -> _Decided | None:
    """The decision in a line; None if the line is about something else."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as fault:
        raise _LibraryLineError(
            "there is no JSON, or it is cut off; give the file that a Picsight library exported"
        ) from fault
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise _LibraryLineError(
            f'`format` is not "{FORMAT}"; give the file that a Picsight library exported, or the folder in which the photos lie'
        )
    _demand(record, "version", VERSION)
    if "rating" in record or _field(record, "kind") != "tag":
        return None
    decision, example = _field(record, "decision"), _field(record, "example")
    if decision is None and example is None:
        return None
    _demand(record, "rule", FINGERPRINT_RULE)
    accepted = example == "for" if decision is None else decision == "accepted"
    time = _EARLIEST if decision is None else datetime.fromisoformat(_field(record, "time"))
    made = Decision(_field(record, "tag"), tuple(_field(record, "prompts")), accepted)
    path = _field(record, "path")
    "".join((made.tag, *made.prompts)).encode()
    path.encode(errors="surrogateescape")
    return _Decided(_field(record, "fingerprint"), Path(path), made, time)


def _demand(record: Mapping[str, Any], name: str, wanted: int) -> None:
    if record.get(name) != wanted:
        raise _LibraryLineError(
            f"`{name}` is {record.get(name)!r:.20} and not {wanted}; use a Picsight and an mctrain of the same age"
        )


def _field(record: Mapping[str, Any], name: str) -> Any:
    """A field's value, after a check that it is valid."""
    value = record.get(name)
    if not _FIELDS[name](value):
        raise _LibraryLineError(f"`{name}` cannot be {value!r:.40}; export the decisions again")
    return value


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


_FIELDS: dict[str, Callable[[Any], bool]] = {
    "path": lambda value: _is_filled(value) and "\0" not in value,
    "fingerprint": lambda value: isinstance(value, str) and bool(_MARK.fullmatch(value)),
    "tag": lambda value: _is_filled(value) and all(map(str.strip, value.split("/"))),
    "kind": lambda value: value in ("tag", "album", "favourite"),
    "prompts": lambda value: isinstance(value, list) and all(map(_is_filled, value)),
    "decision": lambda value: value in ("accepted", "rejected", None),
    "example": lambda value: value in ("for", "against", None),
    "time": _is_time,
}


def _entry(mark: str, picture: _Picture, faults: list[str]) -> SourceEntry | None:
    """The entry of a picture, at the first path whose file still has its fingerprint."""
    path = _found(mark, picture, faults)
    if path is None:
        return None
    decisions = [each.decision for each in picture.decided.values()]
    queries = [text for each in decisions if each.accepted for text in each.words]
    return SourceEntry(path, described({"queries": queries, **fact_of(decisions)}))


def _found(mark: str, picture: _Picture, faults: list[str]) -> Path | None:
    reasons = []
    for path in picture.paths:
        if is_film(path):
            reasons.append(f"{path} is a film, and models learn from photos.")
            continue
        try:
            if fingerprint(read_photo(path, Limits())).hex() == mark:
                return path
            reasons.append(f"{path} has changed since its tags were decided.")
        except ImageError as fault:
            reasons.append(str(fault))
    faults += reasons
    return None


def fact_of(decisions: Iterable[Decision]) -> dict[str, Any]:
    """The decisions on a photo, for the JSON of its sample."""
    return {
        DECISIONS: [
            {"tag": decision.tag, "prompts": list(decision.prompts), "accepted": decision.accepted}
            for decision in decisions
        ]
    }


def decisions_of(about: Mapping[str, Any], key: str) -> tuple[Decision, ...]:
    """The decisions in the JSON of a sample; `key` is for the error message only.

    Raises:
        DataError: the field holds anything else.
    """
    try:
        return tuple(_decision(each) for each in about.get(DECISIONS, ()))
    except (TypeError, KeyError, AttributeError) as fault:
        raise DataError(f"{key} holds something else where decisions should be; pack it again.") from fault


def _decision(record: Mapping[str, Any]) -> Decision:
    tag, accepted = record["tag"], record["accepted"]
    if not isinstance(tag, str) or type(accepted) is not bool:
        raise TypeError
    return Decision(tag, text_field(record, "prompts"), accepted)
