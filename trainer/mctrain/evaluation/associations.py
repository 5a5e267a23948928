"""WinoGAViL: which of some photos people associate with a word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.sources.listing import sound_records
from mctrain.errors import DataError
from mctrain.evaluation.datacomp import MAIN, WINOGAVIL
from mctrain.evaluation.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.subject import Subject

INSTANCES = "instances.jsonl"
_MANY = 10  # candidates of an instance that the main figure counts


@dataclass(frozen=True, slots=True)
class Instance:
    """A word, and photos by their names, of which some were associated with it."""

    cue: str
    candidates: tuple[str, ...]
    associations: tuple[str, ...]

    @property
    def prompt(self) -> str:
        """What is asked."""
        cue = self.cue.lower()
        return f"{'An' if cue[0] in 'aeiou' else 'A'} {cue}"


def ask_associations(subject: Subject, folder: Path) -> tuple[list[str], list[Outcome]]:
    """A key an instance, and the figures, the main one first: Jaccard's index of those that people chose and as many that
    are nearest to the word. Equal scores count against the model.

    Raises:
        DataError: a file is missing or damaged.
    """
    instances = _read(folder / INSTANCES)
    gallery = subject.gallery([folder])
    places = {PurePath(key).stem: row for row, key in enumerate(gallery.keys)}
    missing = [name for own in instances for name in own.candidates if name not in places]
    if missing:
        raise DataError(f"{folder / INSTANCES} names {missing[0]}, of which there is no photo beside it.")
    words = subject.texts([own.prompt for own in instances])
    indices = np.array(
        [
            _jaccard(gallery.vectors[[places[name] for name in own.candidates]] @ word, own)
            for own, word in zip(instances, words, strict=True)
        ]
    )
    many = np.flatnonzero([len(own.candidates) >= _MANY for own in instances])
    if not len(many):
        raise DataError(
            f"{folder / INSTANCES} has no instance of {_MANY} candidates, and the figure is of these."
        )
    outcomes = [
        Outcome.plain(MAIN[WINOGAVIL], indices[many], many),
        Outcome.plain("avg_jaccard_score", indices, np.arange(len(instances))),
    ]
    return [f"{number}/{own.cue}" for number, own in enumerate(instances)], outcomes


def _jaccard(scores: NDArray[np.float32], instance: Instance) -> float:
    right = np.isin(instance.candidates, instance.associations)
    chosen = np.lexsort((right, -scores))[: right.sum()]
    both = right[chosen].sum()
    return float(both / (2 * right.sum() - both))


def _read(path: Path) -> list[Instance]:
    lines = sound_records(path)
    try:
        found = [
            Instance(str(own["cue"]), tuple(own["candidates"]), tuple(own["associations"]))
            for _, own in lines
        ]
    except (LookupError, TypeError) as fault:
        raise DataError(
            f"{path} cannot be read as lines of cue, candidates and associations: {fault}."
        ) from fault
    wrong = [own for own in found if not own.cue or not set(own.candidates) & set(own.associations)]
    if wrong or not found:
        raise DataError(f"{path} asks nothing of {wrong[0].cue if wrong else 'anything'!r}; copy it again.")
    return found
