"""Makes one shard from another, independent of where the work runs."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.reinforced.manifest import ShardRecord  # noqa: TC001 (load_record reads the annotations of ShardReport)
from mctrain.data.shards import grouped, write_archive
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mctrain.data.reinforced.manifest import Replay
    from mctrain.data.shards import SampleMembers
    from mctrain.paths import AnyPath

    Bar = Callable[[str, int | None], Callable[[int, str], None]]


@dataclass(frozen=True, slots=True)
class FaultySample:
    """An unusable sample of the source, and the reason."""

    key: str
    reason: str


@dataclass(slots=True)
class ShardOutcome:
    """The results of a shard: samples, faulty and refused ones, digests of replayed views by key, counts, and a warning."""

    samples: int = 0
    faulty: list[FaultySample] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    replays: dict[str, Replay] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    warning: str = ""

    @property
    def faults(self) -> Counter[str]:
        """The faulty samples by reason."""
        return Counter(each.reason for each in self.faulty)

    def miss(self, key: str, reason: str) -> None:
        """Counts an unusable sample."""
        self.faulty.append(FaultySample(key, reason))


@dataclass(frozen=True, slots=True)
class ShardReport:
    """The shard's manifest record, the version of its source (`job.mark_of`), and the samples left out.

    `counts` are of captions: kept ones, and dropped ones by reason. `warning` is a sentence or empty.
    """

    shard: ShardRecord
    source: str
    faulty: tuple[FaultySample, ...]
    refused: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)
    warning: str = ""


class ShardMaker(Protocol):
    """Makes one shard from another with loaded models; equal sources give equal bytes."""

    def identity(self) -> dict[str, Any]:
        """Everything besides the source that the bytes depend on, as JSON: `configuration`, and the models with their digests."""

    @property
    def limit(self) -> int | None:
        """Photos to process per shard, None for all."""

    @property
    def trials(self) -> int:
        """Trial runs for the estimate: two if the first includes one-time loading."""

    def samples(
        self, source: Path, outcome: ShardOutcome, limit: int | None
    ) -> Iterator[tuple[str, Mapping[str, bytes]]]:
        """The results for the first `limit` samples of a source, ready for an archive; `outcome` records the others.

        Raises:
            DataError: the source is missing or damaged at its start.
            TrainerError: a worker process or a server has ended.
        """

    def keys(self, shard: Path) -> list[str]:
        """The keys of a written shard, read as its consumer will read it; raises DataError if a sample is incomplete."""

    def finish(self, folder: AnyPath, reports: Sequence[ShardReport], bar: Bar) -> list[str]:
        """Writes the files for the whole folder; returns sentences for the user."""


class MakerConfig(Protocol):
    """Opens a maker; can be sent to another process."""

    def open(self) -> AbstractContextManager[ShardMaker]:
        """Loads the models; raises WeightsError if a model is unknown or damaged."""


def write_shard(
    maker: ShardMaker, source: Path, target: Path, advance: Callable[[], None], limit: int | None = None
) -> tuple[ShardOutcome, str]:
    """Writes the maker's results for at most `limit` samples of a source, and calls `advance` for each; also returns the SHA-256.

    Raises:
        DataError: the source is missing or damaged at its start, or the target does not read back as written.
        TrainerError: a worker process or a server has ended.
    """
    outcome, keys = ShardOutcome(), list[str]()
    least = min((each for each in (limit, maker.limit) if each is not None), default=None)

    def noted() -> Iterator[tuple[str, Mapping[str, bytes]]]:
        for key, members in maker.samples(source, outcome, least):
            yield key, members
            keys.append(key)
            advance()

    digest = write_archive(target, noted())
    read = maker.keys(target)
    if read != keys:
        raise DataError(
            f"{target} holds {len(read)} samples of the {len(keys)} that were written; make it again."
        )
    outcome.samples = len(keys)
    return outcome, digest


def trainable_samples(
    shard: Path, outcome: ShardOutcome, taken: Container[str], limit: int | None
) -> Iterator[tuple[int, SampleMembers]]:
    """The usable samples among the first `limit` of a shard, with their positions; the others are counted by reason.

    `taken` are the keys that the caller has used: the key of a refused or broken sample may occur again.

    Raises:
        DataError: the shard is missing, or damaged at its start.
    """
    known = shipped_digests()
    for number, group in enumerate(itertools.islice(grouped(shard), limit)):
        if group.fault is not None:
            outcome.miss(group.key, group.fault.kind)
        elif known.holds_key(group.key) or known.holds_photo(group.photo):
            outcome.refused.append(group.key)
        elif group.key in taken:
            outcome.miss(group.key, "key twice")
        else:
            yield number, group
