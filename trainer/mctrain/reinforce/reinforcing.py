"""Makes a reinforced shard: decodes each photo once, draws and replays views, and stores the teachers' embeddings; and writes
the manifest.
"""

from __future__ import annotations

import itertools
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image

from mctrain.data.photo import decode_photo, encode_jpeg
from mctrain.data.phrasing import Phrasing
from mctrain.data.reinforced.bank import BANK, write_bank
from mctrain.data.reinforced.manifest import (
    MANIFEST,
    ReinforcedManifest,
    Replay,
    TeacherRecord,
    save_manifest,
)
from mctrain.data.reinforced.sample import ReinforcedSample, members_of, parse_sample
from mctrain.data.replay import picture_digest, replay, versions
from mctrain.data.shards import grouped
from mctrain.data.views import PUBLIC_SIZE, draw_views, slots_of
from mctrain.data.workers import open_pool, prefetch
from mctrain.errors import DataError, TrainerError
from mctrain.paths import draft
from mctrain.reinforce.maker import trainable_samples
from mctrain.teachers.teacher import Ensemble, open_teacher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future, ProcessPoolExecutor

    from numpy.typing import NDArray

    from mctrain.data.reinforced.manifest import Storage
    from mctrain.data.texts import SampleTexts
    from mctrain.data.views import DrawnView
    from mctrain.paths import AnyPath
    from mctrain.recipes.tables import Augmentation
    from mctrain.reinforce.maker import Bar, ShardOutcome, ShardReport

_AHEAD = 16  # photos decoded ahead of the teachers
_REPLAYED = 100  # photos per recorded view digest
_PACKAGES = ("picsight", "torch", "numpy", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Drawing:
    """How views are drawn, and the teachers' input sizes; `jpeg` encodes all photos as JPEG."""

    augmentation: Augmentation
    seed: int
    sizes: tuple[int, ...]
    phrasing: Phrasing
    jpeg: bool


@dataclass(frozen=True, slots=True)
class ReinforceConfig:
    """The teachers, views and storage format; `limit` photos of each shard, None for all.

    `bank` holds texts without photos to embed too, by source; `processes` decode photos.
    """

    teachers: tuple[str, ...]
    cache: Path
    augmentation: Augmentation
    seed: int
    phrasing: Phrasing
    storage: Storage
    bank: Mapping[str, tuple[str, ...]]
    jpeg: bool
    limit: int | None
    processes: int

    @contextmanager
    def open(self) -> Iterator[Reinforcing]:
        """Loads the teachers.

        Raises:
            BundleError: a bundle is damaged.
            WeightsError: there is no such model or checkpoint, or it is damaged.
        """
        ensemble = Ensemble([open_teacher(title, self.cache) for title in self.teachers])
        drawing = Drawing(self.augmentation, self.seed, ensemble.sizes, self.phrasing, self.jpeg)
        with open_pool(self.processes) as pool:
            yield Reinforcing(drawing, self.storage, ensemble, pool, self.limit, self.bank)


@dataclass(frozen=True, slots=True)
class Reinforcing:
    """Embeds photos and texts with an ensemble; `pool` decodes photos."""

    drawing: Drawing
    storage: Storage
    ensemble: Ensemble
    pool: ProcessPoolExecutor
    limit: int | None
    bank: Mapping[str, tuple[str, ...]]
    trials = 2

    def identity(self) -> dict[str, Any]:
        """Everything besides the source that the bytes of a shard depend on."""
        drawing = self.drawing
        configuration = {
            "augmentation": asdict(drawing.augmentation),
            "seed": drawing.seed,
            "storage": str(self.storage),
            "jpeg": drawing.jpeg,
            "limit": self.limit,
            "phrasing": drawing.phrasing.digest(),
        }
        return {"configuration": configuration, "teachers": [asdict(each) for each in self._teachers()]}

    def samples(
        self, source: Path, outcome: ShardOutcome, limit: int | None
    ) -> Iterator[tuple[str, Mapping[str, bytes]]]:
        """The reinforced samples.

        Raises:
            DataError: the source is missing.
            TrainerError: a decoding process has died.
        """
        slots = slots_of(self.drawing.augmentation)
        for sample in reinforce(source, self.drawing, self.ensemble, self.pool, outcome, limit=limit):
            yield sample.key, members_of(sample, self.storage, slots)

    def keys(self, shard: Path) -> list[str]:
        """The keys of samples that training can read."""
        widths = tuple(each.width for each in self.ensemble.members)
        return [parse_sample(group.key, group.members, widths).key for group in grouped(shard)]

    def finish(self, folder: AnyPath, reports: Sequence[ShardReport], bar: Bar) -> list[str]:
        """Writes the manifest, and the bank if there is one; returns a sentence on its contents."""
        manifest = ReinforcedManifest(
            configuration=self.identity()["configuration"],
            teachers=self._teachers(),
            shards=tuple(report.shard for report in reports),
            refused=tuple(key for report in reports for key in report.refused),
            versions=versions() | {name: metadata.version(name) for name in _PACKAGES},
        )
        save_manifest(folder / MANIFEST, manifest)
        if not self.bank:
            return []
        place, count = folder / BANK, sum(map(len, self.bank.values()))
        with nullcontext(place) if isinstance(place, Path) else draft(place) as path:
            write_bank(path, self.bank, self._teachers(), self.ensemble.texts, bar("bank", count))
        sources = ", ".join(f"{len(each)} of {source}" for source, each in self.bank.items())
        return [f"{place}: {count} texts ({sources})"]

    def _teachers(self) -> tuple[TeacherRecord, ...]:
        """The teachers' manifest records."""
        return tuple(
            TeacherRecord(member.name, member.width, member.scale, member.digest)
            for member in self.ensemble.members
        )


def reinforce(
    shard: Path,
    drawing: Drawing,
    ensemble: Ensemble,
    pool: ProcessPoolExecutor,
    outcome: ShardOutcome,
    *,
    limit: int | None = None,
) -> Iterator[ReinforcedSample]:
    """The samples of a shard, in order, with the teachers' embeddings; unusable ones are recorded in `outcome`.

    At most `limit` samples are processed.

    Raises:
        DataError: the shard itself is missing, or damaged at its beginning.
        TrainerError: a process that decodes was ended.
    """
    words = _read_words(shard, drawing, outcome, limit)
    texts = sorted({text for each in words.values() for texts in _tagged(each).values() for text in texts})
    vectors = dict(zip(texts, ensemble.texts(texts), strict=True)) if texts else {}
    # without the phrasing, whose thousands of captions would be sent with each photo
    work = _decoded(shard, words, replace(drawing, phrasing=Phrasing()), pool)
    try:
        for number, key, decoded in prefetch(work, _AHEAD):
            if (shown := decoded.result()) is None:
                outcome.miss(key, "broken photo")
                continue
            if shown.replayed is not None:
                outcome.replays[key] = Replay(len(shown.views) - 1, shown.replayed)
            yield _judged(key, shown, words[number], vectors, ensemble)
    except BrokenProcessPool as fault:
        raise TrainerError(
            "A process that decodes photos was ended from outside, as happens when memory is full; "
            "take fewer --processes and type the same command again."
        ) from fault


def _read_words(
    shard: Path, drawing: Drawing, outcome: ShardOutcome, limit: int | None
) -> dict[int, SampleTexts]:
    """The texts of each trainable sample by its position in the shard, because keys may repeat."""
    found: dict[int, SampleTexts] = {}
    taken = set[str]()
    for number, group in trainable_samples(shard, outcome, taken, limit):
        try:
            words = drawing.phrasing.texts_of(group.key, group.members)
        except DataError:
            outcome.miss(group.key, "broken words")
            continue
        if words.captions:
            found[number] = words
            taken.add(group.key)
        else:
            outcome.miss(group.key, "no text")
    return found


def _tagged(words: SampleTexts) -> dict[str, tuple[str, ...]]:
    """The texts by tag; captions are under ""."""
    return {"": words.captions, **words.synthetic}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A photo's views at each teacher's size; `replayed` is the digest of the last view at 224 pixels, if recorded."""

    suffix: str
    photo: bytes
    views: tuple[DrawnView, ...]
    pictures: dict[int, tuple[bytes, ...]]
    replayed: str | None


def _decoded(
    shard: Path, words: Mapping[int, SampleTexts], drawing: Drawing, pool: ProcessPoolExecutor
) -> Iterator[tuple[int, str, Future[_Shown | None]]]:
    """Position, key and photo of each sample with words."""
    count = itertools.count()
    for number, group in enumerate(itertools.islice(grouped(shard), max(words, default=-1) + 1)):
        if number in words:
            remembered = next(count) % _REPLAYED == 0
            given = (group.key, group.suffix, group.photo, remembered, drawing)
            yield number, group.key, pool.submit(_show, *given)


def _show(key: str, suffix: str, photo: bytes, remembered: bool, drawing: Drawing) -> _Shown | None:
    """Decodes a photo and makes its views, in a worker process; None if the photo is broken."""
    try:
        image = decode_photo(photo, key)
        if drawing.jpeg and suffix not in {"jpg", "jpeg"}:
            suffix, photo = "jpg", encode_jpeg(image)
            image = decode_photo(photo, key)  # the pixels that a reader will get
    except DataError:
        return None
    views = draw_views(drawing.augmentation, key, drawing.seed, image.width, image.height)
    pictures = {size: tuple(replay(image, view, size).tobytes() for view in views) for size in drawing.sizes}
    replayed = picture_digest(replay(image, views[-1], PUBLIC_SIZE)) if remembered else None
    return _Shown(suffix, photo, views, pictures, replayed)


def _judged(
    key: str,
    shown: _Shown,
    words: SampleTexts,
    vectors: Mapping[str, NDArray[np.float32]],
    ensemble: Ensemble,
) -> ReinforcedSample:
    """A sample with the teachers' embeddings of its views, and those of its texts [texts, D] from `vectors`."""
    pictures = {
        size: [PIL.Image.frombytes("RGB", (size, size), each) for each in pixels]
        for size, pixels in shown.pictures.items()
    }
    rows = {
        tag: np.stack([vectors[text] for text in texts]) for tag, texts in _tagged(words).items() if texts
    }
    return ReinforcedSample(
        key=key,
        suffix=shown.suffix,
        photo=shown.photo,
        texts=words,
        views=shown.views,
        image_embeddings=ensemble.photos(pictures, [key] * len(shown.views)),
        caption_embeddings=rows.pop(""),
        synthetic_embeddings=rows,
    )
