"""How the parts of a query are said to a person: "in:2019" is 2019, "-people" is less people."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from picsight.window.parts.words import isolated, plain, say
from picsight.window.search.entry import PLAIN, first_place, shortened
from picsight_engine.search.query import Fact, Picture
from picsight_engine.search.times import time_of_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsight_engine.search.answer import Answer
    from picsight_engine.search.query import Aside, Query

_FACTS = {
    "folder": "In {value}",
    "at": "At {value}",
    "by": "By {value}",
    "rated": "Rated {value}",
    "tag": "Tag {value}",
}
_ALBUM = "Album {value}"


def describe(part: Aside, *, album: bool = False) -> tuple[str, str]:
    """What a chip says of a part, and the picture it is about, "" for none, whose {name} is to be put there.

    `album`: what is called a tag there is one.
    """
    if isinstance(part, Fact):
        return _fact(part, album=album), ""
    if isinstance(part, Picture):
        return say("Like {name}"), part.target
    if part.pictures:
        return say("Less like {name}"), part.pictures[0].target
    return say("Less {words}").format(words=plain(part.text)), ""


def readable(
    query: Query,
    name_of: Callable[[str], str],
    is_album: Callable[[str], bool],
    answer: Answer | None = None,
    *,
    begins: bool = True,
) -> str:
    """A query as one reads it: “dog”, less people, 2019; where it `begins` a sentence alone: Less people.

    With an answer, words that it took for a time are said as their chip says them, and what it left out is not said.
    """
    typed, filters = ("", ()) if answer is None else (answer.query, answer.filters)
    kept = {typed[part.start : part.end] for part in filters}
    left_out = {typed[fault.start : fault.end] for fault in answer.faults} - kept if answer else set()
    spans = [(part.start, part.end, part) for part in query.asides()]
    times = [(typed[part.start : part.end], part.words) for part in filters if part.recognised]
    named = [(place, words) for phrase, words in times if (place := first_place(phrase, query.text))]
    line = PLAIN.sub(
        "", shortened(query.text, [*(span[:2] for span in spans), *(place for place, _ in named)])
    )
    said = [isolated(f"“{line}”")] if line else []
    said += [isolated(words) for _, words in named]
    for start, end, part in spans:
        token = query.text[start:end]
        if token not in left_out:
            words, target = describe(part, album=is_album(token))
            words = words if begins and not said else _within(part, words)
            said.append(words.format(name=isolated(name_of(target))) if target else isolated(words))
    return ", ".join(said)


def short_name(query: Query, name_of: Callable[[str], str], is_album: Callable[[str], bool]) -> str:
    """A name for a query that is kept: dog, less people, 2019."""
    return re.sub("[“”\u2068\u2069]", "", readable(query, name_of, is_album))


def _within(part: Aside, words: str) -> str:
    """What is said of a part inside of a sentence; the names of months and formats keep their letters."""
    is_name = isinstance(part, Fact) and not part.excluded and part.key in {"in", "format"}
    return words if is_name else words[:1].lower() + words[1:]


def _fact(fact: Fact, *, album: bool) -> str:
    value = plain(fact.value)
    if fact.key == "text":
        said = f"“{value}”"
    elif fact.key == "in":
        period = time_of_value(fact.value, datetime.now().astimezone().date())
        said = plain(period.words) if period else value
    elif fact.key in _FACTS:
        said = say(_ALBUM if album else _FACTS[fact.key]).format(
            value=value.rstrip("/").rpartition("/")[2] if fact.key == "folder" else value
        )
    elif fact.key == "has":
        said = say("With {value}").format(value=value)
    else:
        said = value.upper() if fact.key == "format" else value.capitalize()
    what = said if fact.key in {"in", "format"} else said[:1].lower() + said[1:]
    return say("Not {what}").format(what=what) if fact.excluded else said
