"""A caption beats the negative made of it, or does not."""

from __future__ import annotations

import numpy as np
import pytest

from mctrain.errors import DataError
from mctrain.evaluation.pairs import judged, read_lines, read_pairs, rows_of, told_apart
from mctrain.evaluation.subject import Gallery


def gallery(*files):
    """Of photos by their keys and the digests of their files."""
    keys, digests = zip(*files, strict=True)
    return Gallery(keys, digests, (), np.zeros((len(keys), 2), np.float32))


def test_a_pair_is_right_where_the_caption_is_nearer_and_a_tie_is_wrong():
    photos = np.eye(3, dtype=np.float32)[[2, 2, 1, 1]]
    captions = np.eye(3, dtype=np.float32)[[2, 0, 1, 1]]
    negatives = np.eye(3, dtype=np.float32)[[0, 2, 1, 0]]
    right = told_apart(photos, captions, negatives, np.arange(4))
    assert list(right) == [True, False, False, True]
    assert not told_apart(photos, captions, captions, np.arange(4)).any()


def test_pairs_are_counted_whole_and_by_kind():
    right = np.array([True, False, True, True])
    told = judged(right, np.array([7, 7, 8, 9]), ["x", "y", "x", "y"])
    assert {own.figure: own.percent() for own in told} == {"all": 75, "x": 100, "y": 50}
    assert list(told[1].photo) == [7, 8]


def test_the_real_pairs_are_2000_of_seven_kinds(real_data):
    pairs = read_pairs(real_data / "hard-negatives.jsonl")
    kinds = [own.kind for own in pairs]
    assert (len(pairs), kinds.count("swap-nouns"), len(set(kinds))) == (2000, 500, 7)
    assert all(own.caption != own.negative for own in pairs)


def test_a_line_that_is_no_pair_and_a_photo_that_is_not_there_are_told(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"image": "a", "caption": "b", "negative": "c", "kind": "d"}\n{"image": "a"}\n')
    with pytest.raises(DataError, match="line 2, wants texts under image, caption, negative, kind"):
        read_pairs(path)
    path.write_text("")
    with pytest.raises(DataError, match="is empty"):
        read_pairs(path)
    path.write_text("nonsense")
    with pytest.raises(DataError, match="line 1 is not JSON"):
        read_lines(path, ("key",))
    with pytest.raises(DataError, match="names b, which is not among the photos"):
        rows_of(["a", "b"], gallery(("a", b"1")), path)


def test_a_key_of_two_different_photos_names_neither(tmp_path):
    same = gallery(("a", b"1"), ("b", b"2"), ("a", b"1"))
    assert list(rows_of(["b"], same, tmp_path)) == [1]
    assert rows_of(["a"], same, tmp_path)[0] in {0, 2}
    other = gallery(("a", b"1"), ("b", b"2"), ("a", b"3"))
    assert list(rows_of(["b"], other, tmp_path)) == [1]
    with pytest.raises(DataError, match="names a, and 2 different photos of its task have this key"):
        rows_of(["b", "a"], other, tmp_path)
