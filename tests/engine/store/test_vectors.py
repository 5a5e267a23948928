"""Stored vectors: float16, by space, and what a cache needs to follow them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.miniature import all_vectors

from picsight_engine.errors import LibraryError
from picsight_engine.store.files import files_of, forget_missing, mark_missing
from picsight_engine.store.vectors import (
    SpaceState,
    activate_space,
    active_space,
    live_rows,
    photos_with_vector,
    put_vector,
    space_state,
    vector_of,
    vectors_since,
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
        activate_space(connection, OTHER, 4)
    assert active_space(shelf.db).name == OTHER
    assert active_space(shelf.db).dim == 4


def test_a_vector_of_another_length_is_refused(shelf):
    photo_id = shelf.put(b"a.jpg", 1)
    with pytest.raises(LibraryError, match="vectors of 8 numbers"), shelf.db.writer() as connection:
        put_vector(connection, photo_id, SPACE, np.ones(4, np.float32))
    assert vector_of(shelf.db, photo_id, SPACE).size == 8


def test_a_damaged_vector_is_told_in_a_sentence(shelf):
    shelf.put(b"a.jpg", 1)
    with shelf.db.writer() as connection:
        connection.execute("UPDATE vectors SET vector = x'0011'")
    with pytest.raises(LibraryError, match="has not 8 numbers"):
        all_vectors(shelf.db, SPACE)


def test_what_came_later_is_read_alone_and_in_pieces(shelf):
    ids = [shelf.put(b"%d.jpg" % number, number) for number in range(1, 6)]
    first = vectors_since(shelf.db, SPACE, 0, 2)
    assert first.photo_ids.tolist() == ids[:2]
    rest = vectors_since(shelf.db, SPACE, int(first.rows[-1]))
    assert rest.photo_ids.tolist() == ids[2:]
    assert rest.upto(int(rest.rows[0])).photo_ids.tolist() == ids[2:3]
    assert space_state(shelf.db, SPACE) == SpaceState(int(rest.rows[-1]), 0)


def test_a_replaced_vector_shows_as_one_deleted_and_one_new(shelf):
    photo_id = shelf.put(b"a.jpg", 1)
    before = space_state(shelf.db, SPACE)
    with shelf.db.writer() as connection:
        put_vector(connection, photo_id, SPACE, np.full(8, 9, np.float32))
    after = space_state(shelf.db, SPACE)
    assert after.last_row > before.last_row
    assert after.deletions == before.deletions + 1
    assert live_rows(shelf.db, SPACE).tolist() == [after.last_row]


def test_a_forgotten_photo_shows_as_a_deletion(shelf):
    shelf.put(b"a.jpg", 1)
    with shelf.db.writer() as connection:
        mark_missing(connection, [file.id for file in files_of(shelf.db, shelf.folder.id)], 1.0)
        forget_missing(connection, 0)
    assert space_state(shelf.db, SPACE) == SpaceState(0, 1)
