"""Texts that say nearly the same and are wrong: a colour, an action, an age, a time of day is another one.

A photo of a green umbrella answers "umbrella" well enough; beside "blue umbrella" it has to say which. Of two different
colours the places are exchanged, so that it has to say of what, too.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np

_COLOURS = (
    "red", "blue", "green", "yellow", "black", "white", "brown", "orange", "pink", "purple", "grey", "gray", "golden", "silver",
)  # fmt: skip
_ALIKE = frozenset({"grey", "gray", "silver"})
# of each group a photo shows mostly one where it shows one
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


def contrast_of(text: str) -> str | None:
    """The text with one word or pair of words changed, always the same for the same text; None where it has none to change."""
    text = text.lower()
    found = [own for own in _WORD.finditer(text) if own.group() in _GROUP_OF]
    if not found:
        return None
    colours = [own for own in found if own.group() in _COLOURS]
    other = next((own for own in colours if not _alike(own.group(), colours[0].group())), None)
    if other is not None:
        return _put(_put(text, other, colours[0].group()), colours[0], other.group())
    draw = np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:16], 16))
    changed = found[draw.integers(len(found))]
    said = set(_WORD.findall(text))
    left = [own for own in _GROUP_OF[changed.group()] if own not in said and not _alike(own, changed.group())]
    return _put(text, changed, left[draw.integers(len(left))]) if left else None


def _alike(one: str, other: str) -> bool:
    return one == other or {one, other} <= _ALIKE


def _put(text: str, place: re.Match[str], word: str) -> str:
    """The text with a word in a place; places in front of it stay where they are."""
    return text[: place.start()] + word + text[place.end() :]
