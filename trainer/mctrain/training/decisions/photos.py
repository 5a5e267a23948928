"""The photos that somebody decided on: the decisions as a table, and what the trunk sees in each photo."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.decisions import decisions_of
from mctrain.data.refusal import shipped
from mctrain.data.shards import grouped
from mctrain.data.words import words_of
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.data.decisions import Decision
    from mctrain.data.shards import Group
    from mctrain.training.decisions.sight import Sight

ACCEPTED, REJECTED = 1, -1


@dataclass(frozen=True, slots=True)
class Decided:
    """Photos with what was decided about them; no decision on a tag is a verdict of 0."""

    keys: tuple[str, ...]
    tags: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]  # of each tag
    verdicts: NDArray[np.int8]  # [photos, tags]
    given: NDArray[np.float32]  # [photos, features + classes]
    skipped: Counter[str]

    def where(self, wanted: NDArray[np.bool_]) -> Decided:
        """Some of the photos."""
        keys = tuple(key for key, own in zip(self.keys, wanted, strict=True) if own)
        return Decided(keys, self.tags, self.words, self.verdicts[wanted], self.given[wanted], self.skipped)


def look(shards: Sequence[Path], sight: Sight, progress: Callable[[int, str], None]) -> Decided:
    """Looks at every photo in the shards that has a decision.

    Raises:
        DataError: none has one, or a sample has something else in their place.
    """
    skipped: Counter[str] = Counter()
    keys: list[str] = []
    decisions: list[tuple[Decision, ...]] = []
    given: list[NDArray[np.float32]] = []
    for group, own in _decided(shards, skipped):
        try:
            given.append(sight.of(group.image()))
        except DataError:
            skipped["broken photo"] += 1
            continue
        keys.append(group.key)
        decisions.append(own)
        progress(1, "")
    if not keys:
        raise DataError(
            f"No photo in {shards[0].parent} has a decision about a tag; pack what `picsight export decisions` wrote."
        )
    tags, words, verdicts = _table(decisions)
    return Decided(tuple(keys), tags, words, verdicts, np.stack(given), skipped)


def _decided(shards: Sequence[Path], skipped: Counter[str]) -> Iterator[tuple[Group, tuple[Decision, ...]]]:
    known = shipped()
    for shard in shards:
        for group in grouped(shard):
            if group.fault:
                skipped[group.fault.kind] += 1
            elif known.holds_key(group.key) or known.holds_photo(group.photo):
                skipped["evaluation photo"] += 1
            elif decisions := decisions_of(words_of(group.members, group.key).about, group.key):
                yield group, decisions
            else:
                skipped["no decision"] += 1


def _table(
    decisions: Sequence[tuple[Decision, ...]],
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], NDArray[np.int8]]:
    """The tags by name, the words of each, and a row of verdicts a photo [photos, tags]."""
    words: dict[str, dict[str, None]] = {}
    for own in sorted(
        {decision for row in decisions for decision in row}, key=lambda own: (own.tag, own.prompts)
    ):
        words.setdefault(own.tag, {}).update(dict.fromkeys(own.words))
    places = {tag: place for place, tag in enumerate(words)}
    verdicts = np.zeros((len(decisions), len(words)), np.int8)
    for row, made in zip(verdicts, decisions, strict=True):
        for decision in made:
            row[places[decision.tag]] = ACCEPTED if decision.accepted else REJECTED
    return tuple(words), tuple(map(tuple, words.values())), verdicts
