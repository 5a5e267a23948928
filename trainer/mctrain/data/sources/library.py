r"""A person's decisions about tags, as a Picsight library exports them: JSON lines, version 1.

The first line says what the file is; whoever meets another version reads nothing of it:

    {"format": "picsight-decisions", "version": 1}

Each further line is one decision, an object with these fields and, for later use, any others:

    path         text: where the photo lies, absolute or from the folder of this file; "/" divides also on Windows;
                 bytes of a name that are no UTF-8 stand as "\udc80" to "\udcff"
    fingerprint  text: 32 lower-case hex digits, the picture's fingerprint by rule 1
    tag          text: the tag's name
    prompts      list of texts: the tag's own, which may be empty
    decision     "accepted" or "rejected"
    time         text: when it was made, ISO 8601 with its offset from UTC

A photo that lies at several paths has a line for each. Of several decisions on one photo and tag the latest counts,
of equally late ones the last line. Built-in tags (favourites) say nothing of what a photo shows: they are not exported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from mctrain.data.sources.listing import Entry, Listing, records
from mctrain.data.words import described
from mctrain.errors import DataError
from picsight_engine.errors import ImageError
from picsight_engine.photos.identity import fingerprint
from picsight_engine.photos.limits import Limits
from picsight_engine.photos.reading import read_photo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = "picsight-decisions"
VERSION: Final = 1

_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the file."""

    path: Path
    fingerprint: str
    tag: str
    prompts: tuple[str, ...]
    accepted: bool
    time: datetime


@dataclass(slots=True)
class _Tagged:
    """All that is said of one picture: where it was seen, and the decision that counts for each tag."""

    paths: dict[Path, None] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)


def read_library(file: Path) -> Listing:
    """The photos with an accepted tag: tag and prompts are short queries; the names of rejected tags stand as `rejected`.

    Raises:
        DataError: the file cannot be read, or is no such export of this version.
    """
    faults: list[str] = []
    lines = records(file, faults)
    _demand_version(next(lines, ("", {}))[1], file)
    pictures: dict[str, _Tagged] = {}
    for where, record in lines:
        try:
            decision = _decision(record, file.parent)
        except DataError as fault:
            faults.append(f"{where}: {fault}")
            continue
        picture = pictures.setdefault(decision.fingerprint, _Tagged())
        picture.paths[decision.path] = None
        before = picture.decisions.get(decision.tag)
        if before is None or before.time <= decision.time:
            picture.decisions[decision.tag] = decision
    entries = [entry for mark, own in pictures.items() if (entry := _entry(mark, own, faults))]
    return Listing(tuple(sorted(entries, key=lambda entry: entry.path)), tuple(faults))


def _demand_version(head: Mapping[str, Any], file: Path) -> None:
    if head.get("format") != FORMAT:
        raise DataError(
            f"{file} is no export of a Picsight library; give that, or the folder in which the photos lie."
        )
    if head.get("version") != VERSION:
        raise DataError(
            f"{file} has version {head.get('version')} of the export, and only version {VERSION} can be read; "
            "use a Picsight and an mctrain of the same age."
        )


def _decision(record: Mapping[str, Any], folder: Path) -> Decision:
    """A line as its decision.

    Raises:
        DataError: a field is missing or is something else.
    """
    for name in ("path", "fingerprint", "tag", "decision", "time"):
        if not isinstance(record.get(name), str) or not record[name]:
            raise DataError(f"`{name}` must be a text.")
    prompts = record.get("prompts")
    if not isinstance(prompts, list) or not all(isinstance(prompt, str) for prompt in prompts):
        raise DataError("`prompts` must be a list of texts.")
    if record["decision"] not in {"accepted", "rejected"}:
        raise DataError(f"`decision` must be accepted or rejected, not {record['decision']!r:.40}.")
    try:
        time = datetime.fromisoformat(record["time"])
        int(record["fingerprint"], 16)
    except ValueError as fault:
        raise DataError(f"{fault}.") from fault
    if time.tzinfo is None or len(record["fingerprint"]) != _DIGITS:
        raise DataError("`time` needs its offset from UTC, and `fingerprint` 32 hex digits.")
    return Decision(
        folder / record["path"],
        record["fingerprint"],
        record["tag"],
        tuple(prompts),
        record["decision"] == "accepted",
        time,
    )


def _entry(mark: str, picture: _Tagged, faults: list[str]) -> Entry | None:
    """The photo of a picture that has an accepted tag, at the first path where it still is that picture."""
    accepted = [own for own in picture.decisions.values() if own.accepted]
    if not accepted:
        return None
    path = _found(mark, picture, faults)
    if path is None:
        return None
    queries = [text for own in accepted for text in (own.tag, *own.prompts)]
    rejected = [own.tag for own in picture.decisions.values() if not own.accepted]
    return Entry(path, described({"queries": queries, **({"rejected": rejected} if rejected else {})}))


def _found(mark: str, picture: _Tagged, faults: list[str]) -> Path | None:
    told = []
    for path in picture.paths:
        try:
            if fingerprint(read_photo(path, Limits())).hex() == mark:
                return path
            told.append(f"{path} has changed since its tags were decided.")
        except ImageError as fault:
            told.append(str(fault))
    faults += told
    return None
