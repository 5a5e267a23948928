"""Turns a typed fact into a condition on the library, or into a message about its fault."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial, reduce
from typing import TYPE_CHECKING, get_args

import numpy as np

from picsight_engine.filters.condition import Condition, listed, some_of
from picsight_engine.filters.decided import MARKS, STARRED, WITH_PEOPLE, people, rated, tagged
from picsight_engine.filters.texts import WITH_WORDS, holding, saying, worded
from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.folding import fold, words_in
from picsight_engine.foundation.suffixes import FORMATS
from picsight_engine.language.fact_values import is_at, names_of_place, place_key, read_amount
from picsight_engine.language.times import time_of_value
from picsight_engine.photos.colours import COLUMNS, NAMES, RULE, surely_showing
from picsight_engine.store import selection
from picsight_engine.store.derived.colours import colour_codes_of
from picsight_engine.store.selection import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from picsight_engine.language.query import Fact
    from picsight_engine.language.times import Period
    from picsight_engine.store.database import Database
    from picsight_engine.store.selection import Column, NumberColumn, TextColumn

SHAPES: tuple[Shape, ...] = get_args(Shape)
# The values of "has:": the column, and its name for the user.
KNOWN: dict[str, tuple[Column, Message]] = {
    "date": ("taken", Message("a date")),
    "gps": ("lat", Message("a position")),
    "place": ("place", Message("a place")),
    "camera": ("camera", Message("a camera")),
    "lens": ("lens", Message("a lens")),
    "iso": ("iso", Message("an ISO value")),
    "f": ("aperture", Message("an aperture")),
    "focal": ("focal", Message("a focal length")),
    "label": ("label", Message("a label")),
    "keywords": ("keywords", Message("keywords")),
    "description": ("description", Message("a description")),
}
# Other values of "has:", apart from "copies".
_OTHERS = {"rating": STARRED, "words": WITH_WORDS, "people": WITH_PEOPLE}
_EDITED: NumberColumn = "edited"
# For each number: its column, its display step, its phrase, and an example.
_NUMBERS: dict[str, tuple[NumberColumn, float, str, str]] = {
    "iso": ("iso", 1, "ISO {}", "1600"),
    "f": ("aperture", 0.1, "f/{}", "2.8"),
    "focal": ("focal", 1, "{} mm", "200"),
}
_UNIT = re.compile(r"f/(?=[0-9.])|(?<=[0-9.])mm| ")  # units that users type with a number
_EXACTNESS = re.compile(r"\.0(?![0-9])|\s+(?=mm)")  # of the numbers in a lens's name
_ABSENT: dict[TextColumn, Message] = {
    "place": Message('No photo is at "{value}"'),
    "camera": Message('No photo is by "{value}"'),
    "lens": Message('No photo has the lens "{value}"'),
    "label": Message('No photo has the label "{value}"'),
}
# A maker whose name is not in its cameras' names.
_MAKERS = {"apple": ("apple", "iphone", "ipad", "ipod")}


VISIBLE = Condition("is", ("visible",), Message("in the library"), selection.visible_photos)
UNDATED = Condition("has", ("undated",), Message("without a date"), selection.undated_photos)


def condition_of(fact: Fact, today: date) -> Condition | Message:
    """The condition of a fact, or a message about its fault."""
    return _READERS[fact.key](fact.value, today)


def taken_in(period: Period) -> Condition:
    """Matches photos taken in this period, by the camera's clock."""
    first, last = period.first.isoformat(), period.last.isoformat()
    if period.yearly:
        find = partial(selection.photos_taken_yearly, first=first[5:], last=last[5:])
    else:
        find = partial(selection.photos_taken, first=first, last=last)
    return Condition("time", (find.func.__name__, first, last), period.words, find)


def known(name: str) -> Condition:
    """Matches photos that have this value of "has:"."""
    column, words = KNOWN[name]
    find = partial(selection.photos_with, column=column)
    condition = Condition("has", ("has", name), Message("with {thing}", thing=words), find, thing=words)
    return condition if column == "taken" else replace(condition, basis=condition)


def located(names: Sequence[str]) -> Condition:
    """Matches photos at a place with all these names, or with all their words in file, folders, keywords and tags."""
    wanted = {place_key(name) for name in names}
    words = {word for name in names for word in words_in(name)}

    def find(db: Database) -> NDArray[np.int64]:
        there = selection.photos_with_text(db, "place", lambda place: wanted <= names_of_place(place).keys())
        named = reduce(np.intersect1d, (worded(word).find(db) for word in words))
        return selection.ascending(np.concatenate([there, named]))

    return Condition("place", ("located", *sorted(wanted)), ", ".join(names), find, decided=True)


def is_by(camera: str, wanted: str) -> bool:
    """Whether the name of a camera or of its maker contains this folded text."""
    return any(name in fold(camera) for name in _MAKERS.get(wanted, (wanted,)))


def is_lens(lens: str, wanted: str) -> bool:
    """Whether the name of a lens contains this folded text; "70.0-200.0 mm f/2.8" also contains "70-200mm"."""
    return _EXACTNESS.sub("", wanted) in _EXACTNESS.sub("", fold(lens))


# For each text column: whether a text matches a folded value.
FITS: dict[TextColumn, Callable[[str, str], bool]] = {
    "place": is_at,
    "camera": is_by,
    "lens": is_lens,
    "label": lambda label, wanted: wanted == fold(label),
}


def unknown(basis: Condition, key: str) -> Message:
    """The message if no photo has any value for a condition."""
    words = 'No photo of this library is known to have {thing}, so "{key}:" was left out.'
    return Message(words, thing=basis.thing, key=key)


def _time(value: str, today: date) -> Condition | Message:
    if (period := time_of_value(value, today)) is None:
        return Message('"in:" needs a time such as 2019, 2019-07, summer-2020 or 2019..2021.')
    return taken_in(period)


def _folder(value: str, _today: date) -> Condition | Message:
    wanted = value.replace("\\", "/")
    return Condition("folder", ("folder", wanted), value, partial(selection.photos_in_folder, text=wanted))


def _format(value: str, _today: date) -> Condition | Message:
    name = value.lower().removeprefix(".")
    for known, suffixes in FORMATS.items():
        if name == known or f".{name}" in suffixes:
            find = partial(selection.photos_ending, suffixes=suffixes)
            return Condition("format", ("format", known), known.upper(), find)
    return _known("format", tuple(FORMATS))


def _is(value: str, _today: date) -> Condition | Message:
    name = value.lower()
    if name in MARKS:
        words, find = MARKS[name]
        return Condition("is", ("is", words), words, find, decided=True)
    if name == _EDITED:
        find = partial(selection.photos_between, column=_EDITED, low=1, high=2)
        absent = Message("No photo is an edited version.")
        return Condition("is", ("is", name), name, find, absent=lambda _db: absent)
    if (shape := next((shape for shape in SHAPES if shape == name), None)) is None:
        return _known("is", (*SHAPES, _EDITED, "favourite", "untagged"))
    return Condition("is", ("is", shape), shape, partial(selection.photos_of_shape, shape=shape))


def _has(value: str, _today: date) -> Condition | Message:
    name = value.lower()
    if name == "copies":
        return Condition("has", ("has", name), Message("with copies"), selection.photos_with_copies)
    if name in _OTHERS:
        return replace(_OTHERS[name], basis=_OTHERS[name])
    if name not in KNOWN:
        return _known("has", (*KNOWN, *_OTHERS, "copies"))
    return known(name)


def _text_fact(column: TextColumn, value: str, _today: date) -> Condition | Message:
    wanted, fits = fold(value), FITS[column]
    find = partial(
        selection.photos_with_text, column=column, fits=lambda text: wanted != "" and fits(text, wanted)
    )
    absent = partial(_without_text, column=column, value=value)
    return Condition(column, (column, wanted), value, find, known(column), absent=absent)


def _without_text(db: Database, column: TextColumn, value: str) -> Message | None:
    there = selection.file_texts(db, column)
    if not there:
        return None
    names = list(dict.fromkeys(text.split(", ")[0] if column == "place" else text for text in there))
    absent = _ABSENT[column].about(value=value)
    if len(names) == 1:
        return Message("{absent}; there is {name}.", absent=absent, name=names[0])
    return Message("{absent}; there are {names}.", absent=absent, names=some_of(names))


def _number_fact(key: str, value: str, _today: date) -> Condition | Message:
    column, step, unit, number = _NUMBERS[key]
    amount = read_amount(_UNIT.sub("", value.lower()), step)
    if amount is None:
        words = '"{key}:" needs a number, as in {key}:{number}, {key}:>={number} or {key}:..{number}.'
        return Message(words, key=key, number=number)
    find = partial(selection.photos_between, column=column, low=amount.low, high=amount.high)
    asked = amount.words(unit)
    absent = partial(_without_number, column=column, unit=unit, words=asked)
    return Condition("exposure", (column, value), asked, find, known(key), absent=absent)


def _without_number(db: Database, column: NumberColumn, unit: str, words: Message | str) -> Message | None:
    there = selection.extremes(db, column)
    if there is None:
        return None
    least, most = (unit.format(f"{round(each, 2):.10g}") for each in there)
    if least == most:
        return Message("No photo has {value}; there is {least}.", value=words, least=least)
    return Message("No photo has {value}; there is {least} to {most}.", value=words, least=least, most=most)


def photos_showing(db: Database, column: int) -> NDArray[np.int64]:
    """The visible photos that show a colour, of those that were measured."""
    ids = selection.visible_photos(db)
    codes = colour_codes_of(db, ids, RULE, len(NAMES))
    return np.asarray(ids[surely_showing(codes, column)])


def _colour(value: str, _today: date) -> Condition | Message:
    column = COLUMNS.get(value.lower())
    if column is None:
        return _known("colour", NAMES)
    name = NAMES[column]
    return Condition("colour", ("colour", name), name, partial(photos_showing, column=column))


def _known(key: str, values: Sequence[str]) -> Message:
    return Message('"{key}:" knows {values}.', key=key, values=listed(values))


_READERS: dict[str, Callable[[str, date], Condition | Message]] = {
    "text": lambda value, _today: holding(value),
    "says": lambda value, _today: saying(value),
    "in": _time,
    "folder": _folder,
    "format": _format,
    "is": _is,
    "has": _has,
    "at": partial(_text_fact, "place"),
    "by": partial(_text_fact, "camera"),
    "lens": partial(_text_fact, "lens"),
    **{key: partial(_number_fact, key) for key in _NUMBERS},
    "label": partial(_text_fact, "label"),
    "rated": lambda value, _today: rated(value),
    "tag": lambda value, _today: tagged(value),
    "people": lambda value, _today: people(value),
    "colour": _colour,
    "color": _colour,
}
