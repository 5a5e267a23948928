"""From what a query looks for, words and pictures, to the directions that photos are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.search.query import Term
from picsight_engine.search.terms import less_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.search.query import Query
    from picsight_engine.search.terms import Terms

    Vector = NDArray[np.float32]

GIVEN = "like the picture"  # one that a person showed, which has no place in the text


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a query names: how it is typed, its unit vector [dim], and what it weighs."""

    text: str
    vector: Vector
    is_picture: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Aim:
    """What is looked for: any of the alternatives, each all of its parts together; and what there is to be less of.

    `accents` are words that weigh more or less than the rest of their term, which have turned its vector already.
    """

    alternatives: tuple[tuple[Part, ...], ...]
    less: tuple[Part, ...]
    accents: tuple[Part, ...]

    @property
    def has_pictures(self) -> bool:
        """Whether anything but words is compared."""
        return any(part.is_picture for part in self._all())

    def named(self) -> list[Part]:
        """Everything that has a score of its own, each once."""
        return list({part.text: part for part in (*self._all(), *self.accents)}.values())

    def directions(self, spread: Callable[[Vector], Vector]) -> Vector:
        """One unit row for each alternative: [alternatives, dim].

        Cosines of a photo with words lie closer together than those with another photo. Where both are mixed, each part
        is made to spread the library's photos equally (`spread` gives the standard deviation of the scores of each row);
        else the picture alone would decide.
        """
        weights = np.array([part.weight for part in self.less], np.float32)[:, np.newaxis]
        if not self.has_pictures:
            wanted = np.stack([parts[0].vector for parts in self.alternatives])
            return less_of(wanted, self._less() * weights) if self.less else wanted
        wanted = _units(np.stack([self._together(parts, spread) for parts in self.alternatives]))
        if not self.less:
            return wanted
        less = self._less()
        return less_of(wanted / spread(wanted)[:, np.newaxis], less * weights / spread(less)[:, np.newaxis])

    def _together(self, parts: tuple[Part, ...], spread: Callable[[Vector], Vector]) -> Vector:
        vectors = np.stack([part.vector for part in parts])
        together: Vector = (vectors / spread(vectors)[:, np.newaxis]).sum(axis=0)
        return together

    def _less(self) -> Vector:
        return np.stack([part.vector for part in self.less])

    def _all(self) -> Iterator[Part]:
        for parts in self.alternatives:
            yield from parts
        yield from self.less


def aim_of(
    query: Query, terms: Terms, pictures: Mapping[str, Vector], given: Sequence[Vector] = ()
) -> Aim | None:
    """What a query looks for, None if that is nothing; `given` pictures belong to every alternative.

    Raises:
        BundleError: the text tower is missing or cannot be loaded.
    """
    shown = tuple(Part(GIVEN, vector, is_picture=True) for vector in given)
    wanted = query.alternatives or ((Term(),) if shown else ())
    alternatives = [(*_parts(term, terms, pictures), *shown) for term in wanted]
    alternatives = [parts for parts in alternatives if parts]
    if not alternatives:
        return None
    less = [part for term in query.less for part in _parts(term, terms, pictures, less=True)]
    return Aim(tuple(alternatives), tuple(less), tuple(_accents(query, terms)))


def _parts(term: Term, terms: Terms, pictures: Mapping[str, Vector], *, less: bool = False) -> Iterator[Part]:
    sign = "-" if less else ""
    if term.words:
        text = " ".join(map(str, term.words))
        vector = terms.vector(term.text) if less else terms.wanted(term)
        yield Part(sign + text, vector, is_picture=False, weight=term.words[0].weight if less else 1.0)
    for picture in term.pictures:
        if picture.target in pictures:
            yield Part(f"{sign}{picture}", pictures[picture.target], is_picture=True)


def _accents(query: Query, terms: Terms) -> Iterator[Part]:
    for term in query.alternatives:
        for word in term.words if len(term.words) > 1 else ():
            if word.weight != 1:
                yield Part(word.text, terms.vector(word.text), is_picture=False)


def _units(rows: Vector) -> Vector:
    scaled: Vector = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled
