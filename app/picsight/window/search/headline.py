"""Sentences about an answer: the line over the wall, the screen reader's text, and the reason for an empty wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from picsight.texts import marked, plural, tr, worded
from picsight.window.parts.words import counted, isolated, number, plain, tooltip

if TYPE_CHECKING:
    from picsight.window.grid.arrangement import Tally
    from picsight.window.search.contents import PlaceContents, WiderSearch
    from picsight.window.search.place import Place
    from picsight_engine.language.translation import Translation

BETWEEN = " · "
LONGEST = 90  # letters of a repeated query: a longer one leaves no room for the photos in a small window
_BEGUN = ("running", "stopped")
_COMING = marked("They appear here as they are read.")
CUT = 40  # letters of a translation in the header
# Whether all files are read: a run reads them now, was stopped, or is over.
Reading = Literal["unknown", "running", "stopped", "complete"]
NextStep = Literal["back", "all photos", "folders", "problems", "read", "install again"]
Option: TypeAlias = "tuple[str, Place | NextStep]"  # its words, and where it leads


@dataclass(frozen=True, slots=True)
class WallMessage:
    """The message of an empty wall, or above the closest photos, with other searches to try."""

    title: str
    sentence: str = ""
    options: tuple[Option, ...] = ()
    is_closest: bool = False


def headline(place: Place, shown: PlaceContents, asked: str, photos: int, *, paused: bool) -> tuple[str, str]:
    """The query and the number of its photos, in a long and a short form; the library has `photos` photos.

    The headline says that nothing is certain only once the user has `paused` in typing.
    """
    if not place.is_search:
        words = _photos(shown, 0 if place.folder else photos or shown.answer.photos)
        return (BETWEEN.join((isolated(place.folder.name), words)) if place.folder else words), words
    amount = _amount(shown, paused=paused)
    if shown.tally.ordered and not place.has_pictures:
        short = tr("{count}, only ordered", count=amount)
        amount = tr("{count}, only ordered: this model cannot tell which of them match", count=amount)
    else:
        short = amount
    about = asked or (isolated(place.folder.name) if place.folder else "")
    return BETWEEN.join(filter(None, (about, amount))), short[:1].upper() + short[1:]


def searched_as(place: Place, shown: PlaceContents) -> tuple[str, str]:
    """What was searched instead of words in another language, cut and whole; a click on it changes that. "" if nothing was."""
    found = shown.answer.translation
    if found is None:
        back = tr("Searched as typed. Translate") if place.is_search and place.as_typed else ""
        return back, back
    return translated(found, CUT), tooltip(translated(found))


def translated(found: Translation, most: int | None = None) -> str:
    """What was searched instead of words in another language, each part cut to at most so many letters."""
    words = " | ".join(found.readings)
    cut = words if most is None or len(words) <= most else f"{words[:most].rstrip()}…"
    unknown = tr(" (unknown: {words})", words=", ".join(found.unknown)) if found.unknown else ""
    return tr("Searched as: {words}", words=isolated(cut)) + plain(unknown[:most])


def faults_of(shown: PlaceContents) -> str:
    """Sentences about the parts of the query that were not understood; "" if all were."""
    return " ".join(worded(fault.message) for fault in shown.answer.faults)


def scoped(asked: str, place: Place) -> str:
    """The query and its folder: “dog” in Trips; "" if no part of it could be used."""
    if place.folder is None or not asked:
        return asked
    return tr("{words} in {folder}", words=asked, folder=isolated(place.folder.name))


def _amount(shown: PlaceContents, *, paused: bool) -> str:
    if not shown.is_ranked:
        amount = _photos(shown)
    elif shown.tally.ordered:
        amount = _ordered(shown)
    else:
        amount = _matches(shown, paused=paused)
        if shown.copies:
            with_copies = tr("{all} with copies", all=number(len(shown.answer.results)))
            amount = BETWEEN.join((amount, with_copies))
    if shown.answer.undated:
        without = counted(shown.answer.undated, "%n without a date", "%n without a date")
        amount = BETWEEN.join((amount, without))
    return amount


def _ordered(shown: PlaceContents) -> str:
    """The count of an answer whose photos are only ordered, not matched."""
    count, searched = shown.tally.ordered, shown.answer.photos
    if count == searched:
        return counted(count, "%n photo, the only one", "all %n photos, best first")
    first = counted(count, "the best one", "the best %n")
    return tr("{first} of {all} photos", first=first, all=number(searched))


def _matches(shown: PlaceContents, *, paused: bool) -> str:
    strong, named, weaker = shown.tally.strong, shown.tally.named, shown.tally.weaker
    if not (strong or named) and paused:
        return counted(weaker, "nothing certain, %n weaker match", "nothing certain, %n weaker matches")
    parts = _kinds(shown.tally)
    if shown.is_cut:  # the last kind has more photos than were fetched
        parts[-1] = tr("more than {count}", count=parts[-1])
    return BETWEEN.join(parts)


def _kinds(count: Tally) -> list[str]:
    """The numbers of matches by kind, the best first: 14 strong, 3 weaker."""
    kinds = (
        (count.strong, plural("%n strong", "%n strong")),
        (count.named, plural("%n by name or words", "%n by name or words")),
        (count.weaker, plural("%n weaker", "%n weaker")),
    )
    return [counted(photos, *words) for photos, words in kinds if photos]


def _photos(shown: PlaceContents, whole: int = 0) -> str:
    """The number of shown photos, the number with their copies, and the number in the `whole` library."""
    count = whole or len(shown.wall.rows)
    if shown.copies and not shown.is_begun:
        words = tr("{shown} shown, {all} with copies")
        return words.format(shown=number(len(shown.wall.results)), all=number(count))
    return counted(count, "%n photo", "%n photos")


def announcement(place: Place, shown: PlaceContents, asked: str, reading: Reading) -> str:
    """The headline for a screen reader, with the faults of the query."""
    return " ".join(filter(None, (_announced(place, shown, asked, reading), faults_of(shown))))


def _announced(place: Place, shown: PlaceContents, asked: str, reading: Reading) -> str:
    count: Tally = shown.tally
    if shown.finds_nothing:
        nothing = tr("Nothing matches so far") if reading in _BEGUN else tr("Nothing here matches")
        return _to_read(shown.unread) if shown.unread else nothing
    if not shown.is_ranked or count.ordered:
        return headline(place, shown, asked, 0, paused=True)[0]
    weaker = counted(count.weaker, "%n weaker match", "%n weaker matches")
    if count.named:
        return _matches(shown, paused=True).replace(BETWEEN, ", ")
    if count.strong and count.weaker:
        return tr("{strong} and {weaker}", strong=_kinds(count)[0], weaker=weaker)
    if count.strong:
        return counted(count.strong, "%n strong match", "%n strong matches")
    return tr("Nothing certain, {weaker}", weaker=weaker)


def news_words(place: Place, count: int) -> str:
    """The number of photos that arrived meanwhile, for the pill."""
    if place.is_search:
        return counted(count, "%n new photo matches · Show", "%n new photos match · Show")
    return counted(count, "%n new photo · Show", "%n new photos · Show")


def empty_message(
    place: Place, shown: PlaceContents | None, asked: str, reading: Reading, *, unread: int = 0
) -> WallMessage:
    """The reason why a place shows no photo for the query `asked`; `unread` counts its files that could not be read."""
    if shown is not None and shown.unread:
        title = f"{_to_read(shown.unread)}."
        if reading == "running":
            return WallMessage(title, tr(_COMING))
        return WallMessage(title, options=((tr("Read them now"), "read"),))
    if place.words and shown is not None and (shown.answer.photos or shown.answer.filters):
        return _unmatched(place, shown, asked, reading=reading in _BEGUN)
    if place.has_pictures and shown is not None and not shown.answer.faults:
        return WallMessage(tr("No other photos to compare with."), options=((tr("Back"), "back"),))
    if place.folder:
        title = tr("No photos in {folder}.", folder=isolated(f"“{place.folder.name}”"))
    elif reading == "complete":
        title = tr("No photos were found in your folders.")
    else:
        title = tr("No photos yet.")
    if reading != "complete":
        return WallMessage(title, tr(_COMING))
    another: Option = (tr("Choose another folder…"), "folders")
    options: tuple[Option, ...] = ((tr("Show problems"), "problems"), another) if unread else (another,)
    sentence = counted(unread, "%n file cannot be read.", "%n files cannot be read.") if unread else ""
    return WallMessage(title, sentence, options)


def _to_read(unread: int) -> str:
    many = "%n photos must be read again by the new model"
    return counted(unread, "%n photo must be read again by the new model", many)


def failure(sentence: str, *, misread: bool) -> WallMessage:
    """The message of a failed search; `misread` means that its model could not be read."""
    to_all: Option = (tr("All photos"), "all photos")
    if misread:
        options: tuple[Option, ...] = ((tr("Install again"), "install again"), to_all)
        return WallMessage(tr("The search model is incomplete."), sentence, options)
    return WallMessage(tr("This search did not work."), sentence, (to_all,))


def _unmatched(place: Place, shown: PlaceContents, asked: str, *, reading: bool) -> WallMessage:
    if not asked or len(asked) > LONGEST or place.has_pictures:  # the box shows them
        title = tr("Nothing matches so far.") if reading else tr("Nothing here matches.")
    else:
        title = tr("Nothing matches {words} so far.") if reading else tr("Nothing here matches {words}.")
    options: list[Option] = [(_widened(place, each), each.place) for each in shown.wider]
    options.append((tr("All photos"), "all photos"))
    without = shown.answer.undated
    left_out = plural("%n photo without a date was left out.", "%n photos without a date were left out.")
    why = faults_of(shown)
    if reading:
        why = why or tr("Not all files are read yet.")
    elif shown.closest:
        why = why or tr("These come closest, but they are not close.")
    else:
        undated = counted(without, *left_out) if without else ""
        may_match = place.asked.alternatives and shown.answer.photos
        advice = tr("Try fewer words, or other ones.") if may_match else ""
        why = why or undated or advice
    return WallMessage(title.format(words=asked), why, tuple(options), is_closest=bool(shown.closest))


def _widened(place: Place, wider: WiderSearch) -> str:
    """The label of the same search without one of its filters."""
    if wider.place.folder != place.folder:
        return tr("Search all photos: {found}", found=_found(wider.tally))
    words = tr("Without {filter}: {found}")
    return words.format(filter=isolated(wider.without), found=_found(wider.tally))


def _found(count: Tally) -> str:
    """The number of photos that another search finds: 14 strong."""
    kinds = _kinds(count)
    return kinds[0] if kinds else counted(count.ordered, "%n photo", "%n photos")
