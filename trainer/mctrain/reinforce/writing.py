"""One shard made of another: written, and read back before anybody takes it for whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.data.archive import write_archive
from mctrain.errors import DataError
from mctrain.reinforce.report import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mctrain.reinforce.maker import Maker


def write_shard(
    maker: Maker, source: Path, target: Path, tell: Callable[[], None], limit: int | None = None
) -> tuple[Outcome, str]:
    """Writes what a maker makes of a source, of at most `limit` samples, and calls `tell` for each; the SHA-256 comes second.

    Raises:
        DataError: the source is missing or damaged at its beginning, or the target does not come back as it was written.
        TrainerError: a process or a server that takes part was ended.
    """
    outcome, keys = Outcome(), list[str]()
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
