"""Searches one library: facts select photos, words and pictures become directions, and the scan ranks by them."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial, reduce
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.calibration import Likeness
from picsight_engine.bundles.commonness import commonness, is_surely_english
from picsight_engine.errors import LexiconError, RequestError
from picsight_engine.language.query import ONLY_LESS, QueryFault
from picsight_engine.photos.colours import NAMES, RULE, likelihood, named_colours
from picsight_engine.search.answer import COLOUR, Answer, Result, TermScore
from picsight_engine.search.colours import Colours
from picsight_engine.search.details import taken_iso
from picsight_engine.search.directions import Terms, target_of
from picsight_engine.search.filters import Filters
from picsight_engine.search.pictures import PictureFinder
from picsight_engine.search.ranking import KEPT, Hit, Judging, Ranking, Scope, explain, find_losses
from picsight_engine.search.requirements import requirements_of
from picsight_engine.store.colours import colour_codes_of
from picsight_engine.store.library_folder import CACHE
from picsight_engine.store.photos import (
    all_photos,
    first_of,
    newest_photos,
    paths_among,
    photos_by_id,
    photos_shown,
)
from picsight_engine.store.selection import files_in_folder, with_several_files
from picsight_engine.store.vectors import moments_of, vector_of
from picsight_engine.suffixes import companion_kind
from picsight_engine.vectors.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.language.query import Query, Term
    from picsight_engine.language.translation import Translation
    from picsight_engine.search.answer import Least, Request
    from picsight_engine.search.directions import Target
    from picsight_engine.search.filters import FilteredQuery
    from picsight_engine.store.database import Database
    from picsight_engine.store.photos import Photo
    from picsight_engine.vectors.matrix import Rows

REST = "The rest was searched."
_NEGATIONS = frozenset({"no", "not", "without"})
_UNRANKED = Hit(0)  # for photos that are not ranked


class Searcher:
    """Answers searches over one library with one bundle; thread-safe.

    The bundle's calibration decides whether photos match words strongly, weakly or not; there is none for similar photos.

    The first search that needs the text tower and the matrix opens them; facts alone need neither.
    """

    def __init__(self, db: Database, bundle: Bundle, read: Callable[[Path], NDArray[np.float32]]) -> None:
        """`read` returns the vector of a file outside the library."""
        self._db = db
        self._bundle = bundle
        self.terms = Terms(bundle)
        self._filters = Filters(db)
        self._pictures = PictureFinder(db, bundle.manifest.space_id, read)
        self._colours = Colours(db)
        self._lock = threading.Lock()
        self._matrix: Matrix | None = None
        self._losses: tuple[Rows | None, NDArray[np.float32] | None] = (None, None)  # rows and losses

    def search(self, query: Query, request: Request) -> Answer:
        """The photos for a query; an empty query finds nothing.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            LibraryError: the stored vectors are damaged.
        """
        started = time.perf_counter()
        languages = _languages_of(query, request.languages)
        filtered = self._filters.apply(query, languages)
        translation, untranslated = self._translation(filtered.query, filtered.languages)
        if translation is not None:
            filtered = replace(filtered, query=translation.query)
        pictures = self._pictures.pictures_of(filtered.query)
        # In sequence: opening the matrix takes only 2 ms, so a separate thread for the text tower gains nothing.
        target = target_of(filtered.query, self.terms, pictures.vectors)
        left_out = [*filtered.faults, *pictures.faults]
        if target is not None or filtered.ids is not None:
            left_out = [replace(fault, message=f"{fault.message} {REST}") for fault in left_out]
        faults = [*query.faults, *untranslated, *filtered.unnamed, *left_out]
        if target is None:
            if less := filtered.query.less:
                faults.append(QueryFault(less[0].start, less[-1].end, ONLY_LESS))
            photos, results = self._unranked(filtered, request)
        else:
            photos, results = self._ranked(filtered, pictures.known, target, request)
        results = self._with_files(results, filtered, request)
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
        """A photo's similarity to each part of a query; empty if there are none, or the photo has no vector.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            LibraryError: the stored vectors are damaged.
        """
        languages = _languages_of(query, languages)
        filtered = self._filters.apply(query, languages)
        query = filtered.query
        translation, _ = self._translation(query, filtered.languages)
        query = query if translation is None else translation.query
        target = target_of(query, self.terms, self._pictures.pictures_of(query).vectors)
        return () if target is None else self._explanations(query, target, [photo_id]).get(photo_id, ())

    def like_photo(self, photo: Photo, name: str, limit: int) -> Answer:
        """The photos most similar to a photo of the library, without that photo; `name` is the answer's query.

        Raises:
            RequestError: the photo has no vector of this bundle yet.
            LibraryError: the stored vectors are damaged.
        """
        started = time.perf_counter()
        stored = vector_of(self._db, photo.id, self._bundle.manifest.space_id)
        if stored is None:
            raise RequestError(f"{photo.path} was not read by this model yet; index its folder again.")
        rows = self.rows()
        direction = stored[np.newaxis].astype(np.float32)
        others = Scope(rows, None).without([photo.id])
        likeness = self._bundle.manifest.likeness
        judging = None if likeness is None else Judging(likeness.matches, direction)
        best = Ranking(others, direction, judging).best(limit)[: max(limit, 0)]
        return self._answer(name, rows.photos, self._results(best), started)

    def wall(self) -> Answer:
        """Every photo, newest first, including those without a vector; the scores are 0."""
        started = time.perf_counter()
        results = [_result(photo) for photo in all_photos(self._db)]
        return self._answer("", len(results), results, started)

    def newest(self, limit: int) -> Answer:
        """At most `limit` dated photos, newest first; `photos` is the total number of photos."""
        started = time.perf_counter()
        results = [_result(photo) for photo in newest_photos(self._db, limit)]
        return self._answer("", photos_shown(self._db), results, started)

    def rows(self) -> Rows:
        """The vectors, including all changes that any process has made so far."""
        manifest = self._bundle.manifest
        with self._lock:
            if self._matrix is None:
                folder = self._db.folder / CACHE
                self._matrix = Matrix(folder, self._db, manifest.space_id, manifest.dim)
                return self._matrix.rows
            return self._matrix.refresh()

    def scored(self, query: str, photos: Sequence[tuple[int, float]]) -> Answer:
        """An answer for `query` from photos that were scored elsewhere: the visible ones, in the given order."""
        started = time.perf_counter()
        results = self._results([Hit(photo_id, score) for photo_id, score in photos])
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
        foreign, is_marked = self._foreign(languages), any("\\" in text for text in texts)
        if not is_marked and (not foreign or all(map(is_surely_english, texts))):
            return None
        from picsight_engine.language.translation import translate_texts  # lazy, as below

        with suppress(LexiconError):  # a search reports it
            return translate_texts(texts, foreign)
        return None

    def _foreign(self, languages: Sequence[str]) -> list[str]:
        """The languages that the model does not know."""
        spec = self._bundle.manifest.text
        return [each for each in languages if spec is None or not spec.knows(each)]

    def _translation(
        self, query: Query, languages: Sequence[str]
    ) -> tuple[Translation | None, list[QueryFault]]:
        """The query in English, unless the model knows its language; or a fault, if a lexicon is damaged."""
        foreign = self._foreign(languages)
        if not foreign or query.as_typed:
            return None, []
        # Lazy: the lexicons' code takes 3 ms, and a search in English does not need it.
        from picsight_engine.language.translation import translate

        try:
            return translate(query, foreign), []
        except LexiconError as fault:
            return None, [QueryFault(0, len(query.text), str(fault))]

    def _answer(self, query: str, photos: int, results: Sequence[Result], started: float) -> Answer:
        milliseconds = 1000 * (time.perf_counter() - started)
        return Answer(query, self._bundle.manifest.space_id, photos, milliseconds, tuple(results))

    def _unranked(self, filtered: FilteredQuery, request: Request) -> tuple[int, list[Result]]:
        """The result for facts alone: all photos that pass, newest first; nothing without facts."""
        if filtered.ids is None:
            return self.rows().photos, []
        photos = first_of(self._db, filtered.ids.tolist(), request.limit, by_folder=request.order == "folder")
        by_name = [Hit(photo_id, found_by="name") for photo_id in filtered.by_name]
        ranked = _in_order(by_name, [Hit(photo.id) for photo in photos], (), request.least)
        return len(filtered.ids), self._results(ranked[: max(request.limit, 0)], photos)

    def _ranked(
        self, filtered: FilteredQuery, named: Sequence[int], target: Target, request: Request
    ) -> tuple[int, list[Result]]:
        """The best of the photos that pass, without photos that are part of the query."""
        scope = Scope.of(self.rows(), filtered.ids).without(named)
        ranking = self._ranking(scope, filtered.query, target)
        by_name = ranking.by_name(filtered.by_name)
        by_match = request.order == "match"
        best = (
            ranking.best(request.limit + len(by_name))
            if by_match
            else ranking.matching(request.least, request.limit)
        )
        keeps_all = not by_match and ranking.judging is not None and request.least != "all"
        most = len(filtered.by_words) if keeps_all else max(request.limit, 0)
        is_left_out = request.least == "strong" or target.is_aimless  # many a folder is called "photos"
        by_words = [] if is_left_out else ranking.by_words(filtered.by_words, most)
        ranked = _in_order(by_name, best, by_words, request.least)[: None if keeps_all else most]
        results = self._results(ranked) if by_match else self._ordered(ranked, request)
        return scope.photos, results

    def _ranking(self, scope: Scope, query: Query, target: Target) -> Ranking:
        terms = [term for term in query.alternatives if term.words]
        losses = None if target.wants_pictures else self._losses_of(scope.rows, terms)
        directions = target.directions(scope.spread)
        judging = self._judge(scope, target, directions, terms)
        if judging is not None and target.is_aimless:
            judging = replace(judging, judge=lambda scores: ["weaker"] * len(scores))
        if judging is None:
            return Ranking(scope, directions, None, losses)
        texts = [] if target.wants_pictures else [term.text for term in terms]
        colours = self._colours.match(texts, scope.rows.ids)
        strong = None if colours is None else colours.shows
        required = requirements_of(query, target, self.terms, self._bundle.manifest, max(scope.pictures, 1))
        judging = replace(judging, losses=losses, strong=strong, required=required)
        calibration = self._bundle.manifest.calibration
        if colours is not None and calibration is not None and calibration.colour:
            nats = colours.nats * np.float32(calibration.colour)
            losses = nats if losses is None else losses + nats
        return Ranking(scope, directions, judging, losses)

    def _judge(
        self, scope: Scope, target: Target, directions: NDArray[np.float32], terms: Sequence[Term]
    ) -> Judging | None:
        """How photos are judged; None if there is no calibration, as for several alternatives with pictures.

        Each alternative gives every photo one more chance to score high by accident. So m alternatives are judged like one
        in a library m times as large, and as common as the commonest; so are the parts of photos. Parts to see less of turn
        a direction, but leave the thresholds unchanged.
        """
        words, alike = self._bundle.manifest.calibration, self._bundle.manifest.likeness
        photos = max(scope.pictures, 1) * len(directions)
        common = max((commonness(term.text) for term in terms), default=0.0)
        if words is None:
            return None
        if not target.has_pictures:
            return Judging(partial(words.matches, photos=photos, commonness=common), target.judging())
        if alike is None or len(directions) > 1:
            return None
        cut = words.strong + words.rise(photos, common)
        strong = target.threshold_vector(alike.strong, cut, scope.average)
        weaker = target.threshold_vector(alike.weaker, cut - words.span, scope.average)
        cuts = Likeness(float(directions[0] @ strong), float(directions[0] @ weaker))
        return Judging(cuts.matches, directions)

    def _losses_of(self, rows: Rows, terms: Sequence[Term]) -> NDArray[np.float32] | None:
        """The losses [n] of blank photos; None if there are none, or if the query may ask for such photos.

        "No people" does not: it asks for photos without people, not for blank photos.
        """
        blankness = self._bundle.manifest.blankness
        if blankness is None:
            return None
        words = (
            " ".join(word for word in term.text.split() if word.casefold() not in _NEGATIONS) or term.text
            for term in terms
        )
        if any(blankness.asking(self.terms.vector(text)[np.newaxis]).any() for text in words):
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

    def _results(self, best: Sequence[Hit], read: Sequence[Photo] = ()) -> list[Result]:
        """The visible ones of these photos, in this order; some are `read` already."""
        photos = {photo.id: photo for photo in read}
        if unread := [photo.id for photo in best if photo.id not in photos]:
            photos |= photos_by_id(self._db, unread)
        return self._with_moments([(photos[photo.id], photo) for photo in best if photo.id in photos])

    def _ordered(self, matching: Sequence[Hit], request: Request) -> list[Result]:
        """The visible ones of these photos, by date or folder."""
        ranked = {photo.id: photo for photo in matching}
        found = first_of(self._db, [*ranked], request.limit, by_folder=request.order == "folder")
        return self._with_moments([(photo, ranked[photo.id]) for photo in found])

    def _with_files(self, results: list[Result], filtered: FilteredQuery, request: Request) -> list[Result]:
        """The results with the files that the query asks for: in its folders, and of its name."""
        is_asked = filtered.folders or filtered.named
        ids = with_several_files(self._db, [each.id for each in results]).tolist() if is_asked else []
        if not ids:
            return results
        files = self._files_asked(filtered, ids, {each.id: each.path for each in results})
        found = [each.showing(files.get(each.id, ())) for each in results]
        by_folder = request.order == "folder"
        return sorted(found, key=lambda each: (each.path.parent, each.path.name)) if by_folder else found

    def _files_asked(
        self, filtered: FilteredQuery, ids: Sequence[int], primary: Mapping[int, Path]
    ) -> dict[int, tuple[Path, ...]]:
        """The files of these photos in all folders of the query, or in any for a photo without such a file; of those with the
        query as their name, if there are any, only these.

        Without a folder a photo has one such file, its primary one if possible: an action must not take copies elsewhere.
        """
        named = np.array(filtered.named, np.int64)
        inside = [files_in_folder(self._db, folder, ids) for folder in filtered.folders]
        if not inside:
            found = paths_among(self._db, ids, named.tolist())
            return {photo: paths[:1] for photo, paths in found.items() if primary[photo] not in paths}
        within = reduce(np.intersect1d, inside)
        files = paths_among(self._db, ids, np.concatenate(inside).tolist())
        files |= paths_among(self._db, ids, within.tolist())
        return files | paths_among(self._db, ids, np.intersect1d(within, named).tolist())

    def _with_moments(self, found: Sequence[tuple[Photo, Hit]]) -> list[Result]:
        compared = [ranked.id for _, ranked in found if ranked.part is not None]
        moments = moments_of(self._db, compared, self._bundle.manifest.space_id) if compared else {}
        return [
            _result(photo, ranked, moments.get(ranked.id, {}).get(-1 if ranked.part is None else ranked.part))
            for photo, ranked in found
        ]


def _languages_of(query: Query, languages: Sequence[str]) -> Sequence[str]:
    """Those of these languages in which the words of the query may be."""
    words = " ".join(term.text for term in (*query.alternatives, *query.less))
    return () if is_surely_english(words) else languages


def _in_order(
    by_name: Sequence[Hit], ranked: Sequence[Hit], by_words: Sequence[Hit], least: Least
) -> list[Hit]:
    """Photos named like the query first, then strong matches, then photos found by a word, then other matches."""
    strong = (photo for photo in ranked if photo.match == "strong")
    others = (photo for photo in ranked if photo.match in KEPT[least])
    placed: dict[int, Hit] = {}
    for photo in (*by_name, *strong, *by_words, *others):
        placed.setdefault(photo.id, photo)
    return [*placed.values()]


def _result(photo: Photo, ranked: Hit = _UNRANKED, moment: float | None = None) -> Result:
    return Result(
        id=photo.id,
        path=photo.path,
        score=ranked.score,
        match=ranked.match,
        taken=taken_iso(photo),
        place=photo.place,
        width=photo.width,
        height=photo.height,
        found_by=ranked.found_by,
        camera=photo.camera,
        moment=moment,
        duration=photo.duration,
        is_live=photo.is_live,
        companions=tuple(map(companion_kind, photo.endings.split())) if photo.endings else (),
    )
