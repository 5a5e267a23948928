"""What is said of an answer: the line over the wall, and the words for a screen reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight.window.parts.words import counted, isolated, number, say

if TYPE_CHECKING:
    from picsight.window.grid.arrangement import Tally
    from picsight.window.search.place import Place, Shown


def headline(place: Place, shown: Shown, *, paused: bool) -> tuple[str, str]:
    """What was asked for and how much of it there is, in whole and in short.

    That nothing is certain is said only once the person has `paused` in typing.
    """
    if shown.faults:
        return " ".join(shown.faults), ""
    if not place.is_search:
        count = shown.photos if shown.is_begun and not place.folder else len(shown.wall.rows)
        words = counted(count, "%n photo", "%n photos")
        return (f"{isolated(place.folder.name)} · {words}" if place.folder else words), ""
    if place.like is not None:
        asked = say("Photos like {name}").format(name=isolated(place.like.path.name))
    else:
        asked = isolated(f"“{place.words}”")
    if shown.tally.ordered:
        return _ordered(asked, place, shown)
    counts = _counts(shown, paused=paused)
    return f"{asked} · {counts}", counts


def _ordered(asked: str, place: Place, shown: Shown) -> tuple[str, str]:
    """Of an answer of which only the order is known."""
    count = shown.tally.ordered
    if count == shown.photos:
        short = counted(count, "%n photo, the only one", "All %n photos, best first")
    else:
        first = counted(count, "The best one", "The best %n")
        short = say("{first} of {all} photos").format(first=first, all=number(shown.photos))
    if place.like is not None:
        return f"{asked} · {short}", short
    unsure = say("only ordered: this model cannot tell which of them match")
    return f"{asked} · {short}, {unsure}", say("{count}, only ordered").format(count=short)


def _counts(shown: Shown, *, paused: bool) -> str:
    strong, weaker = shown.tally.strong, shown.tally.weaker
    if shown.is_cut:  # at the end of what a search brings there may be more of the last kind
        many = "more than %n weaker" if weaker else "more than %n strong"
        last = counted(weaker or strong, many, many)
        return " · ".join([counted(strong, "%n strong", "%n strong"), last]) if strong and weaker else last
    if not strong and paused:
        return counted(weaker, "nothing certain, %n weaker match", "nothing certain, %n weaker matches")
    parts = [(strong, "%n strong"), (weaker, "%n weaker")]
    return " · ".join(counted(count, words, words) for count, words in parts if count)


def announcement(place: Place, shown: Shown) -> str:
    """The same for a screen reader."""
    count: Tally = shown.tally
    if place.is_search and count.finds_nothing:
        return say("Nothing here matches")
    if not place.is_search or count.ordered:
        return headline(place, shown, paused=True)[0]
    strong = counted(count.strong, "%n strong match", "%n strong matches")
    weaker = counted(count.weaker, "%n weaker match", "%n weaker matches")
    if count.strong and count.weaker:
        return say("{strong} and {weaker}").format(
            strong=number(count.strong) + " " + say("strong"), weaker=weaker
        )
    return strong if count.strong else say("Nothing certain, {weaker}").format(weaker=weaker)
