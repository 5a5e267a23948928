r"""A library's tags, decisions and ratings as one file of JSON lines, version 1, from which they can be restored.

Every line is one object with `"format": "picsight-decisions"` and `"version": 1`, and one of these:

    a decision   path, fingerprint, rule, decision ("accepted" or "rejected"), time, source, and the tag's fields
    an example   path, fingerprint, rule, example ("for" or "against"), decision null, and the tag's fields
    a tag        decision null, and the tag's fields, for a tag without decisions and examples
    a search     search (its name), query, decision null, and the fields of the favourites, which older readers see
    a rating     path, fingerprint, rule, rating (-1 rejected, 0 to 5 stars), time

    the tag's fields are tag ("Birds/Waders"), kind ("tag", "album" or "favourite"), prompts, threshold, suggests; a person is an
    album with "person": true, and a decision about one of a picture's faces has "face": [x, y, width, height]

`path` is absolute, with bytes that are not UTF-8 as "\udc80" to "\udcff"; `fingerprint` is 32 lower-case hex digits, made by
`rule`; `time` is ISO 8601 with its offset; a face is shares of the upright picture's width and height. Readers ignore unknown fields, which later versions may add.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

from picsight_engine.exchange.replacement import write_export
from picsight_engine.foundation.errors import Message, RequestError, StorageError, as_text
from picsight_engine.foundation.face import Box
from picsight_engine.store.tagging.exported_decisions import SeenPicture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    Record = dict[str, Any]

FORMAT = "picsight-decisions"
VERSION = 1

Kind = Literal["tag", "album", "favourite", "person"]
Decision = Literal["accepted", "rejected"]
Example = Literal["for", "against"]

_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_MOST_BYTES = 1_000_000  # per line
_AS_IT_IS = json.JSONEncoder(ensure_ascii=False)
_TAG_FIELDS = ("tag", "kind", "prompts", "threshold", "suggests")
_STORED_KINDS = ("tag", "album", "favourite")
_MOST_RULES = 1_000_000
_LONGEST_SOURCE = 100  # characters
_EVER = datetime.min.replace(tzinfo=UTC)
_PATIENCE = 1000  # invalid lines after which reading stops


@dataclass(frozen=True, slots=True)
class TagLine:
    """A tag; with a picture, a decision on it, or on a `face` in it (`time` and `source`: when, by whom), or an example; or a
    `search` (name, query).
    """

    tag: str
    kind: Kind
    prompts: tuple[str, ...]
    threshold: float | None
    suggests: bool
    picture: SeenPicture | None = None
    decision: Decision | None = None
    example: Example | None = None
    time: datetime | None = None
    source: str | None = None
    search: tuple[str, str] | None = None
    face: Box | None = None


@dataclass(frozen=True, slots=True)
class RatingLine:
    """The user's stars for a photo, from 0 to 5; -1 means rejected."""

    picture: SeenPicture
    stars: int
    time: datetime


Line = TagLine | RatingLine


class _LineError(ValueError):
    """The fault of a line; the message is the end of a sentence."""


class _TextError(_LineError):
    """The line is complete but has invalid characters; only that line is skipped."""


class _VersionError(ValueError):
    """The line has an unknown version."""


def encode(lines: Iterable[Line]) -> Iterator[str]:
    """The file's lines, one after the other."""
    for line in lines:
        record = {"format": FORMAT, "version": VERSION}
        if isinstance(line, RatingLine):
            record |= {**_picture_record(line.picture), "rating": line.stars, "time": line.time.isoformat()}
        else:
            record |= _tag_record(line)
        text = _AS_IT_IS.encode(record)
        # the only way to write a path that is not UTF-8
        yield (text if _is_text(text) else json.dumps(record)) + "\n"


def write_decisions(file: Path, lines: Sequence[Line], *, replace: bool = False) -> None:
    """Writes a file; replaces an earlier export and raises errors like `write_export`."""
    chunks = (line.encode() for line in encode(lines))
    write_export(file, chunks, partial(_lacking, lines=lines), replace=replace)


def read_decisions(file: Path, faults: list[Message]) -> Iterator[Line]:
    """Yields the lines of a file. Do not use them before the end, where damage may still be found.

    Adds a sentence about skipped lines to `faults`.

    Raises:
        RequestError: the file is missing, of another kind, of a newer version, or damaged; the message says where.
        StorageError: the file cannot be read.
    """
    try:
        with file.open("rb") as source:
            yield from _lines(file, iter(lambda: source.readline(_MOST_BYTES), b""), faults)
    except _VersionError as fault:
        raise RequestError(
            "{file} was written by a newer Picsight ({fault}). Update this one, then import it.",
            file=file,
            fault=fault,
        ) from fault
    except (FileNotFoundError, IsADirectoryError) as fault:
        raise RequestError("There is no file of decisions at {file}. Check its name.", file=file) from fault
    except OSError as fault:
        raise StorageError(
            "{file} cannot be read ({reason}). Copy it again from where it came.",
            file=file,
            reason=fault.strerror,
        ) from fault


def _lacking(file: Path, lines: Iterable[Line]) -> str | None:
    """Something in a file that these lines lack, or have only in an older version; None if there is nothing."""
    faults: list[Message] = []
    here = _subjects(lines)
    for subject, (words, time) in _subjects(read_decisions(file, faults)).items():
        if subject not in here or here[subject][1] < time:
            return as_text(words)
    return "lines that cannot be read" if faults else None


def _subjects(lines: Iterable[Line]) -> dict[tuple[object, ...], tuple[str, datetime]]:
    """The subjects of lines: for each, its name for the user and the time of the decision."""
    found: dict[tuple[object, ...], tuple[str, datetime]] = {}
    for line in lines:
        if isinstance(line, RatingLine):
            found[line.picture.fingerprint,] = f"the stars of {line.picture.path}", line.time
            continue
        noun, name = ("tag", line.tag) if line.search is None else ("search", line.search[0])
        found[line.tag, line.kind, line.search] = f'the {noun} "{name}"', _EVER
        for text in line.prompts:
            found[line.tag, text, None] = f'the description "{text}" of "{line.tag}"', _EVER
        if line.picture is not None:
            key = line.tag, line.example, line.decision is None, line.picture.fingerprint, line.face
            found[key] = f'{line.picture.path} for "{line.tag}"', line.time or _EVER
    return found


def _lines(file: Path, source: Iterable[bytes], faults: list[Message]) -> Iterator[Line]:
    sound, damaged, no_text = 0, list[Message](), list[Message]()
    for number, data in enumerate(source, 1):
        try:
            line = _line(data)
        except _LineError as fault:
            found = no_text if isinstance(fault, _TextError) else damaged
            found.append(Message("in line {number} {fault}", number=number, fault=fault))
            if len(damaged) > _PATIENCE and not sound:
                break  # probably a binary file
        else:
            if line is not None:
                sound += 1
                yield line
    if not sound:
        first, *_ = (*damaged, *no_text, Message("it is empty"))
        raise RequestError(
            "{file} contains no Picsight decisions: {first}. Choose another file.", file=file, first=first
        )
    if damaged:
        raise RequestError(
            Message.counted(
                len(damaged),
                "Nothing was imported from {file}, because one line is damaged: {first}. Export it again, or delete what is damaged in a text editor.",
                "Nothing was imported from {file}, because {number:,} lines are damaged: {first}. Export it again, or delete what is damaged in a text editor.",
                file=file,
                first=damaged[0],
            )
        )
    if no_text:
        faults.append(
            Message.counted(
                len(no_text),
                "One line of {file} was left out: {first}. Correct that, and import the file again.",
                "{number:,} lines of {file} were left out: {first}. Correct that, and import the file again.",
                file=file,
                first=no_text[0],
            )
        )


def _line(data: bytes) -> Line | None:
    """The content of a line, None for a blank one."""
    if not data.strip():
        return None
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise _LineError(Message("there is no JSON, or it is cut off")) from fault
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise _LineError(Message('`format` is not "{format}"', format=FORMAT))
    if _field(record, "version") > VERSION:
        words = "version {found} of the format, and here it is {version}"
        raise _VersionError(Message(words, found=record["version"], version=VERSION))
    if "rating" in record:
        return RatingLine(_picture(record), _field(record, "rating"), _time(record))
    tag, kind, prompts, threshold, suggests = (_field(record, name) for name in _TAG_FIELDS)
    _require_text("tag", tag)
    _require_text("prompts", "".join(prompts))
    if _field(record, "person"):
        kind = "person"
    definition = tag, kind, tuple(prompts), threshold, suggests
    decision, example = _field(record, "decision"), _field(record, "example")
    if decision is not None:
        how = decision, example, _time(record), _field(record, "source")
        face = _field(record, "face")
        return TagLine(*definition, _picture(record), *how, face=None if face is None else Box(*face))
    if "search" in record:
        return TagLine(*definition, search=(_field(record, "search"), _field(record, "query")))
    return TagLine(*definition, None if example is None else _picture(record), example=example)


def _picture(record: Record) -> SeenPicture:
    path = _field(record, "path")
    _require_text("path", path, "surrogateescape")
    return SeenPicture(path, bytes.fromhex(_field(record, "fingerprint")), _field(record, "rule"))


def _require_text(name: str, text: str, errors: str = "strict") -> None:
    if not _is_text(text, errors):
        raise _TextError(Message("`{name}` holds half a character", name=name))


def _time(record: Record) -> datetime:
    return datetime.fromisoformat(_field(record, "time"))


def _field(record: Record, name: str) -> Any:
    """A field's value; raises _LineError if it is not allowed."""
    fits, otherwise = _FIELDS[name]
    value = record.get(name)
    if not fits(value):
        raise _LineError(otherwise.about(name=name))
    return value


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_source(value: object) -> bool:
    return _is_filled(value) and str(value).isprintable() and len(str(value)) <= _LONGEST_SOURCE


def _is_time(value: object) -> bool:
    """Whether a value is a time within the range of the calendar, in any time zone."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return time is not None and time.tzinfo is not None and 1 < time.year < 9999


def _is_whole(value: object, least: int, most: float = math.inf) -> bool:
    return type(value) is int and least <= value <= most


def _is_box(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(Box._fields)
        and all(type(part) in {int, float} and 0 <= part <= 1 for part in value)
        and value[2] * value[3] > 0
    )


def _one_of(words: tuple[str | None, ...]) -> Callable[[object], bool]:
    return lambda value: value in words and not isinstance(value, (list, dict))


# For each field, a check of its value and the message if that fails.
_FIELDS: dict[str, tuple[Callable[[Any], bool], Message]] = {
    "version": (lambda value: _is_whole(value, 1), Message("`{name}` is not a number from 1 on")),
    "path": (lambda value: _is_filled(value) and "\0" not in value, Message("`{name}` is no path")),
    "fingerprint": (
        lambda value: isinstance(value, str) and bool(_FINGERPRINT.fullmatch(value)),
        Message("`{name}` is not of 32 hexadecimal digits"),
    ),
    "rule": (
        lambda value: _is_whole(value, 1, _MOST_RULES),
        Message("`{name}` is not a number from 1 to 1,000,000"),
    ),
    "rating": (lambda value: _is_whole(value, -1, 5), Message("`{name}` is not from -1 to 5")),
    "time": (_is_time, Message("`{name}` is not a date and time with an offset from UTC")),
    "tag": (
        lambda value: _is_filled(value) and all(map(str.strip, value.split("/"))),
        Message("`{name}` is no name"),
    ),
    "kind": (_one_of(_STORED_KINDS), Message("`{name}` is neither tag nor album nor favourite")),
    "person": (
        lambda value: value is None or type(value) is bool,
        Message("`{name}` is neither true nor false"),
    ),
    "face": (
        lambda value: value is None or _is_box(value),
        Message("`{name}` is not a box: four numbers from 0 to 1, with a width and a height"),
    ),
    "prompts": (
        lambda value: isinstance(value, list) and all(map(_is_filled, value)),
        Message("`{name}` is no list of texts"),
    ),
    "threshold": (
        lambda value: value is None or (type(value) in {int, float} and 0 <= value <= 1),
        Message("`{name}` is not from 0 to 1"),
    ),
    "suggests": (lambda value: type(value) is bool, Message("`{name}` is neither true nor false")),
    "decision": (_one_of((*get_args(Decision), None)), Message("`{name}` is not accepted, rejected or null")),
    "example": (_one_of((*get_args(Example), None)), Message("`{name}` is neither for nor against")),
    "source": (_is_source, Message("`{name}` is not a text of at most 100 characters")),
    "search": (_is_filled, Message("`{name}` is no name")),
    "query": (_is_filled, Message("`{name}` is no text")),
}


def _tag_record(line: TagLine) -> Record:
    example = {} if line.example is None else {"example": line.example}
    origin = {} if line.time is None else {"time": line.time.isoformat(), "source": line.source}
    return {
        **dict(zip(("search", "query"), line.search or (), strict=False)),
        **({} if line.picture is None else _picture_record(line.picture)),
        **{name: getattr(line, name) for name in _TAG_FIELDS},
        **({"kind": "album", "person": True} if line.kind == "person" else {}),
        **({} if line.face is None else {"face": [round(part, 5) for part in line.face]}),
        **example,
        "decision": line.decision,
        **origin,
    }


def _picture_record(picture: SeenPicture) -> Record:
    return {"path": picture.path, "fingerprint": picture.fingerprint.hex(), "rule": picture.rule}


def _is_text(text: str, errors: str = "strict") -> bool:
    """Whether a text can be written in UTF-8; for a path, `errors` is "surrogateescape"."""
    try:
        text.encode(errors=errors)
    except UnicodeEncodeError:
        return False
    return True
