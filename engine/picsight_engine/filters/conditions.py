"""Turns a typed fact into a condition on the library, or into a message about its fault."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import partial, reduce
from typing import TYPE_CHECKING, get_args

import numpy as np

from picsight_engine.filters.condition import Condition
from picsight_engine.filters.texts import WITH_WORDS, holding, saying, worded
from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.folding import fold, words_in
from picsight_engine.foundation.suffixes import FORMATS
from picsight_engine.language.fact_values import is_at, names_of_place, place_key, read_amount
from picsight_engine.language.times import time_of_value
from picsight_engine.photos.colours import COLUMNS, NAMES, RULE, surely_showing
from picsight_engine.store import selection
from picsight_engine.store.derived.colours import colour_codes_of
from picsight_engine.store.derived.faces import photos_with_people
from picsight_engine.store.selection import Shape
from picsight_engine.store.tagging.tagged import (
    favourite_photos,
    names_of_persons,
    photos_of_person,
    photos_rated,
    photos_tagged,
    photos_that_may_be_tagged,
    photos_with_keyword,
    photos_with_stars,
    untagged_photos,
)
from picsight_engine.store.tagging.tags import name_key, tag_paths, tags_called

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
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
_COPIES, _RATED, _WORDS, _PEOPLE = (
    "copies",
    "rating",
    "words",
    "people",
)  # values of "has:" that are not columns
# The user's own marks: the word for each, and its photos.
_DECIDED = {
    "favourite": ("favourite", favourite_photos),
    "favorite": ("favourite", favourite_photos),
    "untagged": ("untagged", untagged_photos),
}
_EDITED: NumberColumn = "edited"
_STARS = range(6)
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
_MOST_NAMED = 5
_NEAR = 0.6  # the share of common letters from which one name may be a misspelling of another
# A maker whose name is not in its cameras' names.
_MAKERS = {"apple": ("apple", "iphone", "ipad", "ipod")}


VISIBLE = Condition("is", ("visible",), Message("in the library"), selection.visible_photos)
UNDATED = Condition("has", ("undated",), Message("without a date"), selection.undated_photos)

_TAGGABLE = Condition(
    "tag", ("taggable",), Message("with keywords or tags"), photos_that_may_be_tagged, decided=True, thing=Message("keywords or tags")
)  # fmt: skip
_STARRED = Condition(
    "has", ("has", _RATED), Message("with stars"), photos_with_stars, decided=True, thing=Message("stars")
)


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


def tagged(value: str) -> Condition:
    """Matches photos in a tag or with a keyword of this name, whole or as part of a path: "Birds/Waders"."""
    wanted = fold(value)

    def find(db: Database) -> NDArray[np.int64]:
        by_keyword = photos_with_keyword(db, value, lambda keyword: names_keyword(wanted, keyword))
        return selection.ascending(np.concatenate([photos_tagged(db, value), by_keyword]))

    return Condition(
        "tag", ("tag", wanted), value, find, _TAGGABLE, decided=True, absent=partial(_unnamed, name=value)
    )


def showing(person: str) -> Condition:
    """Matches photos in which a face of the person was accepted."""
    find, absent = partial(photos_of_person, name=person), partial(_nobody, name=person)
    return Condition(
        "people", ("person", name_key(person)), person, find, _WITH_PEOPLE, decided=True, absent=absent
    )


def names_keyword(wanted: str, keyword: str) -> bool:
    """Whether this folded text is the whole name of a keyword or one of its parts: "waders" of "Birds/Waders"."""
    name = fold(keyword)
    return wanted == name or wanted in re.split(r"[/|]", name)


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
    period = time_of_value(value, today)
    if period is None:
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
    if name in _DECIDED:
        words, find = _DECIDED[name]
        return Condition("is", ("is", words), words, find, decided=True)
    if name == _EDITED:
        find = partial(selection.photos_between, column=_EDITED, low=1, high=2)
        absent = Message("No photo is an edited version.")
        return Condition("is", ("is", name), name, find, absent=lambda _db: absent)
    shape = next((shape for shape in SHAPES if shape == name), None)
    if shape is None:
        return _known("is", (*SHAPES, _EDITED, "favourite", "untagged"))
    return Condition("is", ("is", shape), shape, partial(selection.photos_of_shape, shape=shape))


def _has(value: str, _today: date) -> Condition | Message:
    name = value.lower()
    if name == _COPIES:
        return Condition("has", ("has", name), Message("with copies"), selection.photos_with_copies)
    if name == _RATED:
        return replace(_STARRED, basis=_STARRED)
    if name == _WORDS:
        return replace(WITH_WORDS, basis=WITH_WORDS)
    if name == _PEOPLE:
        return replace(_WITH_PEOPLE, basis=_WITH_PEOPLE)
    if name not in KNOWN:
        return _known("has", (*KNOWN, _RATED, _WORDS, _PEOPLE, _COPIES))
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
    return Message("{absent}; there are {names}.", absent=absent, names=_some(names))


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


def _unnamed(db: Database, name: str) -> Message | None:
    """The message that no tag has this name, with a similar name; None if a tag has it, or nothing is tagged."""
    with db.reading() as connection:
        if tags_called(connection, name) or not len(_TAGGABLE.find(db)):
            return None
    # lazy: 25 ms, needed only if nothing is found
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extractOne

    keys = {end: name_key(end) for path in tag_paths(db).values() for end in names_of_tag(path)}
    found = extractOne(name_key(name), keys, scorer=OSA.normalized_similarity, score_cutoff=_NEAR)
    if not found:
        return Message('No tag or keyword is called "{name}".', name=name)
    words = 'No tag or keyword is called "{name}". Did you mean "{like}"?'
    return Message(words, name=name, like=found[2])


def names_of_tag(path: str) -> Iterator[str]:
    """The names of a tag in a query: "Birds/Waders" and "Waders"."""
    yield path
    while "/" in path:
        path = path.partition("/")[2]
        yield path


def _people(value: str, _today: date) -> Condition | Message:
    """Photos with so many faces, or of the person with this name."""
    number = read_amount(value, 1)
    if number is None:
        return showing(value)
    find = partial(photos_with_people, least=max(number.low, 0.5), most=number.high)
    words = Message("people: {number}", number=number.words("{}"))
    return Condition("people", ("people", value), words, find, _WITH_PEOPLE, written=True)


def _with_people(db: Database) -> NDArray[np.int64]:
    seen = photos_with_people(db, 1, math.inf)
    named = [photos_of_person(db, name) for name in names_of_persons(db).values()]
    return selection.ascending(np.concatenate([seen, *named]))


_WITH_PEOPLE = Condition(
    "has", ("has", _PEOPLE), Message("with people"), _with_people, decided=True, written=True, thing=Message("a face")
)  # fmt: skip


def _nobody(db: Database, name: str) -> Message | None:
    """The message that nobody has this name; None if somebody has, or nobody was named."""
    names = names_of_persons(db).values()
    if not names or name_key(name) in map(name_key, names):
        return None
    return Message('Nobody is called "{name}"; there is {names}.', name=name, names=_some(names))


def _rating(value: str, _today: date) -> Condition | Message:
    if value.lower() == "rejected":
        find = partial(photos_rated, least=-1, most=-1)
        return Condition("rating", ("rating", "rejected"), Message("rejected"), find, decided=True)
    stars = read_amount(value, 1)
    if stars is None or not all(number in _STARS for number in stars.typed):
        return Message('"rated:" needs a number from 0 to 5, or the word rejected.')
    find = partial(photos_rated, least=max(stars.low, _STARS[0] - 0.5), most=stars.high)
    words = Message("{number} stars", number=stars.words("{}"))
    return Condition("rating", ("rating", value), words, find, _STARRED, decided=True)


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


def _some(names: Collection[str]) -> Message | str:
    """The first names, and whether there are others."""
    shown = [*names][:_MOST_NAMED] + [Message("others")] * (len(names) > _MOST_NAMED)
    return _listed(shown) if len(shown) > 1 else shown[0]


def _known(key: str, values: Sequence[str]) -> Message:
    return Message('"{key}:" knows {values}.', key=key, values=_listed(values))


def _listed(names: Sequence[str | Message]) -> Message:
    return Message("{some} and {last}", some=", ".join(map(str, names[:-1])), last=names[-1])


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
    "rated": _rating,
    "tag": lambda value, _today: tagged(value),
    "people": _people,
    "colour": _colour,
    "color": _colour,
}
