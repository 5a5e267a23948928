"""A library of photos with known vectors: the first ones are near the word "dog", so that a tag can find them."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.engine.search.conftest import Album, open_album

from picsight_engine.exchange.history import DecisionHistory
from picsight_engine.library import Library
from picsight_engine.store.derived.vectors import put_vector
from picsight_engine.store.opening import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.tags.tags import Tags

DOGS, OTHERS = 10, 90
DIM = 64
OF_ALL = DecisionHistory(of_all=True)  # a library that has decided on every tag and rating before


@dataclass(frozen=True)
class Kennel:
    """Photos, of which the first ones are near the word "dog" and the others far from it."""

    album: Album
    dogs: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def tags(self) -> Tags:
        return self.album.library.tags

    def holding(self, path: str) -> set[int]:
        """The photos that a tag itself holds, accepted or suggested."""
        states = self.tags.states([*self.dogs, *self.others])
        return {
            photo
            for photo, tags in states.items()
            if any(tag == path and state != "rejected" for tag, state, _ in tags)
        }

    def state(self) -> tuple[object, ...]:
        """Everything that a person can see of tags."""
        photos = [*self.dogs, *self.others]
        found = (self.album.found(query) for query in ("tag:dogs -is:favourite", "rated:>=3"))
        return self.tags.all(), self.tags.states(photos), self.tags.marks(photos), *found


@pytest.fixture(scope="session")
def stocked(tmp_path_factory, small) -> Path:
    """The folder of a library without tags; tests copy it."""
    folder = tmp_path_factory.mktemp("stocked")
    with open_album(folder, small) as album:
        word = album.library._searcher.terms.vector("dog")
        randomness = np.random.default_rng(5)
        for number in range(DOGS + OTHERS):
            put_near(album, number, word, 0.45 if number < DOGS else 0.05, randomness.normal(size=DIM))
    return folder / "library"


def put_near(album: Album, number: int, word: np.ndarray, cosine: float, noise: np.ndarray) -> int:
    """Stores a photo whose vector has this cosine to the one of a word, and is noise otherwise."""
    noise = noise - (noise @ word) * word
    vector = cosine * word + np.sqrt(1 - cosine**2) * noise / np.linalg.norm(noise)
    photo = album.put(b"%03d.jpg" % number, number + 1, vector=False)
    with album.db.writer() as connection:
        put_vector(connection, photo, album.space, vector.astype(np.float32))
    return photo


@pytest.fixture
def kennel(tmp_path, stocked, small) -> Iterator[Kennel]:
    """A library without tags that a test may change."""
    folder = shutil.copytree(stocked, tmp_path / "library")
    with Library.open(folder, small) as library, closing(open_database(folder)) as db:
        ids = tuple(range(1, DOGS + OTHERS + 1))
        yield Kennel(Album(library, db, 1, small.manifest.space_id, DIM), ids[:DOGS], ids[DOGS:])
