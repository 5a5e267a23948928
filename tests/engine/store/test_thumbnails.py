"""The database of thumbnails: batches, deletion, and a new start after damage."""

from __future__ import annotations

import pytest

from picsight_engine.store.derived.thumbnails import FILE_NAME, Sketch, ThumbnailStore, remove


@pytest.fixture
def thumbnails(tmp_path):
    opened = ThumbnailStore.open(tmp_path)
    yield opened
    opened.close()


def test_the_last_thumbnail_of_a_photo_is_kept(thumbnails):
    assert thumbnails.get(1) is None
    for jpeg in (b"old", b"one"):
        thumbnails.put({1: jpeg})
    assert thumbnails.get(1) == b"one"
    assert thumbnails.ids() == [1]
    assert thumbnails.get(2) is None


def test_frames_go_with_their_film_and_without_one_its_thumbnail_is_shown(tmp_path):
    thumbnails = ThumbnailStore.open(tmp_path)
    thumbnails.put({1: b"poster", 2: b"photo"}, [(1, 2.5, b"private frame"), (1, 1 / 3, b"other frame")])
    moments = (None, 2.5, 1 / 3, 7.0)
    assert [thumbnails.get(1, moment) for moment in moments] == [
        b"poster",
        b"private frame",
        b"other frame",
        b"poster",
    ]
    thumbnails.put({1: b"poster"}, [(1, 7.0, b"frame read again")])
    assert (thumbnails.get(1, 2.5), thumbnails.get(1, 7.0)) == (b"poster", b"frame read again")
    thumbnails.delete([1])
    assert (thumbnails.get(1, 7.0), thumbnails.get(2, 7.0), thumbnails.ids()) == (None, b"photo", [2])
    thumbnails.close()
    assert b"frame" not in (tmp_path / FILE_NAME).read_bytes().replace(b"frames", b"")


def test_a_deleted_thumbnail_leaves_no_bytes_behind(tmp_path):
    secret = b"private picture " * 500
    thumbnails = ThumbnailStore.open(tmp_path)
    thumbnails.put({1: secret})
    thumbnails.put({2: b"public" * 100})
    thumbnails.delete([1, 77])
    assert thumbnails.ids() == [2]
    thumbnails.close()
    assert b"private picture" not in (tmp_path / FILE_NAME).read_bytes()


@pytest.mark.parametrize("content", [b"", b"damaged" * 1000])
def test_a_damaged_file_is_replaced_by_an_empty_one(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    thumbnails = ThumbnailStore.open(tmp_path)
    assert thumbnails.ids() == []
    thumbnails.put({1: b"one"})
    assert thumbnails.get(1) == b"one"
    assert thumbnails.faults() == []
    thumbnails.close()


def test_damage_inside_is_found_and_does_not_stop_the_wall(tmp_path):
    thumbnails = ThumbnailStore.open(tmp_path)
    thumbnails.put({number: bytes([number]) * 900 for number in range(200)})
    thumbnails.close()
    path = tmp_path / FILE_NAME
    data = bytearray(path.read_bytes())
    middle = len(data) // 8192 * 4096
    data[middle:] = b"\xa5" * (len(data) - middle)
    path.write_bytes(data)
    damaged = ThumbnailStore.open(tmp_path)
    assert damaged.faults()
    assert damaged.get(150) is None
    damaged.close()
    remove(tmp_path)
    fresh = ThumbnailStore.open(tmp_path)
    assert (fresh.faults(), fresh.ids()) == ([], [])
    fresh.close()


def test_a_stack_that_loses_its_first_photo_is_compared_anew(thumbnails):
    thumbnails.put(dict.fromkeys((1, 2, 3), b"jpeg"))
    first, second, alone = (Sketch(number, 0, 4, 3) for number in (1, 2, 3))
    thumbnails.put_stacks([(first, 1), (second, 1), (alone, 3)], 1)
    assert thumbnails.firsts() == {1: 1, 2: 1}
    thumbnails.dissolve_stacks([1])
    assert thumbnails.stacks(1) == {alone: 3}
