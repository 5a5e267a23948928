"""The history of a library's statements about a photo; other notes in its side-car come from another library."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from picsight_engine.store.tagging.tags import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picsight_engine.photos.metadata.keyword_lists import Keyword
    from picsight_engine.store.tagging.exported_decisions import PastName


class PastNames:
    """The present and former names of tags: an earlier export used the names of its time."""

    def __init__(self, names: Iterable[PastName] = ()) -> None:
        self._places: defaultdict[int, set[tuple[str, int | None]]] = defaultdict(set)
        self._called: defaultdict[str, set[int]] = defaultdict(set)
        self._merged: defaultdict[int, set[int]] = defaultdict(set)
        for each in names:
            self._places[each.tag_id].add((name_key(each.name), each.parent_id))
            self._called[name_key(each.name)].add(each.tag_id)
            if each.merged_into is not None:
                self._merged[each.merged_into].add(each.tag_id)

    def tags_called(self, keys: Keyword) -> set[int]:
        """The tags that ever had this path (as name keys), and those that were merged into these."""
        named = self._called.get(keys[-1], ()) if keys else ()
        found = {tag_id for tag_id in named if self.was_called(tag_id, keys)}
        while more := {tag_id for owner in found for tag_id in self._merged.get(owner, ())} - found:
            found |= more
        return found

    def was_called(self, tag_id: int, keys: Keyword) -> bool:
        """Whether this was ever the tag's path (as name keys)."""
        return bool(keys) and any(
            key == keys[-1]
            and (len(keys) == 1 if parent_id is None else self.was_called(parent_id, keys[:-1]))
            for key, parent_id in self._places.get(tag_id, ())
        )


@dataclass(frozen=True, slots=True)
class DecisionHistory:
    """The tags that this library ever decided for a photo, and the stars it ever gave; undone and withdrawn decisions
    count. With `of_all` the notes of every library count.
    """

    tags: frozenset[int] = frozenset()
    stars: frozenset[int] = frozenset()
    names: PastNames = field(default_factory=PastNames)
    of_all: bool = False

    def __bool__(self) -> bool:
        return bool(self.tags or self.stars) or self.of_all

    def gave(self, stars: int | None) -> bool:
        """Whether these noted stars were ever given."""
        return stars is not None and (self.of_all or stars in self.stars)

    def of(self, path: Keyword) -> bool:
        """Whether the tag with this path was ever decided."""
        keys = tuple(map(name_key, path))
        return self.of_all or not self.tags.isdisjoint(self.names.tags_called(keys))
