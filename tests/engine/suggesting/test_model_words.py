"""The whole words of a tokenizer, for each way in which tokenizers mark the bounds of words."""

from __future__ import annotations

import json

import pytest

from picsight_engine.foundation.errors import BundleError
from picsight_engine.suggesting.vocabulary import model_words


def bundle_of(make_bundle, tmp_path, content: str):
    path = tmp_path / "tokenizer.json"
    path.write_text(content, encoding="utf-8")
    return make_bundle(files={"tokenizer.json": path})


@pytest.mark.parametrize(
    "model",
    [
        {
            "type": "WordPiece",
            "continuing_subword_prefix": "##",
            "vocab": {"[PAD]": 0, "zebra": 4, "dog": 3, "##horse": 1, "sea": 5, "at": 6, "a": 2, "123": 7},
        },
        {
            "type": "BPE",
            "end_of_word_suffix": "</w>",
            "vocab": {
                "zebra</w>": 9,
                "dog</w>": 3,
                "sea": 2,
                "sea</w>": 12,
                "horse": 1,
                "!</w>": 4,
                "at</w>": 15,
            },
        },
        {
            "type": "Unigram",
            "vocab": [
                ["<s>", 0.0],
                ["▁dog", -2.0],
                ["horse", -2.5],
                ["▁zebra", -3.0],
                ["▁sea", -4.0],
                ["▁a", -5.0],
                ["▁at", -6.0],
            ],
        },
    ],
    ids=lambda model: model["type"],
)
def test_whole_words_come_without_parts_of_words_the_commonest_first(make_bundle, tmp_path, model):
    assert model_words(bundle_of(make_bundle, tmp_path, json.dumps({"model": model}))) == (
        "dog",
        "zebra",
        "sea",
        "at",
    )


def test_a_tokenizer_that_marks_no_words_gives_none(make_bundle, tmp_path):
    bundle = bundle_of(make_bundle, tmp_path, '{"model": {"type": "BPE", "vocab": {"dog": 1}}}')
    assert model_words(bundle) == ()


@pytest.mark.parametrize("content", ["", '{"model": {"vocab": [7]}}'])
def test_a_damaged_tokenizer_raises_a_bundle_error(make_bundle, tmp_path, content):
    with pytest.raises(BundleError, match="cannot be read"):
        model_words(bundle_of(make_bundle, tmp_path, content))


def test_the_starter_knows_the_words_of_everyday(bundle):
    words = model_words(bundle)
    assert {"elephant", "beach", "wedding"} <= set(words)
    assert words.index("the") < words.index("elephant")
