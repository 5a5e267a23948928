"""The contents of a place: asks the library and makes a wall of its answer. Runs in threads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight.texts import worded
from picsight.window.grid.arrangement import (
    CLOSEST,
    Arrangement,
    Order,
    Tally,
    arrange_all,
    arrange_answer,
    tally,
)
from picsight.window.search.box_text import shortened
from picsight_engine.language.query import ONLY_LESS, UNCLOSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from picsight.window.grid.wall import Wall
    from picsight.window.search.place import Place
    from picsight_engine.language.query import Query
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Answer, Result

MOST = 500  # photos of an answer ordered by match: to find one beyond them, refine the query
MOST_ARRANGED = 10_000  # photos ordered by date or folder, where people scroll
NEAREST = 50  # photos like one of the library
EVERYTHING = 1_000_000_000
MOST_WIDER = 3
_SEARCHED = (UNCLOSED, ONLY_LESS)  # faults of a part that is typed well


@dataclass(frozen=True, slots=True)
class WiderSearch:
    """An alternative to an empty answer: the place without the filter `without`, and its number of photos."""

    place: Place
    without: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class PlaceContents:
    """The contents of a place: the answer, its wall, the copies among its photos, the number of matches.

    `is_ranked`: photos are chosen by match. `is_cut`: more match than were requested. `is_begun`: the rest is still being
    read. `closest` and `wider` are for an answer in which nothing matches; `unread` photos are why nothing could, since an update
    brought another model.
    """

    answer: Answer
    wall: Wall
    stacks: Mapping[int, int]
    tally: Tally = Tally()  # noqa: RUF009 - a frozen value
    is_ranked: bool = False
    is_cut: bool = False
    is_begun: bool = False
    closest: tuple[Result, ...] = ()
    wider: tuple[WiderSearch, ...] = ()
    unread: int = 0

    @property
    def finds_nothing(self) -> bool:
        """True if a search has no photo that may match."""
        return self.is_ranked and self.tally.finds_nothing

    def arranged(self, arrangement: Arrangement) -> PlaceContents:
        """The same answer in another arrangement."""
        return replace(self, wall=arrange_answer(self.answer.results, arrangement, self.stacks))

    @property
    def copies(self) -> int:
        """The number of photos hidden behind others that show the same picture."""
        return len(self.wall.rows) - len(self.wall.results)


def contents_of(
    library: Library, place: Place, arrangement: Arrangement, listing: AllPhotos
) -> PlaceContents:
    """Ask the library for the contents of a place."""
    if place.words:
        return _searched(library, place, arrangement)
    return _listed(library, place, arrangement, listing)


def _searched(library: Library, place: Place, arrangement: Arrangement) -> PlaceContents:
    if place.cursor is not None:
        completed = library.suggestions(place.asked, place.cursor).completed
        place = replace(place, words=completed.text, asked=completed)
    if (like := place.like) is not None and (near := _near(library, place, like)) is not None:
        return _ranked(near, arrangement)
    order = arrangement.ranked
    most = MOST if order is Order.MATCH else MOST_ARRANGED
    answer = library.search(place.scoped, limit=most, order=order.value, least="weaker")
    results = answer.results
    is_endless = tally(results, arrangement).ordered and not _is_listing(answer)
    if order is not Order.MATCH and is_endless:
        return _searched(library, place, replace(arrangement, ranked=Order.MATCH))
    if _is_listing(answer):
        if len(results) == most:
            answer = library.search(place.scoped, limit=EVERYTHING, order="date")
        stacks = _stacks(answer)
        return PlaceContents(answer, arrange_all(answer.results, arrangement, stacks), stacks)
    if results:
        if not (answer.filters or place.has_pictures or is_endless):
            answer = _with_copies(library, answer)
        return replace(_ranked(answer, arrangement), is_cut=len(results) == most)
    closest = library.search(place.scoped, limit=CLOSEST).results
    may_match = place.asked.alternatives and not answer.photos and all(each.photos for each in answer.filters)
    return replace(
        _ranked(answer, arrangement),
        wall=arrange_answer(closest, arrangement),
        closest=closest,
        wider=tuple(_wider_searches(library, place, answer)),
        unread=library.photos_to_read() if may_match else 0,
    )


def _ranked(answer: Answer, arrangement: Arrangement) -> PlaceContents:
    stacks = _stacks(answer)
    wall = arrange_answer(answer.results, arrangement, stacks)
    return PlaceContents(answer, wall, stacks, tally(answer.results, arrangement, stacks), is_ranked=True)


def _near(library: Library, place: Place, like: int) -> Answer | None:
    """A photo, then the photos nearest to it whether they match or not; None if there is nothing to compare."""
    answer, first = library.search(place.scoped, limit=NEAREST), library.results([like])
    if not (first and answer.results):
        return None
    files = library.photos.files_in(place.folder, [like]).get(like, ()) if place.folder else ()
    head = replace(first[0].showing(files), match="strong")  # also before its copies
    return replace(answer, results=(head, *(replace(photo, match=None) for photo in answer.results)))


def _with_copies(library: Library, answer: Answer) -> Answer:
    """The answer with the copies of its photos, including those whose scores are too low."""
    fronts = {photo.stack: photo for photo in reversed(answer.results) if photo.stack is not None}
    if not fronts:
        return answer
    stacks, there = library.photos.stacks(), {photo.id for photo in answer.results}
    missing = [photo for photo, stack in stacks.items() if stack in fronts and photo not in there]
    copies = (
        _matching_as(fronts[stacks[photo.id]], photo)
        for photo in (library.results(missing) if missing else ())
    )
    return replace(answer, results=(*answer.results, *copies))


def _matching_as(front: Result, copy: Result) -> Result:
    """A copy that matches as the photo before it does; the facts of its file are its own."""
    return replace(
        copy,
        score=front.score,
        match=front.match,
        stack=front.stack,
        terms=front.terms,
        found_by=front.found_by,
        moment=front.moment,
    )


def _stacks(answer: Answer) -> dict[int, int]:
    return {photo.id: photo.stack for photo in answer.results if photo.stack is not None}


def _is_listing(answer: Answer) -> bool:
    """Whether the query has only facts: its photos are chosen by them, not by content."""
    return bool(answer.results) and answer.results[0].found_by is None


def _wider_searches(library: Library, place: Place, answer: Answer) -> Iterator[WiderSearch]:
    """The places without one of the filters that have photos."""
    narrowing = [each for each in answer.filters if each.kind != "less"]
    for narrowed in narrowing[:MOST_WIDER]:
        if narrowed.start == narrowed.end:
            wider = replace(place, folder=None)
        else:
            wider = replace(place, words=shortened(place.words, [(narrowed.start, narrowed.end)]))
        if not wider.words:
            continue
        found = library.search(wider.scoped, limit=MOST, least="weaker")
        if found.results:
            yield WiderSearch(
                wider, worded(narrowed.words), tally(found.results, Arrangement(), _stacks(found))
            )


def finds_more(library: Library, place: Place, other: Query) -> bool:
    """Whether another query finds more photos here that match strongly or by name, or as many and more at all; also if
    nobody can tell, because the model is not calibrated.
    """
    counts = []
    for query in (place.asked, other):
        searched = replace(place, words=query.text, asked=query).scoped
        found = library.search(searched, limit=MOST, least="weaker").results
        count = tally(found, Arrangement())
        counts.append((count.ordered, count.strong + count.named, len(found)))
    return counts[1] > counts[0] or bool(counts[1][0])


def _listed(library: Library, place: Place, arrangement: Arrangement, listing: AllPhotos) -> PlaceContents:
    answer, is_begun = listing.photos(library)
    stacks, before = library.photos.stacks(), listing.shown
    if before is not None and before[:2] == (place, arrangement):
        shown = before[2]
        if shown.answer is answer and shown.stacks == stacks:
            return shown
    photos = answer.results
    if place.folder is not None:
        start, copies = (
            f"{place.folder.as_posix()}/".replace("//", "/"),
            library.photos.files_in(place.folder),
        )
        photos = tuple(
            photo.showing(copies.get(photo.id, ()))
            for photo in photos
            if photo.id in copies or photo.path.as_posix().startswith(start)
        )
    shown = PlaceContents(answer, arrange_all(photos, arrangement, stacks), stacks, is_begun=is_begun)
    if not is_begun:
        listing.shown = place, arrangement, shown
    return shown


def is_unfinished(place: Place, answered: PlaceContents) -> bool:
    """Whether a filter is still typed that has no meaning yet, such as in:su, or no value."""
    cursor, asked = place.cursor, place.asked
    if cursor is None:
        return False
    if answered.finds_nothing and any(token.is_open and token.end == cursor for token in asked.tokens):
        return True
    typed = {part.start for part in asked.asides() if part.start < cursor <= part.end}
    return any(fault.start in typed and fault.message not in _SEARCHED for fault in answered.answer.faults)


@dataclass(frozen=True, slots=True)
class WallChange:
    """The changes since a wall was made: the place as it is now, the number of new photos, whether shown ones are gone
    or have other files, and the wall with the new photos at its end (None if photos are ranked, or none is new).
    """

    newer: PlaceContents
    count: int
    is_outdated: bool
    grown: PlaceContents | None


def compare(
    library: Library, place: Place, shown: PlaceContents, arrangement: Arrangement, listing: AllPhotos
) -> WallChange:
    """Read a place again and return its changes; runs in a thread."""
    newer = contents_of(library, place, arrangement, listing)
    count = shown.wall.new_in(newer.wall)
    lost = [photo for photo in shown.wall.rows if photo not in newer.wall.rows]
    # In a search, a photo that only ceased to match stays: better ones arrived, or it was rejected a moment ago.
    there = library.results(lost) if place.is_search else ()
    now = {photo.id: photo for photo in (*newer.answer.results, *newer.closest, *there)}
    moved = any(_files(now.get(photo.id, photo)) != _files(photo) for photo in shown.wall.results)
    is_outdated = moved or len(there) < len(lost)
    grown = None
    if count and not place.is_search:
        grown = replace(newer, wall=shown.wall.followed_by(newer.wall))
    return WallChange(newer, count, is_outdated, grown)


def _files(photo: Result) -> tuple[object, ...]:
    """What a photo and its plates show of its files."""
    return photo.path, photo.companions, photo.is_live, photo.duration


FIRST = 400  # photos: more than a screen; reading them takes a twentieth of the time


class AllPhotos:
    """Caches all photos until the library changes, and the last wall made of them. Used in threads."""

    def __init__(self) -> None:
        self._kept: tuple[int, Answer] | None = None
        self.shown: tuple[Place, Arrangement, PlaceContents] | None = None  # the last wall made of it
        self._is_new = True

    def photos(self, library: Library) -> tuple[Answer, bool]:
        """All photos, newest first, and whether they are incomplete: the first call returns only the newest of many."""
        revision, kept = library.revision, self._kept
        if kept is not None and kept[0] == revision:
            return kept[1], False
        if self._is_new:
            self._is_new = False
            first = library.newest_photos(limit=FIRST)
            if len(first.results) == FIRST:
                return first, True
        answer = library.all_photos()
        self._kept = revision, answer  # photos that arrived meanwhile have another revision
        return answer, False
