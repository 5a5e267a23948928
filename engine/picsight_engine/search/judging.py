"""How photos are judged: by their scores, and by what a strong match must show.

It shows the thing whatever its colour, that thing in its colour, and nothing unwanted.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from picsight_engine.bundles.calibration import Likeness
from picsight_engine.bundles.commonness import commonness, subject_words
from picsight_engine.photos.colours import named_colours, without_colours
from picsight_engine.search.ranking import Bound, MatchThresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.bundles.calibration import Calibration, Match
    from picsight_engine.language.query import Query, Term
    from picsight_engine.search.directions import Target, TextVectors
    from picsight_engine.search.ranking import Judge, Scope

    # Vectors [dim], and the least product of a photo with each.
    Required = Iterator[tuple[NDArray[np.float32], float]]


def judging_of(
    query: Query, target: Target, scope: Scope, directions: NDArray[np.float32], terms: TextVectors
) -> MatchThresholds | None:
    """How photos are judged; None if there is no calibration, as for several alternatives with pictures.

    Each alternative gives every photo one more chance to score high by accident. So m alternatives are judged like one
    in a library m times as large, and as common as the commonest; so are the parts of photos. Parts to see less of turn
    a direction, but leave the thresholds unchanged.
    """
    words, alike = terms.manifest.calibration, terms.manifest.likeness
    if words is None:
        return None
    pictures = max(scope.pictures, 1)
    photos = pictures * len(directions)
    common = max((commonness(term.text) for term in query.alternatives if term.words), default=0.0)
    judge: Judge = partial(words.matches, photos=photos, commonness=common)
    if target.has_pictures:
        if alike is None or len(directions) > 1:
            return None
        cut = words.strong + words.rise(photos, common)
        strong = target.threshold_vector(alike.strong, cut, scope.average)
        weaker = target.threshold_vector(alike.weaker, cut - words.span, scope.average)
        judge = Likeness(float(directions[0] @ strong), float(directions[0] @ weaker)).matches
    judged = directions if target.has_pictures else target.judging()
    return MatchThresholds(
        _weaker if target.is_aimless else judge, judged, bounds=tuple(_bounds(query, target, terms, pictures))
    )


def _weaker(scores: Sequence[float]) -> list[Match]:
    return ["weaker"] * len(scores)


def _bounds(query: Query, target: Target, terms: TextVectors, photos: int) -> Iterator[Bound]:
    """The bounds of every alternative among `photos` pictures."""
    calibration = terms.manifest.calibration
    for unwanted in _unwanted(query, target, terms, photos):
        yield from (Bound(row, *unwanted) for row in range(len(target.alternatives)))
    if not target.wants_pictures and calibration is not None:
        for row, term in enumerate(term for term in query.alternatives if term.words):
            yield from (Bound(row, *bound) for bound in _coloured(term, terms, calibration, photos))


def _coloured(term: Term, terms: TextVectors, calibration: Calibration, photos: int) -> Required:
    """The bounds of a thing of a colour: a photo without the thing may score high by the colour of anything else.

    So in 109 such searches 40 % fewer strong photos show another colour or another thing, and a fifth fewer are right. The
    thing is embedded as typed only: its templates would double the time of a first search and are no better.
    """
    thing = without_colours(term.text)
    if not named_colours(term.text) or not subject_words(thing):
        return
    halfway = (calibration.possible + calibration.strong) / 2 + calibration.rise(photos, commonness(thing))
    typed = terms.ranking(thing)
    yield terms.centred(typed), halfway
    yield terms.ranking(term.text) - typed, 0.0


def _unwanted(query: Query, target: Target, terms: TextVectors, photos: int) -> Required:
    """The bounds of the parts to see less of: a photo that would match one of them strongly exceeds its bound."""
    calibration, likeness = terms.manifest.calibration, terms.manifest.likeness
    for term in query.less:
        if term.words and calibration is not None:
            cut = calibration.strong + calibration.rise(photos, commonness(term.text))
            yield -terms.centred(terms.vector(term.text)), -cut
    for part in target.less:
        if part.is_picture and likeness is not None:
            yield -part.vector, -likeness.strong
