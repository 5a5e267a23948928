"""Stored vectors: float16, by space, and what a cache needs to follow them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.miniature import all_vectors

from picsight_engine.foundation.errors import LibraryError
from picsight_engine.store.derived.vectors import (
    active_space,
    ensure_space,
    photos_with_vector,
    put_vector,
    vector_of,
)

SPACE = "0123456789abcdef"
OTHER = "fedcba9876543210"


def test_a_vector_comes_back_as_float16_bit_for_bit(shelf):
    photo_id = shelf.put(b"a.jpg", 1, vector=False)
    vector = np.random.default_rng(1).normal(size=8).astype(np.float32)
    with shelf.db.writer() as connection:
        put_vector(connection, photo_id, SPACE, vector)
    stored = vector_of(shelf.db, photo_id, SPACE)
    assert stored.dtype == np.float16
    assert stored.tobytes() == vector.astype("<f2").tobytes()
    ids, matrix = all_vectors(shelf.db, SPACE)
    assert ids.tolist() == [photo_id]
    assert matrix.tobytes() == stored.tobytes()


def test_vectors_of_two_spaces_never_meet(shelf):
    photo_id = shelf.put(b"a.jpg", 1)
    assert photo_id in photos_with_vector(shelf.db, SPACE)
    assert photo_id not in photos_with_vector(shelf.db, OTHER)
    assert vector_of(shelf.db, photo_id, OTHER) is None
    with shelf.db.writer() as connection:
        put_vector(connection, photo_id, OTHER, np.ones(4, np.float32))
    assert all_vectors(shelf.db, SPACE)[1].shape == (1, 8)
    assert all_vectors(shelf.db, OTHER)[1].shape == (1, 4)
    assert photos_with_vector(shelf.db, OTHER) == {photo_id}


def test_the_first_space_is_active_until_another_is_chosen(shelf):
    shelf.put(b"a.jpg", 1)
    assert active_space(shelf.db).name == SPACE
    with shelf.db.writer() as connection:
        ensure_space(connection, OTHER, 4, active=True)
    assert active_space(shelf.db).name == OTHER
    assert active_space(shelf.db).dim == 4


def test_a_vector_of_another_length_is_refused(shelf):
    photo_id = shelf.put(b"a.jpg", 1)
    with pytest.raises(LibraryError, match="vectors of 8 numbers"), shelf.db.writer() as connection:
        put_vector(connection, photo_id, SPACE, np.ones(4, np.float32))
    assert vector_of(shelf.db, photo_id, SPACE).size == 8


def test_a_damaged_vector_is_an_error_that_names_it(shelf):
    shelf.put(b"a.jpg", 1)
    with shelf.db.writer() as connection:
        connection.execute("UPDATE vectors SET vector = x'0011'")
    with pytest.raises(LibraryError, match="has not 8 numbers"):
        all_vectors(shelf.db, SPACE)
