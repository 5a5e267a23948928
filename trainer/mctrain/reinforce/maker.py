"""What is done to shards, apart from where and in how many places it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mctrain.places import Place
    from mctrain.reinforce.report import Outcome, ShardReport

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
        self, source: Path, outcome: Outcome, limit: int | None
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


class Order(Protocol):
    """How a maker is opened, wherever the work is done: it can be sent to another process."""

    def open(self) -> AbstractContextManager[Maker]:
        """Loads the models.

        Raises:
            WeightsError: a model is unknown or damaged.
        """
        ...
