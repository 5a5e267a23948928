"""Turns the words and pictures of a query into the directions with which photos are compared."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.commonness import subject_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.language.query import Query, Term
    from picsight_engine.runtime.text_embedder import TextEmbedder

    Vector = NDArray[np.float32]


LESS_WEIGHT = 0.5  # average precision 0.552 on real embeddings; 0.539 at full weight
_REMEMBERED = 512  # 1 MB of vectors; while the user types, only the last term changes
_MOST_CHARACTERS = 2_000  # far beyond any tower's context; avoids tokenising a whole pasted book


class TextVectors:
    """Embeds terms one at a time and caches the latest; thread-safe. Raises BundleError if the bundle has no text tower or its
    files cannot be loaded.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.manifest = bundle.manifest
        self._bundle = bundle
        self._lock = threading.Lock()
        self._embedder: TextEmbedder | None = None
        self._vectors: OrderedDict[tuple[str, bool], Vector] = OrderedDict()  # by text, and whether it judges

    @property
    def is_loaded(self) -> bool:
        """True once the text tower is loaded; does not wait for the lock that is held while it loads."""
        return self._embedder is not None

    def load(self) -> None:
        """Loads the text tower if needed, which takes most of the time of a first search."""
        with self._lock:
            self._load()

    def vector(self, text: str) -> Vector:
        """The unit vector [dim] of one term that judges how well photos match."""
        typed = self.ranking(text)
        return self._embedded(text, lambda embedder, text: embedder.embed_judging(text, typed), judging=True)

    def ranking(self, text: str) -> Vector:
        """The unit vector [dim] of one term that ranks photos; `vector` may embed templates, too."""
        return self._embedded(text, lambda embedder, text: embedder.embed_ranking(text), judging=False)

    def centred(self, judging: Vector) -> Vector:
        """The vector [dim] whose products with photos the calibration judges."""
        calibration = self.manifest.calibration
        return judging if calibration is None else calibration.centred(judging)

    def _embedded(self, text: str, embed: Callable[[TextEmbedder, str], Vector], *, judging: bool) -> Vector:
        key = text[:_MOST_CHARACTERS], judging
        with self._lock:
            if key not in self._vectors:
                self._vectors[key] = embed(self._load(), key[0])
                if len(self._vectors) > _REMEMBERED:
                    self._vectors.popitem(last=False)
            self._vectors.move_to_end(key)
            return self._vectors[key]

    def _load(self) -> TextEmbedder:
        if self._embedder is None:
            # Lazy: onnxruntime and tokenizers take 250 ms, and only a search by words needs them.
            from picsight_engine.runtime.text_embedder import TextEmbedder

            self._embedder = TextEmbedder(self._bundle)
        return self._embedder


def weighted(term: Term, vector: Callable[[str], Vector]) -> Vector:
    """The unit vector [dim] of a term's words, turned towards the words of higher weight; `vector` embeds words.

    A word of lower weight counts as if the rest of its term weighed more, so that a weight of 1 changes nothing and
    nothing is ever subtracted.
    """
    turned = vector(term.text)
    if all(word.weight == 1 for word in term.words):
        return turned
    for word in term.words:
        rest = " ".join(other.text for other in term.words if other is not word)
        if word.weight > 1:
            turned = turned + (word.weight - 1) * vector(word.text)
        elif word.weight < 1 and rest:
            turned = turned + (1 / word.weight - 1) * vector(rest)
    return _units(turned)


def less_of(wanted: NDArray[np.float32], less: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turns every wanted direction [a, dim] away from all unwanted ones [b, dim], each at half weight; unit rows.

    A direction that would become zero ("dog -dog -dog") stays as it was.
    """
    turned = wanted - LESS_WEIGHT * less.sum(axis=0)
    lengths = np.linalg.norm(turned, axis=1, keepdims=True)
    kept = lengths > 1e-3
    rows: NDArray[np.float32] = np.where(kept, turned / np.where(kept, lengths, 1), wanted).astype(np.float32)
    return rows


# The weight of a picture beside words, in spreads of the library's scores. For "snow" and the photo of a dog, the average
# precision for dogs in snow is 0.111; 0.106 with equal weights, 0.085 by the words alone, 0.077 by the plain sum.
PICTURE_WEIGHT = 0.7


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query: its text as typed, its unit vector [dim], the vector that judges photos, and its weight."""

    text: str
    vector: Vector
    judging: Vector
    is_picture: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a search: any of the alternatives, each with all of its parts; and the parts to see less of.

    `weighted_words` are words with their own weight; the vector of their term is already turned by them.
    """

    alternatives: tuple[tuple[Part, ...], ...]
    less: tuple[Part, ...]
    weighted_words: tuple[Part, ...]

    @property
    def wants_pictures(self) -> bool:
        """Whether the search looks for photos like a picture."""
        return any(part.is_picture for parts in self.alternatives for part in parts)

    @property
    def has_pictures(self) -> bool:
        """Whether any part is a picture."""
        return any(part.is_picture for part in self._all())

    @property
    def is_aimless(self) -> bool:
        """Whether the search says what photos must not show and nothing else, as "photos -people" does."""
        wanted = (part for parts in self.alternatives for part in parts)
        return bool(self.less) and not any(part.is_picture or subject_words(part.text) for part in wanted)

    def named(self) -> list[Part]:
        """Every part that has its own score, each once."""
        return list({part.text: part for part in (*self._all(), *self.weighted_words)}.values())

    def directions(self, spread: Callable[[Vector], Vector]) -> Vector:
        """One unit row for each alternative: [alternatives, dim].

        Cosines of photos with words vary less than those with another photo. If there are pictures, each part is scaled
        so that its scores over the library spread in proportion to its weight (`spread` returns the standard deviation of
        the scores of each row); otherwise the picture alone would decide.
        """
        if not self.has_pictures:
            wanted = np.stack([parts[0].vector for parts in self.alternatives])
            less = [part.vector * np.float32(part.weight) for part in self.less]
            return less_of(wanted, np.stack(less)) if less else wanted
        wanted = _units(np.stack([_spread_alike(parts, spread).sum(axis=0) for parts in self.alternatives]))
        if not self.less:
            return wanted
        return less_of(wanted / spread(wanted)[:, np.newaxis], _spread_alike(self.less, spread))

    def judging(self) -> Vector:
        """For a search without pictures, the rows whose products with photos are judged: [alternatives, dim].

        Parts to see less of change the order, but photos are judged by what is wanted: turned away from "beach", even the
        best photos of people would seem weak.
        """
        return np.stack([parts[0].judging for parts in self.alternatives])

    def threshold_vector(self, picture: float, words: float, average: Callable[[Vector], float]) -> Vector:
        """The smallest vector [dim] with these cosines to the pictures and words of the first alternative, and the `average`
        cosine to the parts to see less of. Its score is the threshold at which photos begin to match.
        """
        wanted = [picture if part.is_picture else words for part in self.alternatives[0]]
        cosines = np.array([*wanted, *(average(part.judging) for part in self.less)], np.float32)
        parts = np.stack([part.judging for part in (*self.alternatives[0], *self.less)])
        photo: Vector = np.linalg.lstsq(parts, cosines, rcond=1e-3)[0]
        return photo

    def _all(self) -> Iterator[Part]:
        for parts in self.alternatives:
            yield from parts
        yield from self.less


def target_of(query: Query, terms: TextVectors, pictures: Mapping[str, Vector]) -> Target | None:
    """The target of a query, None if it has none; `pictures` are the vectors [dim] of its pictures by the typed text."""
    found = (tuple(_parts(term, terms, pictures)) for term in query.alternatives)
    alternatives = tuple(parts for parts in found if parts)
    if not alternatives:
        return None
    less = [part for term in query.less for part in _parts(term, terms, pictures, less=True)]
    return Target(alternatives, tuple(less), tuple(_weighted_words(query, terms)))


def _parts(
    term: Term, terms: TextVectors, pictures: Mapping[str, Vector], *, less: bool = False
) -> Iterator[Part]:
    sign = "-" if less else ""
    if term.words:
        text = " ".join(map(str, term.words))
        vector, judging = (
            each(term.text) if less else weighted(term, each) for each in (terms.ranking, terms.vector)
        )
        weight = term.words[0].weight if less else 1.0
        yield Part(sign + text, vector, terms.centred(judging), weight=weight)
    for picture in term.pictures:
        if picture.target in pictures:
            vector = pictures[picture.target]
            yield Part(f"{sign}{picture}", vector, vector, is_picture=True, weight=PICTURE_WEIGHT)


def _weighted_words(query: Query, terms: TextVectors) -> Iterator[Part]:
    for term in query.alternatives:
        for word in term.words if len(term.words) > 1 else ():
            if word.weight != 1:
                yield Part(word.text, terms.ranking(word.text), terms.centred(terms.vector(word.text)))


def _spread_alike(parts: Sequence[Part], spread: Callable[[Vector], Vector]) -> Vector:
    """The parts' vectors [parts, dim], scaled so that the scores of each spread in proportion to its weight."""
    vectors = np.stack([part.vector for part in parts])
    weights = np.array([part.weight for part in parts], np.float32)
    alike: Vector = vectors * (weights / spread(vectors))[:, np.newaxis]
    return alike


def _units(rows: Vector) -> Vector:
    """A vector [dim] or rows of vectors [n, dim] at length 1."""
    scaled: Vector = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return scaled
