"""Why a photo matched: each part of the query, and in words how well the photo shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight.window.parts.words import isolated, plain, say
from picsight.window.search.wording import describe
from picsight_engine.bundles.commonness import commonness
from picsight_engine.language.query import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsight_engine.bundles.bundle import Manifest
    from picsight_engine.search.answer import TermScore

# How much of a part is there, below the first bound, from it and from the second one on; and of what is to be less.
MORE, LESS = ("hardly", "weaker", "strong"), ("not seen", "a little", "still there")


def reasons_of(
    terms: Sequence[TermScore], manifest: Manifest, photos: int, name_of: Callable[[str], str]
) -> list[str]:
    """Each part of the query as its chip says it, and how much of it is there; what has no calibration is left out.

    `photos` is how many were searched, `name_of` gives the name of a picture that is searched by.
    """
    reasons, calibration, likeness = [], manifest.calibration, manifest.likeness
    for term in terms:
        is_picture = term.text.lstrip("-").startswith("like")
        if is_picture and likeness is not None:
            bounds = likeness.weaker, likeness.strong
        elif not is_picture and calibration is not None:
            rise = calibration.rise(max(photos, 1), commonness(term.text.lstrip("-")))
            bounds = calibration.possible + rise - calibration.span, calibration.strong + rise
        else:
            continue
        words = LESS if term.text[:1] == "-" else MORE
        level = sum(term.score >= bound for bound in bounds)
        reasons.append(f"{_part_in_words(term.text, name_of)}: {say(words[level])}")
    return reasons


def _part_in_words(token: str, name_of: Callable[[str], str]) -> str:
    parts = parse(token).asides()
    if not parts:
        return plain(token)
    words, target = describe(parts[0])
    return words.format(name=isolated(name_of(target))) if target else words
