"""Makes one shard after the other: photos are prepared by a few threads, and written in the plan's order."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from mctrain.data.archive import write_archive
from mctrain.data.packing.packed import PackedShard
from mctrain.data.packing.plan import content_key, digest
from mctrain.data.packing.prepare import LIMITS, Prepared, prepare
from mctrain.data.refusal import shipped
from mctrain.data.shards import file_digest
from mctrain.data.words import CAPTIONS, members_of
from picsight_engine.errors import ImageError
from picsight_engine.photos.reading import read_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mctrain.data.packing.plan import Planned, Settings
    from mctrain.data.words import Words

# why a photo is skipped, beside the engine's own codes
EVALUATION, CHANGED = "evaluation", "changed"

_THREADS = min(
    os.cpu_count() or 1, 4
)  # decoders leave Python's lock; a picture of 250 megapixels takes 0.75 GB


class ShardMaker:
    """Writes the shards of one run into a folder; its threads end with it."""

    def __init__(self, folder: Path, settings: Settings, progress: Callable[[int, str], None]) -> None:
        self._folder = folder
        self._settings = settings
        self._progress = progress
        self._pool = ThreadPoolExecutor(_THREADS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def make(self, name: str, shard: tuple[Planned, ...]) -> PackedShard:
        """Writes a shard of those of its photos that can be packed; without any there is no file."""
        samples: list[tuple[str, Mapping[str, bytes]]] = []
        skipped: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for own, made in zip(shard, self._pool.map(self._prepared, shard), strict=True):
            self._progress(1, name)
            if isinstance(made, str):
                skipped[own.key] = made
                continue
            samples.append((own.key, members_of(self._licensed(own.words), made.photo)))
            counts["unchanged"] += made.unchanged
            counts["human"] += bool(own.words.human)
            counts["synthetic"] += not own.words.human and CAPTIONS in own.words.synthetic
        path = self._folder / name
        if samples:
            write_archive(path, samples)
        return PackedShard(
            name=name,
            plan=digest(shard, self._settings),
            bytes=path.stat().st_size if samples else 0,
            sha256=file_digest(path) if samples else "",
            photos=len(samples),
            unchanged=counts["unchanged"],
            human=counts["human"],
            synthetic=counts["synthetic"],
            skipped=skipped,
        )

    def _prepared(self, own: Planned) -> Prepared | str:
        """A photo for its shard, or the code of why there is none."""
        try:
            data = read_photo(own.path, LIMITS)
            if content_key(data) != own.key:
                return CHANGED
            made = prepare(data, own.path, self._settings.side)
        except ImageError as fault:
            return fault.code
        return EVALUATION if shipped().holds_photo(made.photo.content) else made

    def _licensed(self, words: Words) -> Words:
        """Every sample names its licence and its source, if only as unknown."""
        about = {"source": "", **words.about}
        return replace(words, about={**about, "license": about.get("license") or self._settings.license})
