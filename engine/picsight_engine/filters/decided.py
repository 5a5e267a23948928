"""Conditions on what a person decided or named: tags, favourites, stars and persons."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.filters.condition import Condition, some_of
from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.folding import fold
from picsight_engine.language.fact_values import read_amount
from picsight_engine.store import selection
from picsight_engine.store.derived.faces import photos_with_people
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
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

# The user's own marks: the word for each, and its photos.
MARKS = {
    "favourite": ("favourite", favourite_photos),
    "favorite": ("favourite", favourite_photos),
    "untagged": ("untagged", untagged_photos),
}
_STARS = range(6)
_NEAR = 0.6  # the share of common letters from which one name may be a misspelling of another

_TAGGABLE = Condition(
    "tag", ("taggable",), Message("with keywords or tags"), photos_that_may_be_tagged, decided=True, thing=Message("keywords or tags")
)  # fmt: skip
STARRED = Condition(
    "has", ("has", "rating"), Message("with stars"), photos_with_stars, decided=True, thing=Message("stars")
)


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
        "people", ("person", name_key(person)), person, find, WITH_PEOPLE, decided=True, absent=absent
    )


def names_keyword(wanted: str, keyword: str) -> bool:
    """Whether this folded text is the whole name of a keyword or one of its parts: "waders" of "Birds/Waders"."""
    name = fold(keyword)
    return wanted == name or wanted in re.split(r"[/|]", name)


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


def people(value: str) -> Condition:
    """Photos with so many faces, or of the person with this name."""
    number = read_amount(value, 1)
    if number is None:
        return showing(value)
    find = partial(photos_with_people, least=max(number.low, 0.5), most=number.high)
    words = Message("people: {number}", number=number.words("{}"))
    return Condition("people", ("people", value), words, find, WITH_PEOPLE, written=True)


def _with_people(db: Database) -> NDArray[np.int64]:
    seen = photos_with_people(db, 1, math.inf)
    named = [photos_of_person(db, name) for name in names_of_persons(db).values()]
    return selection.ascending(np.concatenate([seen, *named]))


WITH_PEOPLE = Condition(
    "has", ("has", "people"), Message("with people"), _with_people, decided=True, written=True, thing=Message("a face")
)  # fmt: skip


def _nobody(db: Database, name: str) -> Message | None:
    """The message that nobody has this name; None if somebody has, or nobody was named."""
    names = names_of_persons(db).values()
    if not names or name_key(name) in map(name_key, names):
        return None
    return Message('Nobody is called "{name}"; there is {names}.', name=name, names=some_of(names))


def rated(value: str) -> Condition | Message:
    """Photos with these stars, or rejected; a message about a value that is neither."""
    if value.lower() == "rejected":
        find = partial(photos_rated, least=-1, most=-1)
        return Condition("rating", ("rating", "rejected"), Message("rejected"), find, decided=True)
    stars = read_amount(value, 1)
    if stars is None or not all(number in _STARS for number in stars.typed):
        return Message('"rated:" needs a number from 0 to 5, or the word rejected.')
    find = partial(photos_rated, least=max(stars.low, _STARS[0] - 0.5), most=stars.high)
    words = Message("{number} stars", number=stars.words("{}"))
    return Condition("rating", ("rating", value), words, find, STARRED, decided=True)
