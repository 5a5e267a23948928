"""Tags as a person sees them: each by its path, with its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.store.tags import lines_of_names, name_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from picsight_engine.store.decisions import State
    from picsight_engine.store.tags import Definition, TagKind

USUAL_THRESHOLD = 0.5  # the score from which a photo is suggested, unless a tag says otherwise
FAVOURITES = "Favourites"  # the path of the built-in tag, which nothing else can have


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag, a hand-made album or the favourites; `path` is "Birds/Waders", `parent` "Birds".

    `threshold` is None where nothing is ever suggested. The numbers are of visible photos, those of
    the tags below it included; what is `rejected` is so in this one.
    """

    id: int
    name: str
    path: str
    parent: str | None
    kind: TagKind
    prompts: tuple[str, ...]
    examples: tuple[int, ...]
    against: tuple[int, ...]
    threshold: float | None
    suggests: bool
    accepted: int
    rejected: int
    suggested: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands beside a photo on the wall: its stars, and the paths of its tags and albums with how it stands to them."""

    rating: int | None
    favourite: bool
    tags: tuple[tuple[str, State], ...]


def threshold_of(tag: Definition) -> float:
    """From which probability on a photo is suggested."""
    return USUAL_THRESHOLD if tag.threshold is None else tag.threshold


def as_seen(tags: Iterable[Definition], counts: Mapping[tuple[int, State], int]) -> list[Tag]:
    """All live tags: the favourites first, then by path, every tag before those below it."""
    by_id = {tag.id: tag for tag in tags}
    names = lines_of_names({tag.id: (tag.name, tag.parent_id) for tag in by_id.values()})
    ordered = sorted(
        by_id.values(), key=lambda tag: (tag.kind != "favourite", [name_key(name) for name in names[tag.id]])
    )
    return [seen(tag, "/".join(names[tag.id]), counts) for tag in ordered]


def seen(tag: Definition, path: str, counts: Mapping[tuple[int, State], int]) -> Tag:
    """One tag as a person sees it."""
    return Tag(
        id=tag.id,
        name=tag.name,
        path=path,
        parent=path.rpartition("/")[0] or None,
        kind=tag.kind,
        prompts=tag.prompts,
        examples=tag.examples,
        against=tag.against,
        threshold=threshold_of(tag) if tag.kind == "tag" else None,
        suggests=tag.suggests,
        accepted=counts.get((tag.id, "accepted"), 0),
        rejected=counts.get((tag.id, "rejected"), 0),
        suggested=counts.get((tag.id, "suggested"), 0),
    )
