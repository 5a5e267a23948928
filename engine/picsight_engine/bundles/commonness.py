"""Estimates how common a search's subject is in photos, from word counts in captions of about 34,000 everyday photos.

Nearly every library shows dogs and hardly any a pangolin, so dogs need less evidence. Plain words such as "person" also
have low cosines even with right photos.
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import cache
from importlib import resources

_TABLE = "everyday_words.tsv"  # `mctrain data words` counts them
ALL = "*"  # the row of the table that counts all photos
_MORE = 0.5  # subtracted per further word: fitted to photos whose captions have all words
COMMON = 10  # captions: a word with fewer is hardly English
_THOUSAND = 1_000  # a subject that one of a thousand photos shows has commonness 0
# Function words, and words about the search itself: "show me photos of my dog" asks for a dog.
_SAYING_LITTLE = frozenset(
    """
    a an the this that these those some any every all no not and or but nor so than as if there here very also just only
    i me my mine you your yours we us our ours he him his she her hers it its they them their theirs one who whom whose which
    what when where why how is are was were be been being am do does did doing done has have had having can could will would may might
    must shall should in on at of to from by for with without near over under into onto up down out off behind beside between
    above below next around across through along among against during after before while about like
    photo picture image pic shot show showing find search look looking see get give want please s t m re ve ll d
    """.split()  # noqa: SIM905 -- a hundred quotation marks say nothing
)
_PLACES = frozenset(
    """
    africa amsterdam australia baltimore barcelona beijing berlin boston brooklyn brussel cairo california canada cape
    caribbean carolina chicago dubai egypt florence florida francisco giza greece hawaii hollywood hong iceland india italy
    japan kong kyoto liverpool london manhattan miami myanmar nepal netherland niagara norway oklahoma oregon oxford paris
    peru philadelphia pisa prague rome russia sahara seattle sydney tennessee tokyo toronto united vancouver vatican venice
    washington york yorkshire yosemite
    """.split()  # noqa: SIM905 -- said of photos, and of nothing but places; in the singular
)
_WORD = re.compile(r"\w+")
_IRREGULAR = {
    "buses": "bus",
    "calves": "calf",
    "geese": "goose",
    "hooves": "hoof",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "mice": "mouse",
    "scarves": "scarf",
    "shelves": "shelf",
    "wolves": "wolf",
}
_PLURALS = (
    (re.compile(r"(?<=\w\w)ies$"), "y"),
    (re.compile(r"(?<=\w\w)(ch|sh|ss|x)es$"), r"\1"),
    (re.compile(r"(?<=\w\w)(?<![sui])s$"), ""),
)


def singular_words(text: str) -> list[str]:
    """The words of a text without case, accents and punctuation, in the singular as far as endings show it.

    >>> singular_words("Two Ponies, and boxes")
    ['two', 'pony', 'and', 'box']
    """
    letters = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return [_singular(word) for word in _WORD.findall(plain)]


def subject_words(text: str) -> list[str]:
    """The words of a text, in the singular, that say what a photo shows.

    >>> subject_words("photos of my red kettle")
    ['red', 'kettle']
    """
    return [word for word in singular_words(text) if word not in _SAYING_LITTLE]


def commonness(text: str) -> float:
    """The logarithm of how many of a thousand photos show the subject (0: one), from its rarest word, less for more words.

    A word without a count counts as half a photo.
    """
    photos, counts_by_word = _word_counts()
    counts = [counts_by_word.get(word, 0.5) for word in subject_words(text)]
    unheard = math.log(_THOUSAND * 0.5 / photos)
    if not counts:
        return unheard
    return max(unheard, math.log(_THOUSAND * min(counts) / photos) - _MORE * (len(counts) - 1))


def is_everyday(word: str) -> bool:
    """Whether a word occurs in captions of everyday photos, and not only as a place: "nice", "reading", not "Paris"."""
    return all(each in _word_counts()[1] and each not in _PLACES for each in singular_words(word))


def is_surely_english(text: str) -> bool:
    """Whether no other language need be considered for a text: it has several words, all of them common in captions.

    A single one may belong to another language too, as "chat" does, and so may one with an apostrophe or a backslash.
    """
    words, counts = singular_words(text), _word_counts()[1]
    is_simple = len(words) > 1 and text.isascii() and not {"'", "\\"} & {*text}
    return is_simple and all(counts.get(word, 0) >= COMMON for word in words)


def photos_with(word: str) -> int:
    """How many of the counted photos have this folded word in their captions, in the singular or plural."""
    return _word_counts()[1].get(_singular(word), 0)


def counted_words() -> list[str]:
    """The words in the captions of at least five photos and at most one in twenty, the commonest first."""
    photos, counts = _word_counts()
    words = {word for word, count in counts.items() if 5 <= count <= photos / 20}
    return sorted(words - _SAYING_LITTLE - _PLACES, key=lambda word: (-counts[word], word))


@cache
def _word_counts() -> tuple[int, dict[str, int]]:
    """The number of counted photos, and the number of photos per word."""
    table = resources.files(__package__).joinpath(_TABLE).read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines())
    counts_by_word = {word: int(count) for word, count in rows}
    return counts_by_word.pop(ALL), counts_by_word


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, rest in _PLURALS:
        changed = ending.sub(rest, word)
        if changed != word:
            return changed
    return word
