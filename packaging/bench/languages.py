"""Measures searches in other languages: everyday searches as people type them, captions that people translated, the share of
words that the lexicons know; and that no English search or caption changes, whatever language is set.

Readings are scored as the application does: the best one counts. Both halves are reported; rules were chosen by the even one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from report import machine, table

from mctrain.data.held_out import pack_everyday
from mctrain.data.texts import QUERIES
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.measure import ranking_vectors
from mctrain.evaluation.retrieval import DEPTHS, right_photos
from mctrain.teachers.teacher import BundleTeacher
from picsight_engine.foundation.assets import find_asset
from picsight_engine.language.lexicon import LANGUAGES
from picsight_engine.language.query import parse
from picsight_engine.language.translation import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mctrain.evaluation.evaluated_model import Gallery

SEARCHES = Path(__file__).with_name("native_searches.tsv")
CAPTIONS, TRANSLATIONS = "flickr8k-dev-000000.tar", "flickr8k-dev-translations.jsonl"
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Asked:
    """A text in one language, its English original, and the right photos [n]."""

    text: str
    original: str
    right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Finder:
    """Ranks the photos of one gallery by texts."""

    model: EvaluatedModel
    gallery: Gallery

    def rank(self, texts: Sequence[str], right: NDArray[np.bool_]) -> int:
        """The number of wrong photos that score at least as high as the best right one; the best text counts."""
        wanted, photos = ranking_vectors(self.model, texts, self.gallery)
        scores = (photos @ wanted.T).max(axis=1)
        return int(((scores >= scores[right].max()) & ~right).sum())


def measured(find: Finder, asked: Sequence[Asked], language: str) -> list[str]:
    """Recall at each depth for the texts as typed and as translated, by half, and the share of known words."""
    words = unknown = 0
    ranks: dict[str, list[list[int]]] = {"typed": [[], []], "translated": [[], []]}
    for each in asked:
        half = hashlib.sha256(each.original.encode()).digest()[-1] % 2
        found = translate(parse(each.text), () if language == ENGLISH else [language])
        count = len(each.text.split())
        words += count
        unknown += len(found.unknown) if found else count * (language != ENGLISH)
        ranks["typed"][half].append(find.rank([each.text], each.right))
        ranks["translated"][half].append(find.rank(found.readings if found else [each.text], each.right))
    cells = (
        " / ".join(f"{100 * np.mean(np.array(some) < depth):.1f}" for depth in DEPTHS)
        for halves in ranks.values()
        for some in halves
    )
    return [language, *cells, f"{100 * (1 - unknown / words):.1f} %"]


def everyday(gallery: Gallery) -> Callable[[str], list[Asked]]:
    """The native searches of a language, with the photos that are right for their English originals."""
    queries = [each.synthetic[QUERIES] for each in gallery.texts]
    flat = [query.lower() for each in queries for query in each]
    right = right_photos(queries)
    lines = [line.split("\t") for line in SEARCHES.read_text("utf-8").splitlines() if line[0] != "#"]
    columns, rows = lines[0], lines[1:]
    return lambda language: [
        Asked(row[columns.index(language)], row[0], right[flat.index(row[0])]) for row in rows
    ]


def captions(gallery: Gallery, path: Path) -> Callable[[str], list[Asked]]:
    """The translated captions of a language; only the caption's photo is right."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    places = [gallery.keys.index(row["key"]) for row in rows]
    return lambda language: [
        Asked(row[language], row[ENGLISH], np.arange(len(gallery.keys)) == place)
        for row, place in zip(rows, places, strict=True)
    ]


def main() -> None:
    """Prints two tables, and each English text that a language changes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training data")
    data = parser.parse_args().data
    model = EvaluatedModel(BundleTeacher(find_asset("starter")), lambda _count, _what: None)
    with tempfile.TemporaryDirectory() as scratch:
        daily = model.gallery([pack_everyday(data, Path(scratch))])
    flickr = model.gallery([data / CAPTIONS])
    headings = (
        "language",
        "typed, even half",
        "typed, odd",
        "translated, even",
        "translated, odd",
        "words known",
    )
    parts = (
        (daily, everyday(daily), (ENGLISH, "de", "fr", "es", "it")),
        (flickr, captions(flickr, data / TRANSLATIONS), (ENGLISH, "de", "fr")),
    )
    print(machine())
    for gallery, ask, languages in parts:
        find = Finder(model, gallery)
        print(table(headings, [measured(find, ask(each), each) for each in languages]))
    english = [query for each in daily.texts for query in each.synthetic[QUERIES]]
    english += [caption for each in flickr.texts for caption in each.human]
    for language in LANGUAGES:
        found = {each: translate(parse(each), [language]) for each in english}
        changed = [each for each, other in found.items() if other and len(each.split()) > 1]
        print(
            f"{language}: of {len(found)} English texts, {len(changed)} of several words change {changed[:9]}"
        )


if __name__ == "__main__":
    main()
