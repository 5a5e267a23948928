"""How the window says numbers, durations, dates and names: one place, so that every panel says them alike."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING
from unicodedata import bidirectional

from PySide6.QtCore import QCoreApplication, QDate, QDateTime, QLocale, QTime
from PySide6.QtGui import Qt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtGui import QFontMetrics

    from picsight_engine.bundles.calibration import Match

ISOLATE, END_ISOLATE = "\u2068", "\u2069"  # keep a name's own direction inside a sentence
WEB = ("https://", "http://")
# Control characters, ends of lines and paragraphs, what turns the reading direction of all that follows, and bytes of a
# name that are no text.
_UNRULY = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066\u2067\ud800-\udfff]")
_LONG_RUN = re.compile(r"(\S{16})(?=\S)")
_ISOLATED = re.compile(f"[{ISOLATE}{END_ISOLATE}]")
_UNSHOWN = "\ufffd"
DAYS_RELATIVE = 7


def say(text: str) -> str:
    """A sentence in the language of the person."""
    return QCoreApplication.translate("Words", text)


def number(value: float) -> str:
    """A whole number with the digits grouped as the person's locale does: 48,210."""
    return QLocale().toString(round(value))


def decimal(value: float) -> str:
    """A number with one digit behind the point, if that says anything: 2.1, 8."""
    tenths = round(value, 1)
    return number(tenths) if tenths.is_integer() else QLocale().toString(tenths, "f", 1)


def percent(share: float) -> str:
    """A share of the whole, never more than is done: 40 %."""
    return say("{number} %").format(number=number(int(100 * share)))


def size(count: int) -> str:
    """So many bytes: 2.1 MB, 215 MB."""
    return QLocale().formattedDataSize(
        count, 1 if count < 10_000_000 else 0, QLocale.DataSizeFormat.DataSizeSIFormat
    )


def counted(value: int, one: str, many: str) -> str:
    """Say `one` for exactly one thing, else `many`; %n in either stands for the grouped number."""
    return say(one if value == 1 else many).replace("%n", number(value))


def first_of(sentences: Sequence[str], one: str, many: str) -> str:
    """The first of several sentences, then how many more there are, in words as `counted` takes them; empty for none."""
    if not sentences:
        return ""
    more = len(sentences) - 1
    return f"{sentences[0]} {counted(more, one, many)}" if more else sentences[0]


def plain(words: str) -> str:
    """Names and sentences from outside as they stand in one line: what would break it, or reach beyond their own end,
    is shown as the sign for what cannot be shown.
    """
    ruly = _UNRULY.sub(_UNSHOWN, words)
    depth = 0
    for sign in _ISOLATED.findall(ruly):
        depth += 1 if sign == ISOLATE else -1
        if depth < 0:
            break
    return _ISOLATED.sub(_UNSHOWN, ruly) if depth else ruly


def breakable(words: str) -> str:
    """The same words, which may go on in the next line also where they have no blank for long."""
    return _LONG_RUN.sub("\\1\u200b", plain(words))


def isolated(name: str) -> str:
    """A file's or a person's own words inside our sentence."""
    return f"{ISOLATE}{plain(name)}{END_ISOLATE}"


def quoted(path: Path) -> str:
    """A file or a folder by its name, in quotation marks, inside our sentence."""
    return isolated(f"“{path.name or path}”")


def reads_backwards(words: str, *, otherwise: bool) -> bool:
    """Whether a sentence reads from right to left: its first letter outside of names says so. Where there are only names,
    one after the other, `otherwise` holds; figures alone read as everywhere.
    """
    depth = 0
    for sign in words:
        if sign in (ISOLATE, END_ISOLATE):
            depth += 1 if sign == ISOLATE else -1
        elif not depth and (kind := bidirectional(sign)) in ("L", "R", "AL"):
            return kind != "L"
    return otherwise and ISOLATE in words


def tooltip(*lines: str) -> str:
    """Words for a tooltip, which Qt reads as markup where they look like it: then they come as markup that shows them."""
    words = "\n".join(plain(line) for line in lines if line)
    if not Qt.mightBeRichText(words):
        return words
    return f'<p style="white-space: pre-wrap">{escape(words)}</p>'


def linked(words: str, url: str) -> str:
    """Words as markup that leads to a page of the web; any other address leads nowhere."""
    shown = escape(plain(words))
    return f'<a href="{escape(url)}">{shown}</a>' if url.startswith(WEB) else shown


def duration(seconds: float) -> str:
    """A time to wait, as coarse as it is known: under a minute, about 25 minutes, about 3 hours."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return say("under a minute")
    if minutes < 90:
        return counted(_rounded(minutes), "about a minute", "about %n minutes")
    return counted(round(minutes / 60), "about an hour", "about %n hours")


def _rounded(minutes: int) -> int:
    """Minutes to the nearest five once there are more than ten: nobody knows better."""
    return minutes if minutes <= 10 else 5 * round(minutes / 5)


def taken_words(iso: str | None, day: str = "d MMM yyyy", *, time: bool = True) -> str:
    """When a photo was taken, in its own time: 18 Jul 2020, 17:42; empty if unknown. `day` is as Qt formats dates."""
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
    try:
        moment = datetime.fromisoformat(iso) if iso else None
    except ValueError:
        return ""
    if moment is None:
        return ""
    return QLocale().toString(QDate(moment.year, moment.month, moment.day), "d MMMM yyyy")


def match_words(match: Match | None) -> str:
    """How well a photo matches, for a screen reader; empty if nobody can say."""
    words = {"strong": "strong match", "weaker": "weaker match", "none": "no match"}
    return say(words[match]) if match else ""


def since(then: QDateTime, now: QDateTime) -> str:
    """How long ago, in words while it is under a week, else the date."""
    seconds = then.secsTo(now)
    if seconds < 60:
        return say("just now")
    if seconds < 3600:
        return counted(seconds // 60, "a minute ago", "%n minutes ago")
    if seconds < 86_400:
        return counted(seconds // 3600, "an hour ago", "%n hours ago")
    days = seconds // 86_400
    if days < DAYS_RELATIVE:
        return counted(days, "yesterday", "%n days ago")
    return QLocale().toString(then.date(), "d MMM yyyy")


def cut_middle(name: str, metrics: QFontMetrics, width: int) -> str:
    """A name cut in the middle where it is too wide, so that its ending stays."""
    return metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, width)


def short_path(path: Path) -> str:
    """A path by its first and its last two parts, in the order of the reading direction."""
    parts = [part for part in path.parts if part != path.anchor]
    if len(parts) > 4:
        parts = [parts[0], "…", *parts[-2:]]
    return " \u203a ".join(isolated(part) for part in parts)
