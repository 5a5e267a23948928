"""Which samples of anybody's shard may be used at all: whole ones, each key once, and no photo that only measures."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mctrain.data.refusal import shipped
from mctrain.data.shards import grouped

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

    from mctrain.data.shards import Group
    from mctrain.reinforce.report import Outcome


def admitted(
    shard: Path, outcome: Outcome, taken: Container[str], limit: int | None
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
