"""The parts of a query in words: "in:2019" is 2019, "-people" is less people."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from picsight.texts import marked, tr, worded
from picsight.window.parts.words import isolated, plain
from picsight.window.search.box_text import PLAIN, first_place, shortened
from picsight_engine.language.query import Fact, Picture
from picsight_engine.language.times import time_of_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsight_engine.language.query import Aside, Query
    from picsight_engine.search.answer import Answer

_FACTS = {
    "folder": marked("In {value}"),
    "has": marked("With {value}"),
    "at": marked("At {value}"),
    "by": marked("By {value}"),
    "lens": marked("Lens {value}"),
    "label": marked("Label {value}"),
    "rated": marked("Rated {value}"),
    "tag": marked("Tag {value}"),
    "people": marked("With {value}"),
    "says": marked("Says {value}"),
    "colour": marked("Colour {value}"),
    "color": marked("Colour {value}"),
}
_ALBUM = marked("Album {value}")


def describe(part: Aside, *, album: bool = False) -> tuple[str, str]:
    """The text of a part's chip, and the picture that replaces {name} in it, "" for none.

    `album`: the part's tag is an album.
    """
    if isinstance(part, Fact):
        return _fact(part, album=album), ""
    if isinstance(part, Picture):
        return tr("Like {name}"), part.target
    if part.pictures:
        return tr("Less like {name}"), part.pictures[0].target
    return tr("Less {words}", words=plain(part.text)), ""


def readable(
    query: Query,
    name_of: Callable[[str], str],
    is_album: Callable[[str], bool],
    answer: Answer | None = None,
    *,
    begins: bool = True,
) -> str:
    """A query in readable form: “dog”, less people, 2019; if it `begins` a sentence alone: Less people.

    With an answer, words that were read as a time appear as in their chip, and ignored parts are left out.
    """
    asides, times, left_out = query.asides(), [], set[str]()
    if answer is not None:
        filters = [(answer.part(found), found) for found in answer.filters]
        left_out = {answer.part(fault) for fault in answer.faults} - {phrase for phrase, _ in filters}
        found_at = ((first_place(phrase, query.text), found) for phrase, found in filters if found.recognised)
        times = [(place, worded(found.words)) for place, found in found_at if place is not None]
    aside_at = [(part.start, part.end) for part in asides]
    line = PLAIN.sub("", shortened(query.text, [*aside_at, *(place for place, _ in times)]))
    parts = [isolated(f"“{line}”")] if line else []
    parts += [isolated(words) for _, words in times]
    for part in asides:
        token = query.text[part.start : part.end]
        if token not in left_out:
            words, target = describe(part, album=is_album(token))
            words = words if begins and not parts else _within(part, words)
            parts.append(words.format(name=isolated(name_of(target))) if target else isolated(words))
    return ", ".join(parts)


def short_name(query: Query, name_of: Callable[[str], str], is_album: Callable[[str], bool]) -> str:
    """A name for a saved query: dog, less people, 2019."""
    return re.sub("[“”\u2068\u2069]", "", readable(query, name_of, is_album))


def _within(part: Aside, words: str) -> str:
    """The words for a part within a sentence; the names of months and formats keep their capitals."""
    is_name = isinstance(part, Fact) and not part.excluded and part.key in {"in", "format"}
    return words if is_name else words[:1].lower() + words[1:]


def _fact(fact: Fact, *, album: bool) -> str:
    value, today = plain(fact.value), datetime.now().astimezone().date()
    if fact.key == "text":
        words = f"“{value}”"
    elif fact.key == "in":
        period = time_of_value(fact.value, today)
        words = plain(worded(period.words)) if period else value
    elif fact.key in {"iso", "f", "focal"}:
        from picsight_engine.filters.condition import Condition
        from picsight_engine.filters.conditions import condition_of  # numpy: after the first frame

        asked = condition_of(fact, today)
        words = worded(asked.words) if isinstance(asked, Condition) else value
    elif fact.key in _FACTS:
        words = tr(
            _ALBUM if album else _FACTS[fact.key],
            value=value.rstrip("/").rpartition("/")[2] if fact.key == "folder" else value,
        )
    else:
        words = value.upper() if fact.key == "format" else value.capitalize()
    what = words if fact.key in {"in", "format"} else words[:1].lower() + words[1:]
    return tr("Not {what}", what=what) if fact.excluded else words
