"""Searches one library: facts select photos, words and pictures become directions, and the scan ranks by them."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.commonness import is_surely_english
from picsight_engine.filters.filtered_query import Filters
from picsight_engine.foundation.errors import LexiconError, Message, RequestError
from picsight_engine.language.query import ONLY_LESS, QueryFault
from picsight_engine.photos.colours import NAMES, RULE, likelihood, may_show, named_colours, nats_of
from picsight_engine.search.answer import COLOUR, Answer, Result, TermScore
from picsight_engine.search.directions import TextVectors, target_of
from picsight_engine.search.judging import judging_of
from picsight_engine.search.pictures import PictureFinder
from picsight_engine.search.ranking import (
    Hit,
    MatchThresholds,
    Ranking,
    Scope,
    explain,
    find_losses,
    in_order,
)
from picsight_engine.search.results import Results, result_of
from picsight_engine.store.derived.colours import colour_codes_of
from picsight_engine.store.derived.vectors import vector_of
from picsight_engine.store.library_folder import CACHE
from picsight_engine.store.overview.counts import photos_revision
from picsight_engine.store.photos import all_photos, first_of, newest_photos, photos_shown
from picsight_engine.vectors.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.filters.filtered_query import FilteredQuery
    from picsight_engine.language.query import Query
    from picsight_engine.language.translation import Translation
    from picsight_engine.search.answer import FoundBy, Request
    from picsight_engine.search.directions import Target
    from picsight_engine.store.database import Database
    from picsight_engine.store.photos import Photo
    from picsight_engine.vectors.matrix import Rows

REST = "{fault} The rest was searched."
_NEGATIONS = frozenset({"no", "not", "without"})


class Colours:
    """The colours of one library's photos; those of all rows are kept until the library changes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: tuple[int, NDArray[np.int64], NDArray[np.uint8]] | None = None

    def match(
        self, texts: Sequence[str], photo_ids: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
        """What each row loses in nats by the colours of the alternatives, and which rows show them, both [n]; None if one of the
        alternatives names no colour.

        The alternative that suits a photo best counts.
        """
        columns = [named_colours(text) for text in texts]
        if not columns or not all(columns):
            return None
        revision, known = photos_revision(self._db), self._known
        if known is None or known[0] != revision or known[1] is not photo_ids:
            by_column = np.asfortranarray(colour_codes_of(self._db, photo_ids, RULE, len(NAMES)))
            self._known = known = revision, photo_ids, by_column
        codes = known[2]
        nats = np.stack([nats_of(codes, each) for each in columns]).min(axis=0)
        return nats, np.logical_or.reduce([may_show(codes, each) for each in columns])


class Searcher:
    """Answers searches over one library with one bundle; thread-safe. Raises BundleError if the text tower is needed and missing
    or cannot be loaded, LibraryError if the stored vectors are damaged.

    The bundle's calibration decides whether photos match words strongly, weakly or not; there is none for similar photos.

    The first search that needs the text tower and the matrix opens them; facts alone need neither.
    """

    def __init__(self, db: Database, bundle: Bundle, read: Callable[[Path], NDArray[np.float32]]) -> None:
        """`read` returns the vector of a file outside the library."""
        self._db = db
        self._manifest = bundle.manifest
        self.terms = TextVectors(bundle)
        self._filters = Filters(db)
        self._pictures = PictureFinder(db, bundle.manifest.space_id, read)
        self._colours = Colours(db)
        self._results = Results(db, bundle.manifest.space_id)
        self._lock = threading.Lock()
        self._matrix: Matrix | None = None
        self._losses: tuple[Rows | None, NDArray[np.float32] | None] = (None, None)  # rows and losses

    def search(self, query: Query, request: Request) -> Answer:
        """The photos for a query; an empty query finds nothing."""
        started = time.perf_counter()
        filtered, translation, untranslated = self._filtered(query, request.languages)
        pictures = self._pictures.pictures_of(filtered.query)
        # In sequence: opening the matrix takes only 2 ms, so a separate thread for the text tower gains nothing.
        target = target_of(filtered.query, self.terms, pictures.vectors)
        left_out = [*filtered.faults, *pictures.faults]
        if target is not None or filtered.ids is not None:
            left_out = [replace(fault, message=Message(REST, fault=fault.message)) for fault in left_out]
        faults = [*query.faults, *untranslated, *filtered.unnamed, *left_out]
        if target is None:
            if less := filtered.query.less:
                faults.append(QueryFault(less[0].start, less[-1].end, ONLY_LESS))
            photos, results = self._unranked(filtered, request)
        else:
            photos, results = self._ranked(filtered, pictures.known, target, request)
        if request.order == "folder" and (filtered.folders or filtered.named):
            results.sort(key=lambda each: (each.path.parent, each.path.name))
        if request.explain:
            ids = [each.id for each in results]
            terms = {} if target is None else self._explanations(filtered.query, target, ids)
            results = [replace(result, terms=terms.get(result.id, ())) for result in results]
        return replace(
            self._answer(query.text, photos, results, started),
            faults=tuple(sorted(faults, key=lambda fault: fault.start)),
            filters=filtered.filters,
            undated=filtered.undated,
            translation=translation,
        )

    def explain(self, query: Query, photo_id: int, languages: Sequence[str]) -> tuple[TermScore, ...]:
        """A photo's similarity to each part of a query; empty if there are none, or the photo has no vector."""
        query = self._filtered(query, languages)[0].query
        target = target_of(query, self.terms, self._pictures.pictures_of(query).vectors)
        return () if target is None else self._explanations(query, target, [photo_id]).get(photo_id, ())

    def like_photo(self, photo: Photo, name: str, limit: int) -> Answer:
        """The photos most similar to a photo of the library, without that photo; `name` is the answer's query. Raises
        RequestError if the photo has no vector of this bundle yet.
        """
        started = time.perf_counter()
        stored = vector_of(self._db, photo.id, self._manifest.space_id)
        if stored is None:
            raise RequestError(
                "{path} was not read by this model yet; index its folder again.", path=photo.path
            )
        rows = self.rows()
        direction = stored[np.newaxis].astype(np.float32)
        others = Scope(rows, None).without([photo.id])
        likeness = self._manifest.likeness
        judging = None if likeness is None else MatchThresholds(likeness.matches, direction)
        best = Ranking(others, direction, judging).best(limit)[: max(limit, 0)]
        return self._answer(name, rows.photos, self._results.of(best), started)

    def wall(self) -> Answer:
        """Every photo, newest first, including those without a vector; the scores are 0."""
        started = time.perf_counter()
        results = [result_of(photo) for photo in all_photos(self._db)]
        return self._answer("", len(results), results, started)

    def newest(self, limit: int) -> Answer:
        """At most `limit` dated photos, newest first; `photos` is the total number of photos."""
        started = time.perf_counter()
        results = [result_of(photo) for photo in newest_photos(self._db, limit)]
        return self._answer("", photos_shown(self._db), results, started)

    def rows(self) -> Rows:
        """The vectors, including all changes that any process has made so far."""
        with self._lock:
            if self._matrix is None:
                space, dim = self._manifest.space_id, self._manifest.dim
                self._matrix = Matrix(self._db.folder / CACHE, self._db, space, dim)
                return self._matrix.rows
            return self._matrix.refresh()

    def scored(self, query: str, photos: Sequence[tuple[int, float]]) -> Answer:
        """An answer for `query` from photos that were scored elsewhere: the visible ones, in the given order."""
        started = time.perf_counter()
        results = self._results.of([Hit(photo_id, score) for photo_id, score in photos])
        return self._answer(query, self.rows().photos, results, started)

    def warm_up(self) -> None:
        """Loads the text tower and the vectors ahead of the first search."""
        self.terms.load()
        self.rows()

    def close(self) -> None:
        """Closes the matrix; a later search opens it again."""
        with self._lock:
            self._losses = (None, None)  # they reference the rows
            if self._matrix is not None:
                self._matrix.close()
                self._matrix = None

    def translation_of(self, texts: Sequence[str], languages: Sequence[str]) -> Translation | None:
        """The words of a tag as they are embedded; None if that is as typed, as it is if a lexicon is damaged."""
        foreign, is_marked = self.foreign(languages), any("\\" in text for text in texts)
        if not is_marked and (not foreign or all(map(is_surely_english, texts))):
            return None
        from picsight_engine.language.translation import translate_texts  # lazy, as below

        with suppress(LexiconError):  # a search reports it
            return translate_texts(texts, foreign)
        return None

    def foreign(self, languages: Sequence[str]) -> list[str]:
        """The languages that the model does not know."""
        spec = self._manifest.text
        return [each for each in languages if spec is None or not spec.knows(each)]

    def _filtered(
        self, query: Query, languages: Sequence[str]
    ) -> tuple[FilteredQuery, Translation | None, list[QueryFault]]:
        """The facts applied, with the other words in English unless the model knows their language.

        Then the translation, and a fault if a lexicon is damaged.
        """
        words = " ".join(term.text for term in (*query.alternatives, *query.less))
        filtered = self._filters.apply(query, () if is_surely_english(words) else languages)
        foreign = self.foreign(filtered.languages)
        if not foreign or filtered.query.as_typed:
            return filtered, None, []
        # Lazy: the lexicons' code takes 3 ms, and a search in English does not need it.
        from picsight_engine.language.translation import translate

        try:
            found = translate(filtered.query, foreign)
        except LexiconError as fault:
            return filtered, None, [QueryFault(0, len(query.text), fault.message)]
        return filtered if found is None else replace(filtered, query=found.query), found, []

    def _answer(self, query: str, photos: int, results: Sequence[Result], started: float) -> Answer:
        milliseconds = 1000 * (time.perf_counter() - started)
        return Answer(query, self._manifest.space_id, photos, milliseconds, tuple(results))

    def _unranked(self, filtered: FilteredQuery, request: Request) -> tuple[int, list[Result]]:
        """The result for facts alone: all photos that pass, newest first; nothing without facts."""
        if filtered.ids is None:
            return self.rows().photos, []
        photos = first_of(self._db, filtered.ids.tolist(), request.limit, by_folder=request.order == "folder")
        by_name = [Hit(photo_id, found_by="name") for photo_id in filtered.by_name]
        ranked = in_order(by_name, [Hit(photo.id) for photo in photos], (), request.least)
        return len(filtered.ids), self._results.of(ranked[: max(request.limit, 0)], filtered, photos)

    def _ranked(
        self, filtered: FilteredQuery, named: Sequence[int], target: Target, request: Request
    ) -> tuple[int, list[Result]]:
        """The best of the photos that pass, without photos that are part of the query."""
        scope = Scope.from_rows(self.rows(), filtered.ids).without(named)
        ranking = self._ranking(scope, filtered.query, target)
        by_name = ranking.by_name(filtered.by_name)
        by_match = request.order == "match"
        best = (
            ranking.best(request.limit + len(by_name))
            if by_match
            else ranking.matching(request.least, request.limit)
        )
        keeps_all = not by_match and ranking.judging is not None and request.least != "all"
        found: dict[FoundBy, NDArray[np.int64]] = {"name": filtered.by_words, "words": filtered.by_writing}
        most = sum(map(len, found.values())) if keeps_all else max(request.limit, 0)
        is_left_out = request.least == "strong" or target.is_aimless  # many a folder is called "photos"
        by_words = [
            hit for how, ids in found.items() if not is_left_out for hit in ranking.by_words(ids, most, how)
        ]
        ranked = in_order(by_name, best, by_words, request.least)[: None if keeps_all else most]
        made = self._results
        results = made.of(ranked, filtered) if by_match else made.ordered(ranked, filtered, request)
        return scope.photos, results

    def _ranking(self, scope: Scope, query: Query, target: Target) -> Ranking:
        texts = [] if target.wants_pictures else [term.text for term in query.alternatives if term.words]
        losses = None if target.wants_pictures else self._losses_of(scope.rows, texts)
        directions = target.directions(scope.spread)
        judging = judging_of(query, target, scope, directions, self.terms)
        if judging is None:
            return Ranking(scope, directions, None, losses)
        calibration = self._manifest.calibration
        colours = self._colours.match(texts, scope.rows.ids)
        judging = replace(judging, losses=losses, strong=None if colours is None else colours[1])
        if colours is not None and calibration is not None and calibration.colour:
            nats = colours[0] * np.float32(calibration.colour)
            losses = nats if losses is None else losses + nats
        return Ranking(scope, directions, judging, losses)

    def _losses_of(self, rows: Rows, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """The losses [n] of blank photos; None if there are none, or if the query may ask for such photos.

        "No people" does not: it asks for photos without people, not for blank photos.
        """
        blankness = self._manifest.blankness
        if blankness is None:
            return None
        words = (
            " ".join(word for word in text.split() if word.casefold() not in _NEGATIONS) or text
            for text in texts
        )
        if any(blankness.asking(self.terms.vector(each)[np.newaxis]).any() for each in words):
            return None
        of, losses = self._losses
        if of is not rows:
            losses = find_losses(rows, blankness)
            self._losses = (rows, losses)
        return losses

    def _explanations(
        self, query: Query, target: Target, photo_ids: Sequence[int]
    ) -> dict[int, tuple[TermScore, ...]]:
        ranking = self._ranking(Scope(self.rows(), None), query, target)
        found = explain(ranking, target, photo_ids)
        columns = {each for term in query.alternatives for each in named_colours(term.text)}
        if not columns or not found or ranking.judging is None:
            return found
        codes = colour_codes_of(self._db, np.array([*found], np.int64), RULE, len(NAMES))
        for column in sorted(columns):
            for photo_id, score in zip([*found], likelihood(codes, column).tolist(), strict=True):
                found[photo_id] = (*found[photo_id], TermScore(f"{COLOUR}{NAMES[column]}", score))
        return found
