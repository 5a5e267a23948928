"""Searches one library: words or a photo become directions, the scan ranks every photo by them."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.errors import RequestError
from picsight_engine.models.calibration import BEST
from picsight_engine.models.commonness import commonness
from picsight_engine.search.answer import Answer, Result
from picsight_engine.search.details import taken_iso
from picsight_engine.search.query import parse
from picsight_engine.search.terms import Terms
from picsight_engine.store.own_folder import CACHE
from picsight_engine.store.photos import all_photos, photos_by_id
from picsight_engine.store.vectors import vector_of
from picsight_engine.vectors.matrix import Matrix
from picsight_engine.vectors.scan import scan_any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.models.bundle import Bundle
    from picsight_engine.search.query import Query
    from picsight_engine.store.database import Database
    from picsight_engine.store.photos import Photo


class Searcher:
    """Answers searches over one library with one bundle; any thread may call.

    Words match strongly, weaker or not, as the bundle is calibrated for them; how near one photo is to another is not.

    The text tower and the matrix are opened by the first search that needs them.
    """

    def __init__(self, db: Database, bundle: Bundle) -> None:
        self._db = db
        self._bundle = bundle
        self._terms = Terms(bundle)
        self._lock = threading.Lock()
        self._matrix: Matrix | None = None

    def by_words(self, text: str, limit: int) -> Answer:
        """The best photos for a query as a person types it; a query that asks for nothing finds nothing.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            LibraryError: the stored vectors are damaged.
        """
        started = time.perf_counter()
        query = parse(text)
        # One after the other: opening the matrix takes 2 ms, a thread for the text tower beside it gained nothing.
        directions = self._terms.directions(query) if query.alternatives else None
        matrix = self._refreshed_matrix()
        ranked = [] if directions is None else self._matched(matrix, directions, query, limit)
        return self._answer(text, started, matrix, ranked, query)

    def like_photo(self, photo: Photo, name: str, limit: int) -> Answer:
        """The photos most like one of the library's own, which is itself left out; `name` is the answer's query.

        Raises:
            RequestError: the photo has no vector of this bundle yet.
            LibraryError: the stored vectors are damaged.
        """
        started = time.perf_counter()
        stored = vector_of(self._db, photo.id, self._bundle.manifest.space_id)
        if stored is None:
            raise RequestError(f"{photo.path} was not read by this model yet; index its folder again.")
        matrix = self._refreshed_matrix()
        likest = self._ranked(matrix, stored[np.newaxis].astype(np.float32), limit + 1)
        others = [result for result in likest if result.id != photo.id]
        return self._answer(name, started, matrix, others[: max(limit, 0)])

    def wall(self) -> Answer:
        """Every photo, newest first, whether or not a search can find it already; the scores are 0."""
        started = time.perf_counter()
        results = tuple(_result(photo, 0.0) for photo in all_photos(self._db))
        space = self._bundle.manifest.space_id
        return Answer("", space, len(results), _milliseconds_since(started), results)

    @property
    def is_ready(self) -> bool:
        """True once the text tower is loaded; asking never waits."""
        return self._terms.is_loaded

    def warm_up(self) -> None:
        """Loads what a first search would wait for."""
        self._terms.load()
        self._refreshed_matrix()

    def close(self) -> None:
        """Lets go of the matrix; a later search opens it again."""
        with self._lock:
            if self._matrix is not None:
                self._matrix.close()
                self._matrix = None

    def _refreshed_matrix(self) -> Matrix:
        """The matrix with everything that any process stored, deleted or hid until now."""
        manifest = self._bundle.manifest
        with self._lock:
            if self._matrix is None:
                folder = self._db.folder / CACHE
                self._matrix = Matrix.open(folder, self._db, manifest.space_id, manifest.dim)
            else:
                self._matrix.refresh()
            return self._matrix

    def _matched(
        self, matrix: Matrix, directions: NDArray[np.float32], query: Query, limit: int
    ) -> list[Result]:
        """The best visible photos for any of the query's directions [m, dim], best first, with how well they match.

        Each alternative gives every photo one more chance to score high by accident: m of them are judged as one is in a
        library m times as large, and as common as the commonest. What is to be less turns a direction and leaves the cuts
        as they are.
        """
        calibration = self._bundle.manifest.calibration
        if calibration is None or limit <= 0:
            return self._ranked(matrix, directions, limit)
        ranked = self._ranked(matrix, directions, max(limit, BEST))
        chances = matrix.rows.photos * len(directions)
        common = max(commonness(term.text) for term in query.alternatives)
        matches = calibration.matches([result.score for result in ranked], chances, common)
        return [replace(result, match=match) for result, match in zip(ranked, matches, strict=True)][:limit]

    def _ranked(self, matrix: Matrix, directions: NDArray[np.float32], wanted: int) -> list[Result]:
        """The best visible photos for any of the directions [m, dim], best first."""
        ids, scores = scan_any(matrix, directions, wanted)
        photos = photos_by_id(self._db, ids.tolist())
        return [
            _result(photos[photo_id], score)
            for photo_id, score in zip(ids.tolist(), scores.tolist(), strict=True)
            if photo_id in photos
        ]

    def _answer(
        self, text: str, started: float, matrix: Matrix, ranked: list[Result], query: Query | None = None
    ) -> Answer:
        return Answer(
            query=text,
            space=self._bundle.manifest.space_id,
            photos=matrix.rows.photos,
            milliseconds=_milliseconds_since(started),
            results=tuple(ranked),
            faults=() if query is None else query.faults,
        )


def _result(photo: Photo, score: float) -> Result:
    return Result(
        id=photo.id,
        path=photo.path,
        score=score,
        match=None,
        taken=taken_iso(photo),
        place=photo.place,
        width=photo.width,
        height=photo.height,
    )


def _milliseconds_since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)
