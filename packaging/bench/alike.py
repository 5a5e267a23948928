"""From which cosine on a photo is like another: chosen on pairs of one half of Caltech-101's classes, reported on the other.

Two photos of one class are alike, two of different ones are not. `strong` is the cosine with the best F1 of pairs, `weaker` the
highest that nine in ten alike pairs reach; a bundle's manifest holds both as `likeness`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from report import table

from mctrain.cli.progress import bar
from mctrain.data.named import find_shards
from mctrain.evaluation.subject import Subject
from mctrain.teachers.teacher import BundleTeacher

PAIRED, OTHERS = "caltech101-eval-*.tar", "flickr8k-dev-*.tar"
KEPT = 0.9  # of the alike pairs


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the evaluation sets")
    parser.add_argument("--bundle", type=Path, default=Path("assets/starter"), help="the model")
    arguments = parser.parse_args()
    subject = Subject(BundleTeacher(arguments.bundle), bar("photos"))
    paired, others = (subject.gallery(find_shards(arguments.data, [name])) for name in (PAIRED, OTHERS))
    classes = np.array([words.about["class_index"] for words in paired.words])
    rows, cuts = [], ()
    for name, half in (("chosen on", classes % 2 == 0), ("reported on", classes % 2 == 1)):
        vectors = paired.vectors[half]
        upper = np.triu_indices(len(vectors), 1)
        cosines = (vectors @ vectors.T)[upper]
        alike = (classes[half][:, None] == classes[half][None])[upper]
        cuts = cuts or (
            _best(cosines, alike),
            float(np.floor(100 * np.quantile(cosines[alike], 1 - KEPT)) / 100),
        )
        for cut in cuts:
            right = np.count_nonzero(alike & (cosines >= cut))
            precision, recall = right / np.count_nonzero(cosines >= cut), right / np.count_nonzero(alike)
            rows.append([name, f"{cut:.2f}", f"{precision:.2f}", f"{recall:.2f}"])
    print(table(["half", "cosine", "precision of pairs", "recall"], rows))
    shown = others.vectors @ others.vectors.T
    for cut in cuts:
        print(
            f"{OTHERS}: from {cut:.2f} on {np.median((shown >= cut).sum(axis=1) - 1):.0f} of {len(shown):,} photos are like one."
        )


def _best(cosines: np.ndarray, alike: np.ndarray) -> float:
    """The cosine, of two digits, with the best F1."""

    def score(cut: float) -> float:
        return (
            2
            * np.count_nonzero(alike & (cosines >= cut))
            / (np.count_nonzero(cosines >= cut) + np.count_nonzero(alike))
        )

    return max(np.arange(0.2, 0.9, 0.01).round(2).tolist(), key=score)


if __name__ == "__main__":
    main()
