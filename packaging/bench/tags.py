"""Measures tags: the worth of decisions, suggestions by words alone, and the cost of scores in a large library.

The first two read the trainer's evaluation sets with the shipped starter: `--data ../shared/data`; without, they are left out.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from report import interleaved, machine, milliseconds, table
from search import DIM, SPACE, clustered, fill
from tag_answers import LEAST, TagQuestion, answers_tables
from tag_quality import Labelled, outcomes, precision_table, suggestions_table
from tag_thresholds import TermTrials, thresholds_table

from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.report import reported_half
from mctrain.evaluation.search_terms import ABSENT, SHOWN, load_search_terms, presence
from mctrain.export.calibration import evaluation_galleries
from mctrain.teachers.teacher import BundleTeacher
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.bundles.commonness import commonness
from picsight_engine.foundation.assets import find_asset
from picsight_engine.runtime.text_embedder import TextEmbedder
from picsight_engine.store.opening import open_database
from picsight_engine.tags.fit import Background, Linear, fit, prior
from picsight_engine.tags.scoring import reaching, scores_of
from picsight_engine.tags.tree import USUAL_THRESHOLD
from picsight_engine.vectors.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mctrain.evaluation.evaluated_model import Gallery
    from picsight_engine.bundles.calibration import Calibration
    from picsight_engine.vectors.matrix import Rows

CALTECH = 1  # among the evaluation galleries
SAMPLE = 1_024  # photos that stand for a library
MANY = (1_000, 10_000)  # tags


def print_quality(data: Path) -> None:
    """Prints the worth of decisions, and suggestions by words alone."""
    folder = find_asset("starter")
    teacher = BundleTeacher(folder)
    galleries = evaluation_galleries(EvaluatedModel(teacher, lambda _count, _name: None), data)
    bundle = open_bundle(folder)
    calibration = bundle.manifest.calibration
    if calibration is None:
        sys.exit(f"The bundle {folder} is not calibrated; suggestions by words need one that is.")
    embedder = TextEmbedder(bundle, threads=1)
    classes = _classes(galleries.pop(CALTECH), embedder, calibration)
    found = outcomes(classes)
    reported = reported_half(classes.names)
    for title, chosen in (
        (f"the {reported.sum()} classes that chose nothing", reported),
        ("all classes", np.ones_like(reported)),
    ):
        print(f"\nCaltech-101, {title}; mean and 95 % interval over classes, each the mean of five draws\n")
        print(precision_table(found, chosen))
        print()
        print(suggestions_table(found, chosen))
    things = load_search_terms()
    words = teacher.terms([each.query for each in things])
    shown = presence(things, [words for each in galleries for words in each.texts])
    half = reported_half([each.query for each in things])
    everyday = TermTrials(
        np.concatenate([each.vectors for each in galleries]),
        words[half],
        [commonness(each.query) for each, reports in zip(things, half, strict=True) if reports],
        shown[half],
    )
    print("\nThings that people search for, the half that chose nothing; words alone, at the threshold 0.5\n")
    print(thresholds_table(everyday, calibration))
    for title, vectors, questions in (
        ("Caltech-101, the classes that chose nothing", classes.vectors, _questions(classes, reported)),
        ("Everyday photos, the half of the things", everyday.vectors, _everyday(everyday, calibration)),
    ):
        print(f"\n{title}; a person answers the likeliest photo of one half, the other half is measured\n")
        print(answers_tables(vectors, questions))


def _questions(each: Labelled, chosen: NDArray[np.bool_]) -> list[TagQuestion]:
    return [
        TagQuestion(each.words[tag : tag + 1], each.strong[tag], each.labels == tag, each.labels != tag)
        for tag in np.flatnonzero(chosen)
    ]


def _everyday(each: TermTrials, calibration: Calibration) -> list[TagQuestion]:
    """The search terms with enough photos for questions."""
    photos, average = len(each.vectors), each.vectors.mean(axis=0)
    return [
        TagQuestion(
            words[np.newaxis],
            calibration.strong_cosine(photos, common, average),
            shown == SHOWN,
            shown == ABSENT,
        )
        for words, common, shown in zip(each.words, each.common, each.shown, strict=True)
        if np.sum(shown == SHOWN) >= 4 * LEAST
    ]


def _classes(gallery: Gallery, embedder: TextEmbedder, calibration: Calibration) -> Labelled:
    names: dict[int, str] = {each.about["class_index"]: each.about["label"] for each in gallery.texts}
    ordered = tuple(names[label] for label in sorted(names))
    photos, average = len(gallery.vectors), gallery.vectors.mean(axis=0)
    return Labelled(
        vectors=gallery.vectors,
        labels=np.array([each.about["class_index"] for each in gallery.texts]),
        names=ordered,
        words=np.stack([embedder.embed_term(name) for name in ordered]),
        strong=tuple(calibration.strong_cosine(photos, commonness(name), average) for name in ordered),
    )


def print_speed(photos: int, rounds: int) -> None:
    """Prints the cost of scores and fits."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, photos)
        with (
            closing(open_database(folder)) as db,
            closing(Matrix(folder / "cache", db, SPACE, DIM)) as matrix,
        ):
            print(f"\nMany tags over {photos:,} photos of {DIM} numbers in one pass, one thread\n")
            print(table(["tags", "s", "ms a tag", "photos reached", "memory MB"], _many(matrix.rows)))
            print(f"\nOne tag, {rounds} interleaved rounds\n")
            print(table(["what", "ms"], _single(matrix.rows, rounds)))


def _single(rows: Rows, rounds: int) -> list[list[str]]:
    sample = rows.originals[:: max(1, len(rows.ids) // SAMPLE)].astype(np.float32)
    background = Background.from_vectors(sample, len(rows.ids))
    queries = clustered(64, seed=0)
    tags = [prior(query[np.newaxis], background) for query in queries]
    three = [prior(queries[start : start + 3], background) for start in range(0, 60, 3)]
    vectors = rows.originals.astype(np.float32)
    random = np.random.default_rng(5)
    decided = {count: vectors[random.choice(len(vectors), count)] for count in (20, 200, 2_000)}

    def plain(tag: Linear) -> NDArray[np.float32]:
        return np.asarray(1 / (1 + np.exp(-(vectors @ tag.weights[0] + tag.bias))))

    def asking(scored: Callable[[Linear], object], of: list[Linear]) -> Callable[[], object]:
        wanted = itertools.cycle(of)
        return lambda: scored(next(wanted))

    calls: dict[str, Callable[[], object]] = {
        "all scores of a tag": asking(lambda tag: scores_of(rows, tag), tags),
        "all scores of a tag with three prompts": asking(lambda tag: scores_of(rows, tag), three),
        "numpy float32, one prompt": asking(plain, tags),
        f"what {SAMPLE:,} photos say of the library, once": lambda: Background.from_vectors(
            sample, len(rows.ids)
        ),
    }
    for count, each in decided.items():
        calls[f"the fit to {count:,} decisions"] = lambda each=each: fit(
            tags[0], each[: len(each) // 2], each[len(each) // 2 :], background
        )
    return [[name, milliseconds(seconds)] for name, seconds in interleaved(calls, rounds).items()]


def _many(rows: Rows) -> list[list[str]]:
    sample = rows.originals[:: max(1, len(rows.ids) // SAMPLE)].astype(np.float32)
    background = Background.from_vectors(sample, len(rows.ids))
    found = []
    for count in MANY:
        tags = [prior(query[np.newaxis], background) for query in clustered(count, seed=9)]
        before, begun = _most_memory(), time.perf_counter()
        reached = sum(len(positions) for positions, _ in reaching(rows, tags, [USUAL_THRESHOLD] * count))
        seconds = time.perf_counter() - begun
        found.append(
            [
                f"{count:,}",
                f"{seconds:.1f}",
                f"{1e3 * seconds / count:.2f}",
                f"{reached:,}",
                f"{_most_memory() - before:.0f}",
            ]
        )
    return found


def _most_memory() -> float:
    """The peak memory of the process so far, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="the evaluation sets")
    parser.add_argument("--photos", type=int, default=100_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()
    print(machine())
    print_speed(arguments.photos, arguments.rounds)
    if arguments.data:
        print_quality(arguments.data)


if __name__ == "__main__":
    main()
