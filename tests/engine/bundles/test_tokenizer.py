"""Text becomes exactly the ids of the bundle's tokenizer.json, and nothing that a person types ends it early."""

from __future__ import annotations

import json
import tarfile

import pytest
import tokenizers

from picsight_engine.bundles.bundle import MANIFEST, open_bundle
from picsight_engine.bundles.tokenizer import Tokenizer
from picsight_engine.foundation.errors import BundleError

CLS, SEP, UNK, A, PHOTO, OF, THE, DOG, SEA, RED = 2, 3, 1, 5, 6, 7, 8, 9, 10, 11


@pytest.fixture
def tokenizer(make_bundle):
    return Tokenizer(make_bundle())


def test_words_become_their_ids_between_start_and_end(tokenizer):
    assert tokenizer.encode(["a red Dog"]).tolist() == [[CLS, A, RED, DOG, SEP]]


def test_a_batch_is_padded_to_its_longest_text_despite_the_file(tokenizer):
    ids = tokenizer.encode(["dog", "a photo of the sea"])
    assert ids.dtype == "int64"
    assert ids.tolist() == [[CLS, DOG, SEP, 0, 0, 0, 0], [CLS, A, PHOTO, OF, THE, SEA, SEP]]


def test_a_tower_without_a_mask_gets_its_whole_context(make_bundle):
    fixed = Tokenizer(make_bundle(text={"dynamic": False, "context": 9, "pad_id": 4}))
    assert fixed.encode(["dog"]).tolist() == [[CLS, DOG, SEP, 4, 4, 4, 4, 4, 4]]


def test_a_text_that_is_too_long_keeps_its_end_token(make_bundle):
    short = Tokenizer(make_bundle(text={"context": 6}))
    assert short.encode(["a dog a dog a dog"]).tolist() == [[CLS, A, DOG, A, DOG, SEP]]
    assert short.encode(["a dog a dog"]).tolist() == [[CLS, A, DOG, A, DOG, SEP]]


@pytest.mark.parametrize("special", ["[PAD]", "[SE[SEP]P]"])
def test_special_tokens_that_a_person_types_are_no_special_tokens(tokenizer, special):
    ids = tokenizer.encode([f"red {special} dog"])[0].tolist()
    assert ids[0] == CLS
    assert ids[-1] == SEP
    assert not {0, CLS, SEP, 4} & set(ids[1:-1])
    assert ids[1] == RED
    assert ids[-2] == DOG


@pytest.mark.parametrize("text", ["", "\udcff\udc80", "🐕" * 5])
def test_odd_texts_have_ids_too(tokenizer, text):
    ids = tokenizer.encode([text])[0].tolist()
    assert ids[0] == CLS
    assert ids[-1] == SEP


@pytest.mark.parametrize("content", [b"{}", b"\xff\xfe\x00"])
def test_a_damaged_tokenizer_raises_a_bundle_error(make_bundle, tmp_path, content):
    damaged = tmp_path / "damaged.json"
    damaged.write_bytes(content)
    with pytest.raises(BundleError, match=r"tokenizer\.json cannot be read"):
        Tokenizer(make_bundle(files={"tokenizer.json": damaged}))


def test_a_cleaning_that_is_not_known_is_refused(make_bundle):
    with pytest.raises(BundleError, match='"Tiny" cleans its text in the way "stems"'):
        Tokenizer(make_bundle(text={"clean": "stems"}))


def test_the_ids_are_those_of_the_library_on_plain_captions(starter, shared):
    """The starter's tokenizer, used as its authors do, on captions of the evaluation photos."""
    if not (starter / MANIFEST).is_file():
        pytest.skip("needs the starter")
    bundle = open_bundle(starter)
    reference = tokenizers.Tokenizer.from_file(str(starter / bundle.text_spec().tokenizer))
    reference.no_padding()
    reference.enable_truncation(bundle.text_spec().context)
    captions = []
    with tarfile.open(shared / "data" / "flickr8k-dev-000000.tar") as shard:
        for member in shard:
            if member.name.endswith(".json"):
                captions += json.load(shard.extractfile(member))["captions"]
    tokenizer = Tokenizer(bundle)
    for caption in captions[::10]:
        assert tokenizer.encode([caption])[0].tolist() == reference.encode(caption).ids
