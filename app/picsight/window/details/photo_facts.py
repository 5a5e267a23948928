"""Facts about photos in words, each with the search that finds similar ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight.exposure import exposure_words, film_time
from picsight.texts import marked, tr
from picsight.window.parts.badges import BESIDE
from picsight.window.parts.words import (
    counted,
    decimal,
    isolated,
    number,
    plain,
    short_path,
    size,
    taken_words,
)
from picsight.window.search.wording import describe
from picsight_engine.bundles.commonness import commonness
from picsight_engine.foundation.suffixes import companion_kind
from picsight_engine.language.query import Fact, parse
from picsight_engine.search.answer import COLOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from picsight_engine.bundles.bundle import Manifest
    from picsight_engine.language.query import Key
    from picsight_engine.search.answer import TermScore
    from picsight_engine.search.details import PhotoDetails
    from picsight_engine.store.overview.counts import SharedDetails

GAP = "   "
WEEKDAY = "ddd d MMM yyyy"
# The prefix of a date source's name, and its description.
_SOURCES = (
    (("Exif", "IFD0", "Makernotes"), marked("from the camera")),
    (("GPS",), marked("from GPS")),
    (("file name",), marked("from the file\u2019s name")),
)


@dataclass(frozen=True, slots=True)
class Detail:
    """One fact in words; `query` finds the photos that share it, "" if no search can."""

    words: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """The contents of the panel; empty parts take no room there. `positions` are in degrees north and east."""

    name: str
    title: str = ""
    description: str = ""
    taken: tuple[Detail, ...] = ()
    source: str = ""
    place: tuple[Detail, ...] = ()
    positions: tuple[tuple[float, float], ...] = ()
    map_words: str = ""
    gear: tuple[Detail, ...] = ()
    exposure: str = ""
    size: str = ""
    folder: tuple[Detail, ...] = ()
    beside: str = ""
    also: str = ""
    copies: tuple[Detail, ...] = ()
    keywords: tuple[Detail, ...] = ()
    written: str = ""


def details_of_one(photo: PhotoDetails, path: Path) -> Details:
    """The facts about one photo, by its file at `path`."""
    metadata = photo.metadata
    flash = [tr("flash")] if metadata.flash else []
    by_file = tr("(file time)") if photo.file_time else ""
    positions = () if metadata.lat is None or metadata.lon is None else ((metadata.lat, metadata.lon),)
    copies, is_behind = [copy for copy in photo.paths if copy != path], path in photo.companions
    also = tr("It belongs to:") if is_behind else counted(len(copies), "And a copy:", "And %n copies:")
    return Details(
        name=path.name,
        title=" ".join((metadata.title or "").split()),
        description=" ".join((metadata.description or "").split()),
        taken=_taken(photo.taken, photo.taken) or _undated(photo.file_time),
        source=_source(metadata.taken_source) if photo.taken else by_file,
        place=_place(metadata.place),
        positions=positions,
        map_words=_shown_on_map(metadata.place or "".join(_degrees(*each) for each in positions)),
        gear=_gear(metadata.camera, metadata.lens),
        exposure=GAP.join(words.replace(" ", "\u00a0") for words in exposure_words(metadata) + flash),
        size=_size(photo),
        folder=(_folder_of(path, path.parent),),
        beside="" if is_behind else _beside(photo.companions),
        also=also if copies else "",
        copies=tuple(_folder_of(copy, copy) for copy in copies),
        keywords=_keywords(metadata.keywords),
        written="\n".join(line.text for line in photo.written or ()),
    )


def details_of_several(shared: SharedDetails) -> Details:
    """The facts that several photos share."""
    return Details(
        name=counted(shared.photos, "%n photo", "%n photos"),
        taken=_taken(shared.first, shared.last),
        source=counted(shared.undated, "%n without a date", "%n without a date") if shared.undated else "",
        place=_place(shared.place),
        positions=shared.positions,
        map_words=_shown_on_map(shared.place or counted(len(shared.positions), "one place", "%n places")),
        gear=_gear(shared.camera, shared.lens),
        size=size(shared.bytes),
        keywords=_keywords(shared.keywords),
    )


def _like(key: Key, value: str, words: str = "") -> Detail:
    """A fact with its search; a value with quotation marks and spaces has none, since it cannot be typed."""
    fact = Fact(key, value, excluded=False, start=0, end=0)
    query = str(fact)
    return Detail(words or value, query if parse(query).facts == (fact,) else "")


def _taken(first: str | None, last: str | None) -> tuple[Detail, ...]:
    """A time, or a range of days; the search is for the days."""
    if first is None or last is None:
        return ()
    if first == last:
        return (_like("in", first[:10], taken_words(first, WEEKDAY)),)
    if first[:10] == last[:10]:
        return (_like("in", first[:10], taken_words(first, WEEKDAY, time=False)),)
    days = (taken_words(iso, "d MMM yyyy", time=False) for iso in (first, last))
    return (_like("in", f"{first[:10]}..{last[:10]}", " \u2013 ".join(days)),)


def _undated(file_time: str | None) -> tuple[Detail, ...]:
    words = taken_words(file_time, WEEKDAY)
    return (Detail(words),) if words else ()


def _source(name: str | None) -> str:
    for beginnings, words in _SOURCES:
        if name and name.startswith(beginnings):
            return tr(words)
    return tr("from {source}", source=re.split("[-:]", name)[0]) if name else ""


def _place(place: str | None) -> tuple[Detail, ...]:
    return tuple(_like("at", part) for part in (place or "").split(", ") if part)


def _degrees(lat: float, lon: float) -> str:
    north, east = tr("N") if lat >= 0 else tr("S"), tr("E") if lon >= 0 else tr("W")
    return f"{abs(lat):.3f}\u00b0 {north}, {abs(lon):.3f}\u00b0 {east}"


def _shown_on_map(what: str) -> str:
    return tr("The map shows {what}.", what=what)


def _gear(camera: str | None, lens: str | None) -> tuple[Detail, ...]:
    parts: tuple[tuple[Key, str | None], ...] = (("by", camera), ("lens", lens))
    return tuple(_like(key, name) for key, name in parts if name)


def _size(photo: PhotoDetails) -> str:
    pixels = photo.width * photo.height / 1e6
    in_millions = tr("{number} MP", number=decimal(pixels) if pixels < 9.95 else number(pixels))
    parts = (
        film_time(photo.metadata.duration) if photo.metadata.duration else "",
        tr("Live Photo") if photo.metadata.live and not photo.metadata.duration else "",
        f"{number(photo.width)} \u00d7 {number(photo.height)}",
        in_millions if pixels >= 0.1 else "",
        size(photo.bytes),
    )
    return " · ".join(filter(None, parts))


def _folder_of(path: Path, shown: Path) -> Detail:
    """The folder of a file, with the search for its photos."""
    return _like("folder", f"{path.parent.as_posix()}/", short_path(shown))


def _beside(companions: Sequence[Path]) -> str:
    """The files behind the photo, by name and kind."""
    names = [f"{isolated(path.name)} ({tr(BESIDE[companion_kind(path.name)])})" for path in companions]
    return tr("With it: {files}", files=", ".join(names)) if names else ""


def _keywords(keywords: Sequence[str]) -> tuple[Detail, ...]:
    return tuple(_like("tag", keyword) for keyword in keywords)


# What was measured: below the first bound, from it, and from the second one. Of words and pictures it is how the photo looks,
# of a part to see less of whether it is there, of a colour how much of it there is.
LOOKS = marked("does not look like it"), marked("looks a little like it"), marked("looks like it")
LESS = marked("not seen in it"), marked("perhaps in it"), marked("seen in it")
SHARE = (
    marked("hardly any in it"),
    marked("some in it, or only at its edge"),
    marked("much of it, or in its middle"),
)


def reasons_of(
    terms: Sequence[TermScore],
    manifest: Manifest,
    photos: int,
    name_of: Callable[[str], str],
    *,
    by_name: bool = False,
) -> list[str]:
    """Each part of the query, worded as in its chip, and what was measured of it; uncalibrated parts are left out, and of a
    photo found `by_name` those that it does not look like.

    `photos` is the number of searched photos, `name_of` returns the name of a picture in the query.
    """
    reasons, calibration, likeness = [], manifest.calibration, manifest.likeness
    for term in terms:
        is_picture = term.text.lstrip("-").startswith("like")
        words = LESS if term.text[:1] == "-" else LOOKS
        if term.text.startswith(COLOUR):
            words, bounds = SHARE, (0.5, 1.0)
        elif is_picture and likeness is not None:
            bounds = likeness.weaker, likeness.strong
        elif not is_picture and calibration is not None:
            rise = calibration.rise(max(photos, 1), commonness(term.text.lstrip("-")))
            bounds = calibration.possible + rise - calibration.span, calibration.strong + rise
        else:
            continue
        level = sum(term.score >= bound for bound in bounds)
        if not (by_name and level == 0 and words is not LESS):
            reasons.append(f"{_part_in_words(term.text, name_of)}: {tr(words[level])}")
    return reasons


def _part_in_words(token: str, name_of: Callable[[str], str]) -> str:
    parts = parse(token).asides()
    if not parts:
        return plain(token)
    words, target = describe(parts[0])
    return words.format(name=isolated(name_of(target))) if target else words
