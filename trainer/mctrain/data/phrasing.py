"""Turns what a photo's JSON says into texts to learn from: captions, short queries, and names in their templates."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Names that take no article: masses, materials and weathers. Plurals are seen by their ending.
_MASS = frozenset(
    [
        "asparagus",
        "bamboo",
        "bread",
        "broccoli",
        "cabbage",
        "clothing",
        "cutlery",
        "earth",
        "farmland",
        "fog",
        "food",
        "fruit",
        "furniture",
        "garlic",
        "ginger",
        "glass",
        "grass",
        "gravel",
        "hay",
        "ice",
        "jewellery",
        "land",
        "laundry",
        "litter",
        "luggage",
        "meat",
        "milk",
        "mud",
        "rain",
        "rice",
        "sand",
        "scaffolding",
        "sky",
        "snow",
        "steam",
        "stone",
        "straw",
        "sunlight",
        "sushi",
        "traffic",
        "water",
        "wood",
    ]
)
_SINGULAR_ENDINGS = ("ss", "us", "is", "bus", "gas", "lens", "canvas", "christmas")
_VOWELS = tuple("aeiou")
# begin with a vowel's letter and a consonant's sound, or the other way round
_CONSONANT_SOUND = ("uni", "eu", "one", "us", "ut")
_VOWEL_SOUND = ("hour", "heir", "honest")
_GROUPS_OF_A_PHOTO = 2


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one photo: sentences about it, and short words that should find it."""

    captions: tuple[str, ...]
    queries: tuple[str, ...]


def texts_of(
    key: str, words: Mapping[str, Any], templates: Mapping[str, Sequence[str]], translated: Iterable[str] = ()
) -> Texts:
    """All that one photo teaches, duplicates removed, always in the same order.

    `templates` is labelled-templates.json; `translated` are English captions of the photo from elsewhere.
    """
    captions = [*words.get("captions", ()), *translated]
    queries = list(words.get("queries", ()))
    if words.get("set") and words.get("label"):
        queries += _labelled(words, templates[words["set"]])
    elif words.get("set"):
        queries += _listed(key, words["labels"], templates[words["set"]])
    elif "queries" not in words and words.get("objects"):
        queries += _listed(key, words["objects"], templates["multilabel"])
        queries += words.get("phrases", ())
    return Texts(_distinct(captions), _distinct(queries))


def fill(template: str, names: Sequence[str]) -> str:
    """Puts names into a template's braces, with the article that each of them takes.

    >>> fill("a photo of a {}.", ["owl"])
    'a photo of an owl.'
    >>> fill("a photo of a {}.", ["ruins"])
    'a photo of ruins.'
    """
    text = template
    for name in names:
        before, _, after = text.partition("{}")
        for article in ("a ", "an "):
            if before == article or before.endswith(" " + article):
                before = before.removesuffix(article) + article_of(name)
                break
        text = before + name + after
    return text


def article_of(name: str) -> str:
    """The article with its blank, or nothing for a plural or a mass."""
    lowered = name.lower()
    last = lowered.rpartition(" ")[2]
    if last in _MASS or (last.endswith("s") and not last.endswith(_SINGULAR_ENDINGS)):
        return ""
    if lowered.startswith(_VOWEL_SOUND):
        return "an "
    return "an " if lowered.startswith(_VOWELS) and not lowered.startswith(_CONSONANT_SOUND) else "a "


def _labelled(words: Mapping[str, Any], templates: Sequence[str]) -> list[str]:
    """Each name that holds, bare and in each template of its set."""
    names = _distinct([words["label"], *words.get("labels", ())])
    return [text for name in names for text in (name, *(fill(template, [name]) for template in templates))]


def _listed(key: str, names: Sequence[str], templates: Sequence[str]) -> list[str]:
    """Things seen in a photo: each name bare, and a few groups of two and three in the templates."""
    draw = random.Random(hashlib.sha256(key.encode()).digest())  # noqa: S311 (no secret, a fixed choice)
    texts = list(names)
    for template in templates:
        taken = template.count("{}")
        if len(names) >= taken:
            texts += [fill(template, draw.sample(list(names), taken)) for _ in range(_GROUPS_OF_A_PHOTO)]
    return texts


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Without repetitions; Flickr8k's space before a full stop makes no other sentence."""
    spoken = {text.replace(" ", "").lower(): text.strip() for text in reversed(list(texts)) if text.strip()}
    return tuple(reversed(spoken.values()))
