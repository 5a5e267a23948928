"""Turns a photo's JSON into training texts: captions, short queries and names in templates; also reads class names."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mctrain.data.texts import CLASSES, QUERIES, SampleTexts, text_field, texts_of
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


# Mass nouns, which take no article. Plurals are recognised by their ending.
_MASS = frozenset({
    "asparagus", "bamboo", "bread", "broccoli", "cabbage", "clothing", "cutlery", "earth", "farmland", "fog", "food",
    "fruit", "furniture", "garlic", "ginger", "glass", "grass", "gravel", "hay", "ice", "jewellery", "land", "laundry",
    "litter", "luggage", "meat", "milk", "mud", "rain", "rice", "sand", "scaffolding", "sky", "snow", "steam", "stone",
    "straw", "sunlight", "sushi", "traffic", "water", "wood",
})  # fmt: skip
_SINGULAR_ENDINGS = ("ss", "us", "is", "bus", "gas", "lens", "canvas", "christmas")
_VOWELS = tuple("aeiou")
# words that begin with a vowel letter but a consonant sound, and the reverse
_CONSONANT_SOUND = ("uni", "eu", "one", "us", "ut")
_VOWEL_SOUND = ("hour", "heir", "honest")
_GROUPS_OF_A_PHOTO = 2
_OF_OBJECTS = "multilabel"  # the set whose templates take several names


@dataclass(frozen=True, slots=True)
class Phrasing:
    """Extra texts: sentence templates by labelled set, and English captions by Flickr photo number.

    Both are empty for personal photos.
    """

    templates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    translated: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def texts_of(self, key: str, members: Mapping[str, bytes]) -> SampleTexts:
        """The texts of a sample, with names in the templates of its set, and with the extra captions.

        Raises:
            DataError: a member is broken.
        """
        words = texts_of(members, key)
        names = self._names(key, words)
        translated = self.translated.get(key.partition("_")[0], ())
        synthetic = dict(words.synthetic)
        if names:
            synthetic[CLASSES] = _distinct([*synthetic.get(CLASSES, ()), *names])
        return SampleTexts(_distinct([*words.human, *translated]), synthetic, words.about)

    def digest(self) -> str:
        """A digest of the templates and captions: 16 hex digits."""
        content = json.dumps([dict(self.templates), dict(self.translated)], sort_keys=True, default=list)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def _names(self, key: str, words: SampleTexts) -> list[str]:
        """The names of objects in a photo, bare and in templates; object lists only count if there are no queries."""
        about = words.about
        label, labels, objects, phrases = (
            text_field(about, name) for name in ("label", "labels", "objects", "phrases")
        )
        if about.get("set"):
            templates = self.templates.get(str(about["set"]))
            if templates is None:
                return [each for each in (*label, *labels) if each]
            return _labelled([*label, *labels], templates) if any(label) else _listed(key, labels, templates)
        if QUERIES not in words.synthetic and objects:
            return [*_listed(key, objects, self.templates.get(_OF_OBJECTS, ())), *phrases]
        return []


def load_phrasing(templates: Path | None, translations: Path | None) -> Phrasing:
    """Loads labelled-templates.json and the Multi30k table; either may be None.

    Raises:
        DataError: a file cannot be read.
    """
    try:
        sentences = json.loads(templates.read_text(encoding="utf-8")) if templates else {}
        return Phrasing(sentences, _english_by_photo(translations) if translations else {})
    except (OSError, ValueError, KeyError, EOFError) as fault:
        raise DataError(f"{templates} or {translations} cannot be read: {fault}.") from fault


def _english_by_photo(path: Path) -> dict[str, list[str]]:
    """Multi30k's English captions by Flickr photo number, the first part of a Flickr8k key."""
    english: dict[str, list[str]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            english.setdefault(row["image"], []).append(row["en"])
    return english


def fill(template: str, names: Sequence[str]) -> str:
    """Puts names into the braces of a template, each with its article.

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
    """The article and a space, or an empty string for a plural or a mass noun."""
    lowered = name.lower()
    last = lowered.rpartition(" ")[2]
    if last in _MASS or (last.endswith("s") and not last.endswith(_SINGULAR_ENDINGS)):
        return ""
    if lowered.startswith(_VOWEL_SOUND):
        return "an "
    return "an " if lowered.startswith(_VOWELS) and not lowered.startswith(_CONSONANT_SOUND) else "a "


def _labelled(names: Sequence[str], templates: Sequence[str]) -> list[str]:
    """Each name, bare and in each template of its set."""
    return [
        text
        for name in _distinct(names)
        for text in (name, *(fill(template, [name]) for template in templates))
    ]


def _listed(key: str, names: Sequence[str], templates: Sequence[str]) -> list[str]:
    """Each name bare, and random groups of names in the templates."""
    draw = random.Random(hashlib.sha256(key.encode(errors="surrogatepass")).digest())  # noqa: S311 (no secret, a fixed choice)
    texts = list(names)
    for template in templates:
        taken = template.count("{}")
        if len(names) >= taken:
            texts += [fill(template, draw.sample(list(names), taken)) for _ in range(_GROUPS_OF_A_PHOTO)]
    return texts


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Removes repetitions, ignoring case and spaces: Flickr8k has spaces before full stops."""
    spoken = {text.replace(" ", "").lower(): text.strip() for text in reversed(list(texts)) if text.strip()}
    return tuple(reversed(spoken.values()))


CLASS_NAMES = "classnames.json"


def class_names(data: Path, kind: str) -> list[str]:
    """The class names of `imagenet` or `caltech101`, by class index.

    Raises:
        DataError: the file is missing or has no such list.
    """
    path = data / CLASS_NAMES
    try:
        names = json.loads(path.read_text(encoding="utf-8"))[kind]
    except (OSError, ValueError, KeyError) as fault:
        raise DataError(f"The class names of {kind} cannot be read from {path}: {fault}.") from fault
    return [str(name) for name in names]


def class_prompts(names: list[str]) -> list[tuple[str, ...]]:
    """The prompts of each class; training draws one at a time."""
    return [(fill("a photo of a {}.", [name]), name, fill("a picture of a {}.", [name])) for name in names]
