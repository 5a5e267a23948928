"""Reinforcement as something that is done to shards: teachers that judge, and the manifest of what they judged."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mctrain.data.reinforced.bank import BANK, write_bank
from mctrain.data.reinforced.manifest import MANIFEST, Manifest, TeacherRecord, save_manifest
from mctrain.data.reinforced.sample import members_of, parse_sample
from mctrain.data.replay import versions
from mctrain.data.shards import grouped
from mctrain.data.views import slots_of
from mctrain.data.workers import open_pool
from mctrain.places import draft
from mctrain.reinforce.shard import Drawing, reinforce
from mctrain.teachers.teacher import Ensemble, open_teacher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import ProcessPoolExecutor

    from mctrain.data.phrasing import Phrasing
    from mctrain.data.reinforced.bank_sources import Collected
    from mctrain.data.reinforced.embeddings import Storage
    from mctrain.places import Place
    from mctrain.recipes.tables import Augmentation
    from mctrain.reinforce.maker import Bar
    from mctrain.reinforce.shard_report import ShardOutcome, ShardReport

_PACKAGES = ("picsight", "torch", "numpy", "onnxruntime")


@dataclass(frozen=True, slots=True)
class ReinforceOrder:
    """Which teachers judge what of each photo, in which form it is stored; `limit` photos of each shard, None for all.

    `bank` holds texts without photos that are judged too; `processes` decode.
    """

    teachers: tuple[str, ...]
    cache: Path
    augmentation: Augmentation
    seed: int
    phrasing: Phrasing
    storage: Storage
    bank: Collected
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
    """Shows photos and texts to an ensemble; `pool` decodes."""

    drawing: Drawing
    storage: Storage
    ensemble: Ensemble
    pool: ProcessPoolExecutor
    limit: int | None
    bank: Collected
    trials = 2

    def told(self) -> dict[str, Any]:
        """What the bytes of a shard depend on beside its source."""
        drawing = self.drawing
        configuration = {
            "augmentation": asdict(drawing.augmentation),
            "seed": drawing.seed,
            "storage": str(self.storage),
            "jpeg": drawing.jpeg,
            "limit": self.limit,
            "phrasing": drawing.phrasing.digest(),
        }
        return {"configuration": configuration, "teachers": [asdict(own) for own in self._recorded()]}

    def samples(
        self, source: Path, outcome: ShardOutcome, limit: int | None
    ) -> Iterator[tuple[str, Mapping[str, bytes]]]:
        """The reinforced samples.

        Raises:
            DataError: the source is missing.
            TrainerError: a process that decodes was ended.
        """
        slots = slots_of(self.drawing.augmentation)
        for sample in reinforce(source, self.drawing, self.ensemble, self.pool, outcome, limit=limit):
            yield sample.key, members_of(sample, self.storage, slots)

    def keys(self, shard: Path) -> list[str]:
        """Those of samples that training can read."""
        widths = tuple(own.width for own in self.ensemble.members)
        return [parse_sample(group.key, group.members, widths).key for group in grouped(shard)]

    def finish(self, folder: Place, reports: list[ShardReport], bar: Bar) -> list[str]:
        """Writes the manifest, and the bank if there is one."""
        manifest = Manifest(
            configuration=self.told()["configuration"],
            teachers=self._recorded(),
            shards=tuple(report.shard for report in reports),
            refused=tuple(key for report in reports for key in report.refused),
            versions=versions() | {name: metadata.version(name) for name in _PACKAGES},
        )
        save_manifest(folder / MANIFEST, manifest)
        return self._judge_bank(folder, bar) if self.bank.dropped else []

    def _judge_bank(self, folder: Place, bar: Bar) -> list[str]:
        """Writes the bank, or finds it written; sentences about what is in it and which source is not at hand."""
        texts = self.bank.texts
        count = sum(map(len, texts.values()))
        place = folder / BANK
        with nullcontext(place) if isinstance(place, Path) else draft(place) as path:
            write_bank(path, texts, self._recorded(), self.ensemble.texts, bar("bank", count))
        told = ", ".join(f"{len(own)} of {source}" for source, own in texts.items())
        return [*self.bank.absent, f"{place}: {count} texts ({told})"]

    def _recorded(self) -> tuple[TeacherRecord, ...]:
        """The teachers as a manifest has them."""
        return tuple(
            TeacherRecord(own.name, own.width, own.scale, own.digest) for own in self.ensemble.members
        )
