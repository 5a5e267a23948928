"""What is done to shards, apart from where and in how many places it is done."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping  # noqa: TC003 (read_record reads the annotations of ShardReport)
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mctrain.data.refusal import shipped
from mctrain.data.reinforced.manifest import ShardRecord  # noqa: TC001 (read_record reads the annotations of ShardReport)
from mctrain.data.shards import grouped, write_archive
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mctrain.data.reinforced.manifest import Replay
    from mctrain.data.shards import SampleMembers
    from mctrain.places import Place

    Bar = Callable[[str, int | None], Callable[[int, str], None]]


@dataclass(frozen=True, slots=True)
class Faulty:
    """A sample of the source that could not be used, and why."""

    key: str
    reason: str


@dataclass(slots=True)
class ShardOutcome:
    """What becomes of a shard while it is made: how many samples it has, the faulty ones of its source, refused keys, digests
    of replayed views by key, what else is counted, and a sentence of warning or "".
    """

    samples: int = 0
    faulty: list[Faulty] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    replays: dict[str, Replay] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    warning: str = ""

    @property
    def faults(self) -> Counter[str]:
        """The faulty samples by reason."""
        return Counter(each.reason for each in self.faulty)

    def miss(self, key: str, reason: str) -> None:
        """Counts a sample that cannot be used."""
        self.faulty.append(Faulty(key, reason))


@dataclass(frozen=True, slots=True)
class ShardReport:
    """The shard as the manifest has it, the mark of its source (`job.mark_of`), and the samples that were left out.

    `counts` are of captions: those that were kept, and those that were dropped by reason. `warning` is a sentence, or empty.
    """

    shard: ShardRecord
    source: str
    faulty: tuple[Faulty, ...]
    refused: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    warning: str = ""


class Maker(Protocol):
    """Makes one shard of another with models that are loaded; equal sources give equal bytes."""

    def identity(self) -> dict[str, Any]:
        """What the bytes depend on beside the source, as JSON: `configuration`, and the models with their digests."""
        ...

    @property
    def limit(self) -> int | None:
        """Photos of each shard that are looked at, None for all."""
        ...

    @property
    def trials(self) -> int:
        """How often a few samples are made for the forecast: twice where the first time pays for what is loaded once."""
        ...

    def samples(
        self, source: Path, outcome: ShardOutcome, limit: int | None
    ) -> Iterator[tuple[str, Mapping[str, bytes]]]:
        """What is made of the first `limit` samples of a source, as an archive wants it; `outcome` tells what became of the others.

        Raises:
            DataError: the source is missing or damaged at its beginning.
            TrainerError: a process or a server that takes part was ended.
        """
        ...

    def keys(self, shard: Path) -> list[str]:
        """Those of a shard that was written, read as whoever comes next will read it.

        Raises:
            DataError: a sample is not whole.
        """
        ...

    def finish(self, folder: Place, reports: Sequence[ShardReport], bar: Bar) -> list[str]:
        """Writes what belongs beside all shards of the folder; sentences for a person."""
        ...


class MakerOrder(Protocol):
    """How a maker is opened, wherever the work is done: it can be sent to another process."""

    def open(self) -> AbstractContextManager[Maker]:
        """Loads the models.

        Raises:
            WeightsError: a model is unknown or damaged.
        """
        ...


def write_shard(
    maker: Maker, source: Path, target: Path, tell: Callable[[], None], limit: int | None = None
) -> tuple[ShardOutcome, str]:
    """Writes what a maker makes of a source, of at most `limit` samples, and calls `tell` for each; the SHA-256 comes second.

    Raises:
        DataError: the source is missing or damaged at its beginning, or the target does not come back as it was written.
        TrainerError: a process or a server that takes part was ended.
    """
    outcome, keys = ShardOutcome(), list[str]()
    least = min((each for each in (limit, maker.limit) if each is not None), default=None)

    def noted() -> Iterator[tuple[str, Mapping[str, bytes]]]:
        for key, members in maker.samples(source, outcome, least):
            yield key, members
            keys.append(key)
            tell()

    digest = write_archive(target, noted())
    read = maker.keys(target)
    if read != keys:
        raise DataError(
            f"{target} holds {len(read)} samples of the {len(keys)} that were written; make it again."
        )
    outcome.samples = len(keys)
    return outcome, digest


def admitted(
    shard: Path, outcome: ShardOutcome, taken: Container[str], limit: int | None
) -> Iterator[tuple[int, SampleMembers]]:
    """The samples with their places among all groups of the shard, of which `limit` are looked at; of others it is counted why.

    `taken` are the keys that the caller has used until then: one that was refused, or broken, may come again.

    Raises:
        DataError: the shard is missing, or damaged at its beginning.
    """
    known = shipped()
    for number, group in enumerate(itertools.islice(grouped(shard), limit)):
        if group.fault is not None:
            outcome.miss(group.key, group.fault.kind)
        elif known.holds_key(group.key) or known.holds_photo(group.photo):
            outcome.refused.append(group.key)
        elif group.key in taken:
            outcome.miss(group.key, "key twice")
        else:
            yield number, group
