"""A lexicon: the English readings of the words and phrases of one language, in a sorted file that is searched by bisection.

`packaging/lexicons.py` builds the files. After a header, each line is `key<TAB>readings[<TAB>photos]`: the key is folded
(see `key_of`), or keeps its accents where they alone tell it from another word (see `accented_key`); the readings are
separated by "|"; if the key is also an English word, `photos` says how many of some 34,000 English captions have it.
Instead of readings, an inflected form has "=" with the number of letters to cut and the letters to append: "rojas<TAB>=2o"
has the readings of "rojo"; a "+" at the end marks the plural of a noun. Forms with a regular ending (`ENDINGS`) are left out.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from picsight_engine.foundation.errors import LexiconError, Message
from picsight_engine.foundation.folding import fold

LANGUAGES = {
    "de": Message("German"),
    "fr": Message("French"),
    "es": Message("Spanish"),
    "it": Message("Italian"),
    "pt": Message("Portuguese"),
    "nl": Message("Dutch"),
}
# Endings that `find` removes from a key without a line, in this order.
ENDINGS = {
    "de": ("n", "e", "en", "s", "es", "er", "em", "ern"),
    "fr": ("s", "e", "es"),
    "es": ("s", "es"),
    "it": (),
    "pt": ("s", "es"),
    "nl": ("s", "en", "e"),
}
# Endings of plurals; German ones are marked in the file, because their endings say too little.
_PLURALS = {"de": (), "fr": ("s", "x"), "es": ("s",), "it": ("i", "e"), "pt": ("s",), "nl": ("s", "en")}
_REMEMBERED = 1024  # lookups of a lexicon: while the user types, only the last word changes
_SHORTEST = 4  # letters before a regular ending
BUILT = Path(__file__).with_name("lexicons")
_LETTERS = r"[^\W_]+"  # compiled for the first word, not at every start
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_HEADER = rb"# picsight lexicon 1 ([a-z]{2}) ([0-9]+)\n"


@dataclass(frozen=True, slots=True)
class LexiconEntry:
    """The English `readings` of a word or phrase, most usual first; an empty one drops it.

    `photos` counts the English captions with this word, 0 if it is no English word. `base` is the folded base form, of which
    the key may be the `plural`, if it is a noun.
    """

    key: str
    base: str
    readings: tuple[str, ...]
    photos: int
    plural: bool = False


def header_of(language: str, body: bytes) -> bytes:
    """The first line of a lexicon with this body, which names its language and the number of bytes that follow."""
    return f"# picsight lexicon 1 {language} {len(body)}\n".encode()


def key_of(text: str) -> str:
    """The folded words of a text, with one space between them: "L'arc-en-ciel" is "l arc en ciel", "Straße" is "strasse"."""
    return " ".join(re.findall(_LETTERS, fold(text).translate(_LIGATURES)))


def accented_key(text: str) -> str:
    """As `key_of`, with the accents: "L'Été" is "l été"."""
    return " ".join(re.findall(_LETTERS, unicodedata.normalize("NFC", text).lower().translate(_LIGATURES)))


class Lexicon:
    """The lexicon of one language."""

    def __init__(self, language: str, content: bytes) -> None:
        """Raises LexiconError unless `content` is a whole lexicon of this language."""
        header = re.match(_HEADER, content)
        if header is None or header[1].decode() != language or len(content) != header.end() + int(header[2]):
            raise LexiconError(_damaged(language))
        self.language = language
        self._content, self._start = content, header.end()
        self._row = lru_cache(_REMEMBERED)(self._find_row)

    def find(self, key: str) -> LexiconEntry | None:
        """The entry of a key; inflected forms have the readings of their base form.

        Raises:
            LexiconError: the lexicon is damaged.
        """
        readings, photos = self._row(key)
        base, marked = key, False
        if readings is None:
            base = self.regular_base(key) or ""
            readings, _ = self._row(base) if base else (None, 0)
            if readings is None:
                return None
        elif readings.startswith("="):
            cut = re.match("[0-9]+", readings[1:])
            if cut is None:
                raise LexiconError(_damaged(self.language))
            base = key[: len(key) - int(cut[0])] + readings[1 + cut.end() :].removesuffix("+")
            marked = readings.endswith("+")
            readings, _ = self._row(base)
        if readings is None or readings.startswith("="):
            raise LexiconError(_damaged(self.language))
        plural = marked or any(
            key.endswith(each) and not base.endswith(each) for each in _PLURALS[self.language]
        )
        return LexiconEntry(key, base, tuple(readings.split("|")), photos, plural)

    def regular_base(self, key: str) -> str | None:
        """The entry that a key without a line has before a regular ending; None if there is none."""
        stems = (key.removesuffix(ending) for ending in ENDINGS[self.language] if key.endswith(ending))
        for stem in stems if " " not in key else ():
            readings, _ = self._row(stem) if len(stem) >= _SHORTEST else (None, 0)
            if readings is not None and not readings.startswith("="):
                return stem
        return None

    def begins(self, start: str) -> bool:
        """Whether a key begins with these letters."""
        letters = key_of(start).encode()
        return letters != b"" and self._content.startswith(letters, self._place(letters))

    def _find_row(self, key: str) -> tuple[str | None, int]:
        wanted = key.encode()
        place = self._place(wanted)
        if not self._content.startswith(wanted + b"\t", place):
            return None, 0
        try:
            _, readings, *photos = (
                self._content[place : self._content.find(b"\n", place)].decode().split("\t")
            )
            return readings, int(photos[0]) if photos else 0
        except ValueError:
            raise LexiconError(_damaged(self.language)) from None

    def _place(self, wanted: bytes) -> int:
        """Where the first line begins whose key is not less than this one."""
        content, low, high = self._content, self._start, len(self._content)
        while low < high:
            line = content.rfind(b"\n", 0, (low + high) // 2) + 1
            if content[line : content.find(b"\t", line)] < wanted:
                low = content.find(b"\n", line) + 1 or high
            else:
                high = line
        return low


@cache
def lexicon_of(language: str) -> Lexicon:
    """The lexicon of a language of LANGUAGES, read once; raises LexiconError if it is missing or damaged."""
    try:
        return Lexicon(language, (BUILT / f"{language}.tsv").read_bytes())
    except OSError as fault:
        raise LexiconError(_damaged(language)) from fault


def _damaged(language: str) -> str:
    return f"The {LANGUAGES.get(language, language)} lexicon is missing or damaged, so the words were searched as typed; install Picsight again."
