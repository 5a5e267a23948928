"""Makes results of ranked photos: what the library knows of each, the moment of a film, and the files that a query asks for."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.suffixes import companion_kind
from picsight_engine.foundation.written_line import matching
from picsight_engine.search.answer import Result
from picsight_engine.search.details import taken_iso
from picsight_engine.search.ranking import Hit
from picsight_engine.store.derived.vectors import moments_of
from picsight_engine.store.derived.written import lines_of
from picsight_engine.store.photos import first_of, paths_among, photos_by_id
from picsight_engine.store.selection import files_in_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from picsight_engine.filters.filtered_query import FilteredQuery
    from picsight_engine.foundation.written_line import WrittenLine
    from picsight_engine.search.answer import Request
    from picsight_engine.store.database import Database
    from picsight_engine.store.photos import Photo

_UNRANKED = Hit(0)  # for photos that are not ranked


class Results:
    """Makes the results of one library; `space` is the one whose vectors were compared."""

    def __init__(self, db: Database, space: str) -> None:
        self._db = db
        self._space = space

    def of(
        self, hits: Sequence[Hit], filtered: FilteredQuery | None = None, read: Sequence[Photo] = ()
    ) -> list[Result]:
        """The visible ones of these photos, in this order, with the files that the query asks for: in its folders, and of its
        name. Some photos are `read` already.
        """
        photos = {photo.id: photo for photo in read}
        if unread := [hit.id for hit in hits if hit.id not in photos]:
            photos |= photos_by_id(self._db, unread)
        return self._made([(photos[hit.id], hit) for hit in hits if hit.id in photos], filtered)

    def ordered(self, hits: Sequence[Hit], filtered: FilteredQuery, request: Request) -> list[Result]:
        """The same by date, or by the folder of the primary file."""
        by_id = {hit.id: hit for hit in hits}
        found = first_of(self._db, [*by_id], request.limit, by_folder=request.order == "folder")
        return self._made([(photo, by_id[photo.id]) for photo in found], filtered)

    def _files_asked(
        self, filtered: FilteredQuery, photos: Mapping[int, Photo]
    ) -> dict[int, tuple[Path, ...]]:
        """The files of these photos in all folders of the query, or in any for a photo without such a file; of those with the
        query as their name, if there are any, only these.

        Without a folder a photo has one such file, its primary one if possible: an action must not take copies elsewhere.
        """
        ids, named = [*photos], np.array(filtered.named, np.int64)
        inside = [files_in_folder(self._db, folder, ids) for folder in filtered.folders]
        if not inside:
            found = paths_among(self._db, ids, named.tolist()) if filtered.named else {}
            return {photo: paths[:1] for photo, paths in found.items() if photos[photo].path not in paths}
        within = reduce(np.intersect1d, inside)
        files = paths_among(self._db, ids, np.concatenate(inside).tolist()) if inside[1:] else {}
        files |= paths_among(self._db, ids, within.tolist())
        return files | paths_among(self._db, ids, np.intersect1d(within, named).tolist())

    def _lines_asked(
        self, filtered: FilteredQuery | None, hits: Sequence[Hit]
    ) -> dict[int, tuple[WrittenLine, ...]]:
        """The lines in these photos that facts ask for; those with the words of the query in photos found by them."""
        if filtered is None:
            return {}
        texts, words = filtered.written
        asked = {
            hit.id: words if hit.found_by == "words" else ()
            for hit in hits
            if texts or hit.found_by == "words"
        }
        lines = lines_of(self._db, asked) if asked else {}
        return {photo_id: matching(some, texts, asked[photo_id]) for photo_id, some in lines.items()}

    def _made(self, found: Sequence[tuple[Photo, Hit]], filtered: FilteredQuery | None) -> list[Result]:
        files = (
            {} if filtered is None else self._files_asked(filtered, {photo.id: photo for photo, _ in found})
        )
        lines = self._lines_asked(filtered, [hit for _, hit in found])
        compared = [hit.id for _, hit in found if hit.part is not None]
        moments = moments_of(self._db, compared, self._space) if compared else {}
        return [
            result_of(
                photo,
                hit,
                moments.get(hit.id, {}).get(-1 if hit.part is None else hit.part),
                files.get(photo.id, ()),
                lines.get(photo.id, ()),
            )
            for photo, hit in found
        ]


def result_of(
    photo: Photo,
    hit: Hit = _UNRANKED,
    moment: float | None = None,
    files: tuple[Path, ...] = (),
    written: tuple[WrittenLine, ...] = (),
) -> Result:
    """The result for a photo by these files; without any, by its primary file."""
    return Result(
        id=photo.id,
        path=files[0] if files else photo.path,
        score=hit.score,
        match=hit.match,
        taken=taken_iso(photo),
        place=photo.place,
        width=photo.width,
        height=photo.height,
        found_by=hit.found_by,
        camera=photo.camera,
        moment=moment,
        duration=photo.duration,
        is_live=photo.is_live,
        companions=tuple(map(companion_kind, photo.endings.split())) if photo.endings else (),
        also=files[1:],
        written=written,
    )
