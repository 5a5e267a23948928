"""What a person decided about a photo: for which tags it was accepted, and for which rejected; how a sample holds that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mctrain.data.words import texts_of
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DECISIONS = "decisions"  # in a sample's JSON


@dataclass(frozen=True, slots=True)
class Decision:
    """A tag by its path ("Birds/Waders") with its prompts, and whether the photo was accepted for it or rejected."""

    tag: str
    prompts: tuple[str, ...]
    accepted: bool

    @property
    def words(self) -> tuple[str, ...]:
        """What the tag means, in words: its prompts, or its own name where examples alone made it."""
        return self.prompts or (self.tag.rpartition("/")[2],)


def fact_of(decisions: Iterable[Decision]) -> dict[str, Any]:
    """The decisions on a photo as a fact of its sample."""
    return {
        DECISIONS: [
            {"tag": own.tag, "prompts": list(own.prompts), "accepted": own.accepted} for own in decisions
        ]
    }


def decisions_of(about: Mapping[str, Any], key: str) -> tuple[Decision, ...]:
    """The decisions among the facts of a sample; `key` serves the sentence only.

    Raises:
        DataError: there is something else in their place.
    """
    try:
        return tuple(_decision(own) for own in about.get(DECISIONS, ()))
    except (TypeError, KeyError, AttributeError) as fault:
        raise DataError(f"{key} holds something else where decisions should be; pack it again.") from fault


def _decision(record: Mapping[str, Any]) -> Decision:
    tag, accepted = record["tag"], record["accepted"]
    if not isinstance(tag, str) or type(accepted) is not bool:
        raise TypeError
    return Decision(tag, texts_of(record, "prompts"), accepted)
