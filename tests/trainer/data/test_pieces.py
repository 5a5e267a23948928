"""Pieces of sentences stand in them, and are phrases where several texts share them."""

from __future__ import annotations

import gzip

from mctrain.data.pieces import common_pieces, pieces_of


def test_pieces_are_runs_of_a_texts_own_words(real_data):
    with gzip.open(real_data / "texts" / "coco-val2017-captions.txt.gz", "rt", encoding="utf-8") as file:
        texts = [line.strip() for _, line in zip(range(2000), file, strict=False)]
    for text in texts:
        for piece in pieces_of(text):
            assert piece in " ".join(text.lower().split())
            assert 0 < len(piece.split()) <= 6
    shared = common_pieces(texts)
    assert len(shared) > 300
    assert all(sum(piece in text.lower() for text in texts) > 1 for piece in shared)


def test_what_one_text_says_twice_is_not_shared():
    assert common_pieces(["a red car, a red car", "a blue car", "the blue car in snow"]) == ["blue car"]


def test_hyphens_and_apostrophes_part_nothing():
    assert list(pieces_of("A long-haired dog's owner, smiling")) == ["long-haired dog's owner", "smiling"]
