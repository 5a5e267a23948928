"""Numbers, durations, dates and names in words, the same in every panel."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING
from unicodedata import bidirectional

from PySide6.QtCore import QDate, QDateTime, QLocale, QTime
from PySide6.QtGui import Qt

from picsight import texts
from picsight.texts import tr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtGui import QFontMetrics

    from picsight_engine.bundles.calibration import Match
    from picsight_engine.search.answer import FoundBy

ISOLATE, END_ISOLATE = "\u2068", "\u2069"  # keep a name's reading direction within a sentence
WEB = ("https://", "http://")
# Control characters, line and paragraph separators, marks that change the reading direction of the following text, and
# undecodable bytes of a name.
_UNRULY = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066\u2067\ud800-\udfff]")
_LONG_RUN = re.compile(r"(\S{16})(?=\S)")
_ISOLATED = re.compile(f"[{ISOLATE}{END_ISOLATE}]")
_UNSHOWN = "\ufffd"
DAYS_RELATIVE = 7
NAMED = 6  # the most files that a question names; it counts the others


def english_of(system: QLocale) -> QLocale:
    """English, as every word of the window, with the numbers of the system's country."""
    return QLocale(QLocale.Language.English, system.territory())


def number(value: float) -> str:
    """A whole number with the digits grouped by locale: 48,210."""
    return QLocale().toString(round(value))


def decimal(value: float) -> str:
    """A number with one digit behind the point, if useful: 2.1, 8."""
    tenths = round(value, 1)
    return number(tenths) if tenths.is_integer() else QLocale().toString(tenths, "f", 1)


def percent(share: float) -> str:
    """A share of the whole, rounded down: 40 %."""
    return tr("{number} %", number=number(int(100 * share)))


def size(count: int) -> str:
    """A number of bytes, with one decimal below ten of a unit: 2.1 MB, 215 MB, 1.5 GB."""
    digits = 1 if len(str(count)) % 3 == 1 else 0
    return QLocale().formattedDataSize(count, digits, QLocale.DataSizeFormat.DataSizeSIFormat)


def counted(value: int, one: str, many: str) -> str:
    """`one` for exactly one thing, else `many`; %n in either is the number, grouped by locale."""
    return texts.counted(value, one, many, shown=number(value))


def first_of(sentences: Sequence[str], one: str, many: str) -> str:
    """The first of several sentences, then the number of the others, worded by `counted`; empty for none."""
    if not sentences:
        return ""
    more = len(sentences) - 1
    return f"{sentences[0]} {counted(more, one, many)}" if more else sentences[0]


def plain(words: str) -> str:
    """External names and sentences in one line: characters that would break it, or affect the following text, are
    shown as the replacement character.
    """
    ruly = _UNRULY.sub(_UNSHOWN, words)
    depth = 0
    for sign in _ISOLATED.findall(ruly):
        depth += 1 if sign == ISOLATE else -1
        if depth < 0:
            break
    return _ISOLATED.sub(_UNSHOWN, ruly) if depth else ruly


def breakable(words: str) -> str:
    """The same words, which may wrap even in long parts without a space."""
    return _LONG_RUN.sub("\\1\u200b", plain(words))


def isolated(name: str) -> str:
    """A name from outside within our sentence, with its own reading direction."""
    return f"{ISOLATE}{plain(name)}{END_ISOLATE}"


def quoted(path: Path) -> str:
    """The name of a file or folder, in quotation marks, within our sentence."""
    return isolated(f"“{path.name or path}”")


def reads_backwards(words: str, *, otherwise: bool) -> bool:
    """Whether a sentence reads from right to left, by its first letter outside names. A sentence of names only takes
    `otherwise`; figures alone read from left to right.
    """
    depth = 0
    for sign in words:
        if sign in (ISOLATE, END_ISOLATE):
            depth += 1 if sign == ISOLATE else -1
        elif not depth and (kind := bidirectional(sign)) in ("L", "R", "AL"):
            return kind != "L"
    return otherwise and ISOLATE in words


def tooltip(*lines: str) -> str:
    """Words for a tooltip; those that Qt would read as markup are escaped."""
    words = "\n".join(plain(line) for line in lines if line)
    if not Qt.mightBeRichText(words):
        return words
    return f'<p style="white-space: pre-wrap">{escape(words)}</p>'


def linked(words: str, url: str) -> str:
    """Words as a link to a web page; any other address makes no link."""
    shown = escape(plain(words))
    return f'<a href="{escape(url)}">{shown}</a>' if url.startswith(WEB) else shown


def duration(seconds: float) -> str:
    """A waiting time, as precise as an estimate is: under a minute, about 25 minutes, about 3 hours."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return tr("under a minute")
    if minutes < 90:
        whole = minutes if minutes <= 10 else 5 * round(minutes / 5)
        return counted(whole, "about a minute", "about %n minutes")
    return counted(round(minutes / 60), "about an hour", "about %n hours")


def taken_words(iso: str | None, day: str = "d MMM yyyy", *, time: bool = True) -> str:
    """The date of a photo in its local time: 18 Jul 2020, 17:42; empty if unknown. `day` is a Qt date format."""
    if not iso:
        return ""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return ""
    date = QLocale().toString(QDate(moment.year, moment.month, moment.day), day)
    if not time:
        return date
    return f"{date}, {QLocale().toString(QTime(moment.hour, moment.minute), 'HH:mm')}"


def spoken_date(iso: str | None) -> str:
    """The day a photo was taken, for a screen reader: 18 July 2020."""
    return taken_words(iso, "d MMMM yyyy", time=False)


def match_words(match: Match | None, found_by: FoundBy | None = None) -> str:
    """How a photo was found, or the strength of its match, for a screen reader; empty if unknown."""
    if found_by in {"name", "words"}:
        return tr("found by name") if found_by == "name" else tr("found by words in the picture")
    words = {"strong": tr("strong match"), "weaker": tr("weaker match"), "none": tr("no match")}
    return words[match] if match else ""


def since(then: QDateTime, now: QDateTime) -> str:
    """A past time: in words if less than a week ago, else the date."""
    seconds = then.secsTo(now)
    if seconds < 60:
        return tr("just now")
    if seconds < 3600:
        return counted(seconds // 60, "a minute ago", "%n minutes ago")
    if seconds < 86_400:
        return counted(seconds // 3600, "an hour ago", "%n hours ago")
    days = seconds // 86_400
    if days < DAYS_RELATIVE:
        return counted(days, "yesterday", "%n days ago")
    return QLocale().toString(then.date(), "d MMM yyyy")


def cut_middle(name: str, metrics: QFontMetrics, width: int) -> str:
    """A name, cut in the middle if it is too wide, so that its ending stays."""
    return metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, width)


def short_path(path: Path) -> str:
    """A path by its first and its last two parts, in the order of the reading direction."""
    parts = [part for part in path.parts if part != path.anchor]
    if len(parts) > 4:
        parts = [parts[0], "…", *parts[-2:]]
    return " \u203a ".join(isolated(part) for part in parts)


def name_lines(paths: Sequence[Path]) -> list[str]:
    """The first files by name, and the number of others."""
    more = len(paths) - NAMED
    rest = [counted(more, "and %n more", "and %n more")] if more > 0 else []
    return [short_path(path) for path in paths[:NAMED]] + rest


def star_words(stars: int) -> str:
    """A number of stars in words; -1 is rejected."""
    if stars < 0:
        return tr("Rejected")
    return counted(stars, "%n star", "%n stars") if stars else tr("No stars")
