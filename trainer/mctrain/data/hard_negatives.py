"""Hard negative texts, in which a colour, an action, an age or a time of day is wrong.

A photo of a green umbrella matches "umbrella"; the negative "blue umbrella" makes the model learn the colour. Two
different colours are swapped, so that it learns which thing has which colour; but not in a list, because a black and
white dog is a white and black one.
"""

from __future__ import annotations

import hashlib
import re
from itertools import combinations

import numpy as np

_COLOURS = (
    "red", "blue", "green", "yellow", "black", "white", "brown", "orange", "pink", "purple", "grey", "gray", "golden", "silver",
)  # fmt: skip
_ALIKE = frozenset({"grey", "gray", "silver"})
# most photos match at most one word of a group
_GROUPS = (
    _COLOURS,
    (
        "sitting", "standing", "running", "walking", "jumping", "lying", "sleeping", "swimming", "climbing", "eating", "drinking",
        "reading", "dancing", "singing", "playing", "riding", "kneeling", "crouching", "flying",
    ),
    ("smiling", "crying", "laughing", "yelling"),
    ("man", "woman", "boy", "girl", "baby"),
    ("men", "women", "boys", "girls", "children"),
    ("old", "young"),
    ("long-haired", "short-haired", "bald"),
    ("one", "two", "three", "four", "five"),
    ("big", "small"),
    ("large", "tiny"),
    ("tall", "short"),
    ("wooden", "metal", "plastic", "stone", "glass"),
    ("striped", "spotted", "plain", "checkered"),
    ("empty", "crowded", "full"),
    ("open", "closed"),
    ("wet", "dry"),
    ("day", "night"),
    ("dawn", "dusk", "noon"),
    ("sunrise", "sunset"),
    ("sunny", "rainy", "cloudy", "snowy", "foggy"),
    ("summer", "winter", "autumn", "spring"),
    ("indoors", "outdoors"),
    ("inside", "outside"),
    ("left", "right"),
    ("front", "back"),
)  # fmt: skip
_GROUP_OF = {word: group for group in _GROUPS for word in group}
_WORD = re.compile(r"[a-z\-]+")
# before "of" these mean a place or a part, and a replacement may also be true: "in front of", "one of the boys"
_NOT_BEFORE_OF = frozenset({"front", "back", "full", "one", "two", "three", "four", "five"})
_OF = re.compile(r"\s+of\b")
_LIST = r"(?:[\s,&/\-]|\b(?:and|or|with|an?|the|one|dark|light|bright|pale)\b)*"
# between two colours that can swap places without changing the meaning: "black and white", "a black dog and a white dog"
_COLOUR = "|".join(_COLOURS)
_LISTED = re.compile(rf"\s+([a-z\-]+)\b{_LIST}(?=(?:{_COLOUR})\s+\1\b)|{_LIST}(?=(?:{_COLOUR})\b)")


def hard_negative_of(text: str) -> str | None:
    """The text with one word or pair of words changed, the same for equal texts; None if there is nothing to change."""
    text = text.lower()
    found = [each for each in _WORD.finditer(text) if each.group() in _GROUP_OF and not _is_part(each, text)]
    if not found:
        return None
    for one, other in combinations(_lists([each for each in found if each.group() in _COLOURS], text), 2):
        if not any(_alike(each.group(), its.group()) for each in one for its in other):
            return _put(_put(text, other[0], one[0].group()), one[0], other[0].group())
    draw = np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:16], 16))
    changed = found[draw.integers(len(found))]
    words = set(_WORD.findall(text))
    left = [
        member
        for member in _GROUP_OF[changed.group()]
        if member not in words and not _alike(member, changed.group())
    ]
    return _put(text, changed, left[draw.integers(len(left))]) if left else None


def _is_part(found: re.Match[str], text: str) -> bool:
    return found.group() in _NOT_BEFORE_OF and _OF.match(text, found.end()) is not None


def _lists(colours: list[re.Match[str]], text: str) -> list[list[re.Match[str]]]:
    """Groups of colours that belong to one thing, such as "red, white and blue", or to things with the same name."""
    lists = list[list[re.Match[str]]]()
    for colour in colours:
        if lists and _LISTED.match(text, lists[-1][-1].end()):
            lists[-1].append(colour)
        else:
            lists.append([colour])
    return lists


def _alike(one: str, other: str) -> bool:
    return one == other or {one, other} <= _ALIKE


def _put(text: str, place: re.Match[str], word: str) -> str:
    """The text with a word replaced; earlier positions stay valid."""
    return text[: place.start()] + word + text[place.end() :]
