"""What is done to shards, apart from where and in how many places it is done."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

from mctrain.data.refusal import shipped
from mctrain.data.shards import grouped, write_archive
from mctrain.errors import DataError
from mctrain.reinforce.shard_report import ShardOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mctrain.data.shards import Group
    from mctrain.places import Place
    from mctrain.reinforce.shard_report import ShardReport

    Bar = Callable[[str, int | None], Callable[[int, str], None]]


class Maker(Protocol):
    """Makes one shard of another with models that are loaded; equal sources give equal bytes."""

    def told(self) -> dict[str, Any]:
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

    def finish(self, folder: Place, reports: list[ShardReport], bar: Bar) -> list[str]:
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
    least = min((own for own in (limit, maker.limit) if own is not None), default=None)

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
) -> Iterator[tuple[int, Group]]:
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
