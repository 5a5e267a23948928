"""What a photo must show to match strongly: the thing whatever its colour, that thing in its colour, and nothing unwanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.commonness import commonness, subject_words
from picsight_engine.photos.colours import named_colours, without_colours

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Manifest
    from picsight_engine.bundles.calibration import Calibration
    from picsight_engine.language.query import Query, Term
    from picsight_engine.search.directions import Target, Terms

    Bound = tuple[NDArray[np.float32], float]  # a vector [dim], and the least product of a photo with it


@dataclass(frozen=True, slots=True)
class Requirement:
    """A photo meets it if its products with all of the vectors [k, dim] reach `least` [k]."""

    vectors: NDArray[np.float32]
    least: NDArray[np.float32]

    @classmethod
    def of(cls, bounds: Sequence[Bound]) -> Requirement:
        """The requirement of at least one bound."""
        vectors, least = zip(*bounds, strict=True)
        return cls(np.stack(vectors), np.array(least, np.float32))


def requirements_of(
    query: Query, target: Target, terms: Terms, manifest: Manifest, photos: int
) -> tuple[Requirement, ...]:
    """The requirements of a query among `photos` pictures, of which a strong match meets any; none if all photos may match.

    Raises:
        BundleError: the text tower is missing or cannot be loaded.
    """
    calibration = manifest.calibration
    if calibration is None:
        return ()
    unwanted = [*_unwanted(query, target, terms, manifest, photos)]
    wanted: list[list[Bound]] = [[]]
    if not target.wants_pictures:
        wanted = [[*_coloured(term, terms, calibration, photos)] for term in query.alternatives]
    found = [[*bounds, *unwanted] for bounds in wanted]
    return tuple(map(Requirement.of, found)) if all(found) else ()


def _coloured(term: Term, terms: Terms, calibration: Calibration, photos: int) -> Iterator[Bound]:
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


def _unwanted(query: Query, target: Target, terms: Terms, manifest: Manifest, photos: int) -> Iterator[Bound]:
    """The bounds of the parts to see less of: a photo that would match one of them strongly exceeds its bound."""
    calibration, likeness = manifest.calibration, manifest.likeness
    for term in query.less:
        if term.words and calibration is not None:
            cut = calibration.strong + calibration.rise(photos, commonness(term.text))
            yield -terms.centred(terms.vector(term.text)), -cut
    for part in target.less:
        if part.is_picture and likeness is not None:
            yield -part.vector, -likeness.strong
