"""Finds tags and photos by name, path or id, and lists the tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message, RequestError
from picsight_engine.store.overview.counts import shared_tags
from picsight_engine.store.photos import known_photos
from picsight_engine.store.tagging.decisions import count_states, decided, states_of
from picsight_engine.store.tagging.exported_decisions import shown_instead
from picsight_engine.store.tagging.tagged import stars_of
from picsight_engine.store.tagging.tags import live_tags, paths_of, tags_by_id, tags_called
from picsight_engine.tags.tree import FAVOURITES, Marks, listed_tag, listed_tags, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.tagging.decisions import State
    from picsight_engine.store.tagging.tags import Definition
    from picsight_engine.tags.tree import Tag


class Lookup:
    """The read-only part of `Tags`; thread-safe."""

    def __init__(self, db: Database, photo_id: Callable[[Path], int]) -> None:
        """`photo_id` returns the photo at a path, or raises RequestError."""
        self._db = db
        self._photo_id = photo_id

    def all(self) -> list[Tag]:
        """The favourites, then every tag and album by path."""
        with self._db.reading() as connection:
            return listed_tags(live_tags(connection), count_states(connection))

    def find(self, name: str) -> Tag:
        """The tag with this path or last name; raises RequestError if there is none, or several have this name."""
        return self._tag(self._definition(name).id)

    def _tag(self, tag_id: int) -> Tag:
        """The tag as the user sees it."""
        with self._db.reading() as connection:
            (definition,) = tags_by_id(connection, [tag_id]).values()
            path = paths_of(connection, [tag_id])[tag_id]
            return listed_tag(definition, path, count_states(connection, tag_id))

    def _definition(self, name: str, refusal: Message | None = None) -> Definition:
        """The definition of a tag, like `find`; raises RequestError also if it is the favourites and `refusal` is given."""
        with self._db.reading() as connection:
            ids = tags_called(connection, name)
            tag = tags_by_id(connection, ids)[ids[0]] if len(ids) == 1 else None
        if tag is not None:
            if refusal and tag.kind == "favourite":
                raise RequestError(refusal.about(tag=tag.name))
            return tag
        if not ids:
            raise RequestError('There is no tag "{name}".', name=shortened(name))
        raise RequestError(
            '{number} tags are called "{name}"; give its path, as in "Birds/Waders".',
            number=len(ids),
            name=shortened(name),
        )

    def _photos(self, photos: Iterable[Path | int]) -> tuple[int, ...]:
        """The ids of these photos, each once; raises RequestError if one of them is not in the library."""
        ids = tuple(
            dict.fromkeys(photo if isinstance(photo, int) else self._photo_id(photo) for photo in photos)
        )
        with self._db.reading() as connection:
            if len(known_photos(connection, ids)) < len(ids):
                raise RequestError("A photo that was named is not in the library any more.")
        return ids

    def _shown(self, photos: Iterable[Path | int]) -> list[int]:
        """The ids of the visible photos that show these now; raises RequestError if one was edited or removed meanwhile."""
        with self._db.reading() as connection:
            shown = shown_instead(connection, self._photos(photos))
        if None in shown:
            raise RequestError("A photo that was named was edited or removed meanwhile; search again.")
        return sorted(filter(None, shown))

    def known(self, photo_ids: Iterable[int]) -> set[int]:
        """The photos among these that the library knows, visible or not; only these can be used."""
        with self._db.reading() as connection:
            return known_photos(connection, photo_ids)

    def _verdicts(self, tag: Definition) -> dict[int, State]:
        """The decisions for a tag, by photo."""
        with self._db.reading() as connection:
            return decided(connection, tag.id)

    def states(self, photo_ids: Sequence[int]) -> dict[int, list[tuple[str, State, float | None]]]:
        """For each photo the paths of its tags, its state in each, and its score if known."""
        states = states_of(self._db, photo_ids)
        with self._db.reading() as connection:
            paths = paths_of(connection, (each.tag_id for rows in states.values() for each in rows))
        return {
            photo_id: sorted((paths[each.tag_id], each.state, each.score) for each in rows)
            for photo_id, rows in states.items()
        }

    def marks(self, photo_ids: Sequence[int]) -> dict[int, Marks]:
        """For each visible photo among these, the user's marks and the suggestions."""
        states = self.states(photo_ids)
        with self._db.reading() as connection:
            stars = stars_of(connection, list(states))
        return {
            photo_id: Marks(
                rating=stars.get(photo_id),
                favourite=any(path == FAVOURITES and how == "accepted" for path, how, _ in rows),
                tags=tuple((path, how) for path, how, _ in rows if path != FAVOURITES),
            )
            for photo_id, rows in states.items()
        }

    def shared_marks(self, photo_ids: Sequence[int]) -> Marks:
        """The marks that all visible photos among these share."""
        tag_ids = shared_tags(self._db, photo_ids)
        with self._db.reading() as connection:
            paths = set(paths_of(connection, tag_ids).values())
            stars = set(stars_of(connection, photo_ids).values())
        return Marks(
            rating=stars.pop() if len(stars) == 1 else None,
            favourite=FAVOURITES in paths,
            tags=tuple((path, "accepted") for path in sorted(paths - {FAVOURITES})),
        )
