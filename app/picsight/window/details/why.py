"""Why a photo matched: each part of the query, and in words how well the photo shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight.window.parts.words import isolated, plain, say
from picsight.window.search.wording import describe
from picsight_engine.bundles.commonness import commonness
from picsight_engine.search.query import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsight_engine.bundles.bundle import Manifest
    from picsight_engine.search.answer import TermScore


@dataclass(frozen=True, slots=True)
class Reason:
    """A part of the query as it is typed, and in words how much of it is there."""

    token: str
    strength: str


def reasons_of(terms: Sequence[TermScore], manifest: Manifest, photos: int) -> list[Reason]:
    """Cosines in words; those without a calibration are left out."""
    reasons, calibration, likeness = [], manifest.calibration, manifest.likeness
    for term in terms:
        is_picture = term.text.lstrip("-").startswith("like")
        if is_picture and likeness is not None:
            level = (term.score >= likeness.weaker) + (term.score >= likeness.strong)
        elif not is_picture and calibration is not None:
            rise = calibration.rise(max(photos, 1), commonness(term.text.lstrip("-")))
            least = calibration.possible + rise - calibration.span
            level = (term.score >= least) + (term.score >= calibration.strong + rise)
        else:
            continue
        words = (
            ("not seen", "a little", "still there")
            if term.text[:1] == "-"
            else ("hardly", "weaker", "strong")
        )
        reasons.append(Reason(term.text, say(words[level])))
    return reasons


def in_words(reason: Reason, name_of: Callable[[str], str]) -> str:
    """A part of the query as its chip says it, and how much of it is there."""
    return f"{_part_in_words(reason.token, name_of)}: {reason.strength}"


def _part_in_words(token: str, name_of: Callable[[str], str]) -> str:
    parts = parse(token).asides()
    if not parts:
        return plain(token)
    words, target = describe(parts[0])
    return words.format(name=isolated(name_of(target))) if target else words
