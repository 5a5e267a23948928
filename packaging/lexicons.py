"""Builds the lexicons of the engine from the word lists in `packaging/lexicons`: `.venv/bin/python packaging/lexicons.py [XX…]`.

A word list has one entry a line: `foreign<TAB>english | english…`, the most usual sense in photos first. An empty sense
drops the word. "#" begins a comment. Inflected forms come from simplemma's dictionaries: every form whose base form
is an entry. Those are not MIT as its code is, see `language/lexicons/LICENCE.txt`. `english.txt` lists English words that occur in captions but not in `bundles/everyday_words.tsv`. `language/lexicon.py` describes the format of the result.
"""

from __future__ import annotations

import re
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.bundles import commonness
from picsight_engine.bundles.commonness import photos_with
from picsight_engine.language.english_words import plural_of
from picsight_engine.language.lexicon import BUILT, Lexicon, accented_key, header_of, key_of
from picsight_engine.language.translation import compound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SOURCES = Path(__file__).with_name("lexicons")
EVERYDAY = Path(commonness.__file__).with_name("everyday_words.tsv")
MOST_BYTES = 750_000  # of one built lexicon
_VERB = r"(ing|ed|en)$"
_FEMALE = r"\b(girls?|wom[ae]n|females?|brides?|ladys?|mothers?|grandm\w+|granny|sisters?|daughters?|aunts?|nieces?|queens?|wife|she)\b"


def entries(source: Path) -> dict[str, tuple[str, ...]]:
    """The readings of each entry, in the order of the list; entries that differ by case alone are one.

    Those that differ by accents alone are one under the folded key, where the unaccented one is first, and each has its own.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for number, line in enumerate(source.read_text("utf-8").splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        foreign, tab, english = line.partition("\t")
        if not tab or not key_of(foreign):
            raise SystemExit(
                f"{source}:{number}: an entry is a word, a tab and its English readings: {line!r}"
            )
        readings = found.setdefault(key_of(foreign), {}).setdefault(accented_key(foreign), [])
        readings += [" ".join(reading.split()) for reading in english.split("|")]
    rows: dict[str, tuple[str, ...]] = {}
    for key, by_spelling in found.items():
        senses = chain(by_spelling.get(key, ()), *by_spelling.values())
        rows[key] = distinct(senses)
        for spelling, readings in by_spelling.items():
            if spelling != key and distinct(readings) != rows[key]:
                rows[spelling] = distinct(readings)
    return rows


def distinct(senses: Iterable[str]) -> tuple[str, ...]:
    """The senses without those that differ from an earlier one by number alone."""
    kept: list[str] = []
    for sense in senses:
        numbers = {sense, plural_of(sense)}
        if not any(sense in {each, plural_of(each)} or each in numbers for each in kept):
            kept.append(sense)
    return tuple(kept)


def is_other(sense: str, readings: Sequence[str]) -> bool:
    """Whether a sense of the base form adds to the readings of its form: no verb to a noun, no man to a woman."""
    is_verb = [re.search(_VERB, each) is not None for each in (*readings, sense)]
    women = any(re.search(_FEMALE, each) for each in readings)
    return is_verb[-1] in is_verb[:-1] and not (women and not re.search(_FEMALE, sense))


def forms(language: str, source: Path) -> dict[str, tuple[str, bool]]:
    """The base form, folded, of every inflected form of an entry of one word, and whether it has a capital."""
    from simplemma.strategies.dictionaries.dictionary_factory import DefaultDictionaryFactory

    rank: dict[str, int] = {}
    for line in source.read_text("utf-8").splitlines():
        word = line.partition("\t")[0].strip()
        if word and not word.startswith("#") and " " not in word:
            rank.setdefault(word, len(rank))
    found: dict[str, tuple[int, str]] = {}
    for form, base in DefaultDictionaryFactory().get_dictionary(language).items():
        key = key_of(form)
        if base in rank and key and key != key_of(base) and " " not in key:
            found[key] = min((rank[base], base), found.get(key, (len(rank), "")))
    return {form: (key_of(base), base[:1].isupper()) for form, (_, base) in found.items()}


def build(language: str) -> bytes:
    """The built lexicon of one language."""
    source = SOURCES / f"{language}.tsv"
    rows = {key: "|".join(readings) for key, readings in entries(source).items()}
    words = Lexicon(language, written(language, rows))
    english = english_words()
    for form, (base, is_noun) in forms(language, source).items():
        if form in rows:  # an entry that is also a form of another one has its senses too
            senses = rows[base].split("|") if not rows[base].startswith("=") else []
            readings = rows[form].split("|")
            added = [sense for sense in senses[:1] if is_other(sense, readings)]
            rows[form] = "|".join(distinct((*readings, *added)))
            continue
        mark = "+" if language == "de" and is_noun and not form.endswith("s") else ""
        if mark or words.regular_base(form) != base or form in english or photos_with(form):
            rows[form] = _derived(form, base) + mark
    lexicon = Lexicon(language, written(language, rows))
    everyday = (EVERYDAY.read_text("utf-8").replace("\t", " ").split())[::2]
    for word in chain(english, everyday, map(plural_of, everyday), (f"{word}s" for word in everyday)):
        if word not in rows and (lexicon.regular_base(word) or (word in english and compound(word, lexicon))):
            rows[word] = word
    return written(language, rows)


def english_words() -> frozenset[str]:
    """Further English words of captions, which are hardly words of another language."""
    return frozenset((SOURCES / "english.txt").read_text("utf-8").split())


def written(language: str, rows: dict[str, str]) -> bytes:
    """The lexicon with these rows."""
    lines, english = [], english_words()
    for key in sorted(rows, key=str.encode):
        photos = photos_with(key) or int(key in english)
        lines.append(f"{key}\t{rows[key]}" + (f"\t{photos}" if photos else "") + "\n")
    body = "".join(lines).encode()
    return header_of(language, body) + body


def _derived(form: str, base: str) -> str:
    """How the base form is made of an inflected one: "=2o" cuts two letters and appends "o"."""
    same = next((at for at in range(len(base), 0, -1) if form.startswith(base[:at])), 0)
    return f"={len(form) - same}{base[same:]}"


def main() -> None:
    """Builds the named lexicons, or all."""
    for language in sys.argv[1:] or sorted(path.stem for path in SOURCES.glob("*.tsv")):
        built = build(language)
        (BUILT / f"{language}.tsv").write_bytes(built)
        size = len(entries(SOURCES / f"{language}.tsv"))
        print(
            f"{language}: {size} entries, {len(built.splitlines()) - 1} with inflected forms, {len(built)} bytes"
        )
        if len(built) > MOST_BYTES:
            print(f"The lexicon {language} has more than {MOST_BYTES} bytes.", file=sys.stderr)


if __name__ == "__main__":
    main()
