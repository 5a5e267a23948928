"""From what a query looks for, words and pictures, to the directions that photos are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.language.query import Term
from picsight_engine.search.terms import less_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.language.query import Query
    from picsight_engine.search.terms import Terms

    Vector = NDArray[np.float32]

# Of a picture beside words, in spreads of the library's scores: for "snow" and the photo of a dog, photos of dogs in snow
# come first with an average precision of 0.111; 0.106 where both count the same, 0.085 by the words, 0.077 by the plain sum.
PICTURE_WEIGHT = 0.7
GIVEN = "like the picture"  # one that a person showed, which has no place in the text


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a query names: how it is typed, its unit vector [dim], and what it weighs."""

    text: str
    vector: Vector
    is_picture: bool = False
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
    def wants_pictures(self) -> bool:
        """Whether photos like a picture are looked for."""
        return any(part.is_picture for parts in self.alternatives for part in parts)

    @property
    def has_pictures(self) -> bool:
        """Whether anything but words is compared."""
        return any(part.is_picture for part in self._all())

    def named(self) -> list[Part]:
        """Everything that has a score of its own, each once."""
        return list({part.text: part for part in (*self._all(), *self.accents)}.values())

    def directions(self, spread: Callable[[Vector], Vector]) -> Vector:
        """One unit row for each alternative: [alternatives, dim].

        Cosines of a photo with words lie closer together than those with another photo. Where there are pictures, each
        part is made to spread the library's photos as widely as it weighs (`spread` gives the standard deviation of the
        scores of each row); else the picture alone would decide.
        """
        if not self.has_pictures:
            wanted = self.words()
            less = [part.vector * np.float32(part.weight) for part in self.less]
            return less_of(wanted, np.stack(less)) if less else wanted
        wanted = _units(np.stack([_spread_alike(parts, spread).sum(axis=0) for parts in self.alternatives]))
        if not self.less:
            return wanted
        return less_of(wanted / spread(wanted)[:, np.newaxis], _spread_alike(self.less, spread))

    def just_fitting(self, picture: float, words: float, average: Callable[[Vector], float]) -> Vector:
        """A photo that only just fits the first alternative, as the least vector [dim] with these cosines to its pictures
        and its words, and the `average` one to what is to be less. Its score is where photos begin to match.
        """
        wanted = [picture if part.is_picture else words for part in self.alternatives[0]]
        cosines = np.array([*wanted, *(average(part.vector) for part in self.less)], np.float32)
        parts = np.stack([part.vector for part in (*self.alternatives[0], *self.less)])
        photo: Vector = np.linalg.lstsq(parts, cosines, rcond=1e-3)[0]
        return photo

    def words(self) -> Vector:
        """The first part of each alternative, which is its words where it has any: [alternatives, dim]."""
        return np.stack([parts[0].vector for parts in self.alternatives])

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
    shown = tuple(_picture(GIVEN, vector) for vector in given)
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
        yield Part(sign + text, vector, weight=term.words[0].weight if less else 1.0)
    for picture in term.pictures:
        if picture.target in pictures:
            yield _picture(f"{sign}{picture}", pictures[picture.target])


def _picture(text: str, vector: Vector) -> Part:
    return Part(text, vector, is_picture=True, weight=PICTURE_WEIGHT)


def _accents(query: Query, terms: Terms) -> Iterator[Part]:
    for term in query.alternatives:
        for word in term.words if len(term.words) > 1 else ():
            if word.weight != 1:
                yield Part(word.text, terms.vector(word.text))


def _spread_alike(parts: Sequence[Part], spread: Callable[[Vector], Vector]) -> Vector:
    """The parts' vectors [parts, dim] at such lengths that the scores of each spread as widely as it weighs."""
    vectors = np.stack([part.vector for part in parts])
    weights = np.array([part.weight for part in parts], np.float32)
    alike: Vector = vectors * (weights / spread(vectors))[:, np.newaxis]
    return alike


def _units(rows: Vector) -> Vector:
    scaled: Vector = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled
