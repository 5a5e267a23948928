"""Statistics of shards: photos, texts by kind, sizes, licences and sources."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.atomic_files import open_atomic
from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.photo import describe_photo
from mctrain.data.shards import grouped, parse_record, samples
from mctrain.data.texts import texts_by_kind, texts_of
from mctrain.errors import DataError, SampleError, as_sample_error
from mctrain.paths import size_of
from picsight_engine.bundles.commonness import ALL, singular_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mctrain.data.shards import SampleMembers
    from mctrain.paths import AnyPath


SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(slots=True)
class Stats:
    """The statistics of all shards together; `faults` counts skipped samples by reason.

    `with_kind` counts the photos with texts of a kind; `words` has the length of each text in words, by kind.
    """

    shards: int = 0
    bytes: int = 0
    photos: int = 0
    textless: int = 0
    with_kind: Counter[str] = field(default_factory=Counter)
    words: dict[str, list[int]] = field(default_factory=dict)
    widths: list[int] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    photo_bytes: list[int] = field(default_factory=list)
    licences: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def sizes(self) -> dict[str, list[float]]:
        """Quantiles of the photos' sizes at `SHARES`: sides in pixels, aspect ratio, bytes."""
        width, height = np.array(self.widths), np.array(self.heights)
        rows = {
            "short side": np.minimum(width, height),
            "long side": np.maximum(width, height),
            "width / height": width / np.maximum(height, 1),
            "bytes": np.array(self.photo_bytes),
        }
        return {name: _quantiles(values) for name, values in rows.items()}

    def lengths(self) -> dict[str, list[float]]:
        """Quantiles of words per text at `SHARES`, by kind."""
        return {kind: _quantiles(np.array(counts)) for kind, counts in self.words.items()}

    def as_dict(self) -> dict[str, Any]:
        """The statistics as JSON values."""
        return {
            "shards": self.shards,
            "bytes": self.bytes,
            "photos": self.photos,
            "without_text": self.textless,
            "texts": {
                kind: {"texts": len(counts), "photos": self.with_kind[kind]}
                for kind, counts in self.words.items()
            },
            "quantiles": list(SHARES),
            "words_a_text": self.lengths(),
            "sizes": self.sizes(),
            "licences": dict(self.licences.most_common()),
            "sources": dict(self.sources.most_common()),
            "passed_over": dict(self.faults),
        }


def measure_shards(shards: Sequence[AnyPath]) -> Stats:
    """Reads every sample of the shards; photo sizes come from the headers, without decoding."""
    stats = Stats(shards=len(shards))
    for shard in shards:
        stats.bytes += size_of(shard)
        for group in grouped(shard):
            if group.fault is not None:
                stats.faults[group.fault.kind] += 1
            else:
                _count(stats, group)
    return stats


def _count(stats: Stats, group: SampleMembers) -> None:
    try:
        with as_sample_error("broken words"):
            words = texts_of(group.members, group.key)
        with as_sample_error("no picture"):
            photo = describe_photo(group.photo, group.key)
    except SampleError as fault:
        stats.faults[fault.reason] += 1
        return
    stats.photos += 1
    stats.widths.append(photo.width)
    stats.heights.append(photo.height)
    stats.photo_bytes.append(len(group.photo))
    stats.licences[str(words.about.get("license") or "")] += 1
    stats.sources[str(words.about.get("source") or "")] += 1
    kinds = texts_by_kind(words)
    stats.textless += not any(kinds.values())
    for kind, texts in kinds.items():
        stats.with_kind[kind] += bool(texts)
        stats.words.setdefault(kind, []).extend(len(text.split()) for text in texts)


def _quantiles(values: np.ndarray[Any, Any]) -> list[float]:
    """The quantiles at `SHARES`; none for an empty array."""
    return [round(float(value), 2) for value in np.quantile(values, SHARES)] if len(values) else []


_LEAST = 3  # photos; rarer words are mostly misspelt


def count_words(shards: Sequence[AnyPath], table: Path) -> int:
    """Writes the number of photos whose texts have each word, in descending order, after the number of all photos ("*").

    Photos held out for evaluation do not count. Returns the number of words.

    Raises:
        DataError: a shard or a sample is damaged, or there are no photos.
    """
    known, photos, counts = shipped_digests(), 0, Counter[str]()
    for shard in shards:
        for group in samples(shard):
            if known.skips(group.key, parse_record(group.members.get("json", b"{}"), group.key)):
                continue
            photos += 1
            kinds = texts_by_kind(texts_of(group.members, group.key))
            counts.update({word for each in kinds.values() for text in each for word in singular_words(text)})
    if not photos:
        raise DataError("These shards hold no photo whose words could be counted; check their names.")
    kept = sorted(((count, word) for word, count in counts.items() if count >= _LEAST), reverse=True)
    with open_atomic(table) as file:
        file.writelines(f"{word}\t{count}\n".encode() for count, word in [(photos, ALL), *kept])
    return len(kept)
