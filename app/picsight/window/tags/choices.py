"""What is offered while one names a tag for photos: those that are meant, and to make it where there is none. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight.window.tags.wording import cleaned, path_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.store.tags import TagKind
    from picsight_engine.tags.tree import Tag

MOST = 9  # as many as there are keys with numbers


@dataclass(frozen=True, slots=True)
class TagChoice:
    """A tag or album at this path; `photos` is None where it is to be made."""

    path: str
    kind: TagKind
    photos: int | None = None


def choices(
    text: str, tags: Sequence[Tag], recent: Sequence[str] = (), *, makes: bool = True
) -> list[TagChoice]:
    """What a text may mean, best first: the tags of that name, of names that begin so, that hold it; where one can be made
    (`makes`), then that.

    Without a text the tags at the `recent` paths, then all others.
    """
    path = cleaned(text)
    wanted, own = path_key(path), [tag for tag in tags if tag.kind != "favourite"]
    ranked = sorted(
        (
            (rank, place)
            for place, tag in enumerate(own)
            if (rank := _rank(wanted, tag.path, recent)) is not None
        )
    )
    found = [
        TagChoice(tag.path, tag.kind, tag.accepted + tag.suggested)
        for tag in (own[at] for _, at in ranked[:MOST])
    ]
    if not makes or not path or any(path_key(tag.path) == wanted for tag in own):
        return found
    return [*found, TagChoice(path, "tag"), TagChoice(path, "album")]


def _rank(wanted: str, path: str, recent: Sequence[str]) -> tuple[int, int] | None:
    """How well a tag is meant, less is better; None where it is not."""
    if not wanted:
        return (0, recent.index(path)) if path in recent else (1, 0)
    key = path_key(path)
    name = key.rpartition("/")[2]
    if wanted in (key, name):
        return 0, len(key)
    if name.startswith(wanted):
        return 1, 0
    if key.startswith(wanted) or f" {wanted}" in name:
        return 2, 0
    return (3, 0) if wanted in key else None
