"""A library whose photos are made around what words mean, so that a tag has something right to find."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.engine.miniature import MANIFEST, save_image_graph, save_text_graph, save_tokenizer
from tests.engine.search.conftest import Album, open_album

from picsight_engine.bundles.bundle import write_bundle
from picsight_engine.exchange.history import DecisionHistory
from picsight_engine.library import Library
from picsight_engine.store.opening import open_database
from picsight_engine.store.vectors import put_vector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.tags.tags import Tags

DOGS, OTHERS = 10, 90
DIM = 64


OF_ALL = DecisionHistory(of_all=True)  # a library that once said everything


@dataclass(frozen=True)
class Kennel:
    """Photos of which the first ones are near to the word "dog"; everything else is far from it."""

    album: Album
    dogs: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def tags(self) -> Tags:
        return self.album.library.tags

    def holding(self, path: str) -> set[int]:
        """The photos that a tag itself holds, by how each of them stands to it."""
        states = self.tags.states([*self.dogs, *self.others])
        return {
            photo
            for photo, own in states.items()
            if any(tag == path and how != "rejected" for tag, how, _ in own)
        }

    def state(self) -> tuple[object, ...]:
        """All that a person can see of tags."""
        photos = [*self.dogs, *self.others]
        found = (self.album.found(query) for query in ("tag:dogs -is:favourite", "rated:>=3"))
        return self.tags.all(), self.tags.states(photos), self.tags.marks(photos), *found


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A bundle that loads at once, of vectors long enough for photos to differ."""
    folder = tmp_path_factory.mktemp("small")
    save_image_graph(folder / "image.onnx", DIM)
    save_text_graph(folder / "text.onnx", DIM)
    save_tokenizer(folder / "tokenizer.json")
    files = {name: folder / name for name in ("image.onnx", "text.onnx", "tokenizer.json")}
    return write_bundle(folder / "bundle", replace(MANIFEST, dim=DIM), files)


@pytest.fixture(scope="session")
def stocked(tmp_path_factory, small) -> Path:
    """The folder of a library without tags, to be copied."""
    folder = tmp_path_factory.mktemp("stocked")
    with open_album(folder, small) as album:
        word = album.library._searcher.terms.vector("dog")
        randomness = np.random.default_rng(5)
        for number in range(DOGS + OTHERS):
            noise = randomness.normal(size=DIM)
            noise -= (noise @ word) * word
            near = 0.45 if number < DOGS else 0.05
            vector = near * word + np.sqrt(1 - near**2) * noise / np.linalg.norm(noise)
            photo = album.put(b"%03d.jpg" % number, number + 1, vector=False)
            with album.db.writer() as connection:
                put_vector(connection, photo, album.space, vector.astype(np.float32))
    return folder / "library"


@pytest.fixture
def kennel(tmp_path, stocked, small) -> Iterator[Kennel]:
    """A library without tags, of the test's own."""
    folder = shutil.copytree(stocked, tmp_path / "library")
    with Library.open(folder, small) as library, closing(open_database(folder)) as db:
        ids = tuple(range(1, DOGS + OTHERS + 1))
        yield Kennel(Album(library, db, 1, small.manifest.space_id, DIM), ids[:DOGS], ids[DOGS:])
