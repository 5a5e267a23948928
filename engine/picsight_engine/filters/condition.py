"""What a query may ask of photos: the value that every kind of filter becomes, and lists of names in its messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from picsight_engine.foundation.errors import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

FilterKind = Literal[
    "time", "folder", "format", "is", "has", "place", "camera", "lens", "exposure", "label", "rating", "tag", "people",
    "text", "says", "colour", "less",
]  # fmt: skip
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on photos: `find` returns the photos that match, `words` name it for the user, as typed or as a message.

    Conditions with equal `key` are the same. If no photo matches, `absent` may give a message; without a message, the
    condition is a fault if no photo matches `basis` either, whose photos have a `thing`. `decided` conditions change with
    tags and stars, `written` ones with what slow kinds find in pictures, all others only with the photos.
    """

    kind: FilterKind
    key: tuple[str, ...]
    words: Message | str
    find: Callable[[Database], NDArray[np.int64]]
    basis: Condition | None = None
    decided: bool = False
    written: bool = False
    absent: Callable[[Database], Message | None] | None = None
    thing: Message | str = ""


def some_of(names: Collection[str]) -> Message | str:
    """The first names, and whether there are others."""
    shown = [*names][:_MOST_NAMED] + [Message("others")] * (len(names) > _MOST_NAMED)
    return listed(shown) if len(shown) > 1 else shown[0]


def listed(names: Sequence[str | Message]) -> Message:
    """All of at least two names."""
    return Message("{some} and {last}", some=", ".join(map(str, names[:-1])), last=names[-1])
