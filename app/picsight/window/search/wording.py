"""How the parts of a query are said to a person: "in:2019" is 2019, "-people" is less people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from picsight.window.parts.words import isolated, plain, say
from picsight.window.search.pieces import separated
from picsight_engine.search.query import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsight_engine.search.query import Fact

_FACTS = {
    "folder": "In {value}",
    "at": "At {value}",
    "by": "By {value}",
    "rated": "Rated {value}",
    "tag": "Tag {value}",
}
_ALBUM = "Album {value}"


def describe(token: str, known: str = "", *, album: bool = False) -> tuple[str, str]:
    """What a chip says of what is typed, and the picture it is about, "" for none, whose {name} is to be put there.

    `known` is what the library calls a fact; `album`: what is called a tag there is one.
    """
    query = parse(token)
    for fact in query.facts:
        return _fact(fact, known, album=album), ""
    for term in query.less:
        if term.pictures:
            return say("Less like {name}"), term.pictures[0].target
        return say("Less {words}").format(words=plain(term.text)), ""
    target = next((each.target for term in query.alternatives for each in term.pictures), "")
    return (say("Like {name}"), target) if target else (plain(token), "")


def readable(query: str, name_of: Callable[[str], str], is_album: Callable[[str], bool]) -> str:
    """A query as one reads it: “dog”, less people, 2019."""
    parts = separated(query)
    words = [isolated(f"“{parts.line}”")] if parts.line else []
    for token in parts.tokens:
        said, target = describe(token, album=is_album(token))
        said = said if not words else said[:1].lower() + said[1:]
        words.append(said.format(name=isolated(name_of(target))) if target else isolated(said))
    return ", ".join(words)


def short_name(query: str, name_of: Callable[[str], str], is_album: Callable[[str], bool]) -> str:
    """A name for a query that is kept: dog, less people, 2019."""
    return re.sub("[“”\u2068\u2069]", "", readable(query, name_of, is_album))


def _fact(fact: Fact, known: str, *, album: bool) -> str:
    value = plain(fact.value)
    if fact.key == "text":
        said = f"“{value}”"
    elif fact.key == "in":
        said = plain(known or fact.value)
    elif fact.key in _FACTS:
        said = say(_ALBUM if album else _FACTS[fact.key]).format(
            value=value.rstrip("/").rpartition("/")[2] if fact.key == "folder" else value
        )
    elif fact.key == "has":
        said = say("With {value}").format(value=value)
    else:
        said = value.upper() if fact.key == "format" else value.capitalize()
    return say("Not {what}").format(what=said[:1].lower() + said[1:]) if fact.excluded else said
