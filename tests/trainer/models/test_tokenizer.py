# ruff: noqa: RUF001  (letters that look like others are what is tested)
"""The engine's tokens for the MobileCLIP family are, bit for bit, those of open_clip's own tokenizer."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import unicodedata

import open_clip
import pytest
import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers, processors

from mctrain.models.tokenizer import write_clip_tokenizer
from picsight_engine.bundles.bundle import Bundle, Licence, Manifest, TextSpec
from picsight_engine.bundles.tokenizer import Tokenizer

SPEC = TextSpec(
    context=77, dynamic=False, pad_id=0, eot=49407, tokenizer="tokenizer.json", clean="clip", templates=("{}",),
    input="ids", output="vector",
)  # fmt: skip
SPECIALS = {49406, 49407}
FUZZ = """a photo of the dog's cat's IT'S we're you'd don't I'll I'm we've 'S café naïve straße ﬁne ﬂuß ſtart \u0345x ²³ ½ Ⅷ ٣٤ 12345
3.14 1,000 #tag @home e-mail http://a.b/c?d=e&f=g <b>bold</b> &amp; &amp;amp; &lt;p&gt; &eacute; &#233; &#x1F600; &nbsp; &copy &notit;
日本語 写真 사진 фото собака φωτογραφία ß ẞ İstanbul ıŞIK صورة תמונה फ़ोटो ภาพ 👨‍👩‍👧‍👦 🐕 🏳️‍🌈 ☃ … “quotes” ‘single’ « » — – ‐ • ™ ® ©
Ã©tÃ© â€œbadâ€\x9d cafÃ© schÃ¶n Ñ„Ð¾Ñ‚Ð¾ \u200b \u200d \ufeff \u00a0 \u3000 \u2028 \x00 \x07 \x1b[31mred \x85 ＦＵＬＬ ｗｉｄｔｈ ﾊﾝｶｸ e\u0301 a\u030a
<start_of_text> <end_of_text> <|endoftext|> <END_OF_TEXT> &lt;end_of_text&gt; <ſtart_of_text> !!<end_of_text> _ __ -- ... ?! ;) :-( \\ / | ~ ` ^ $ % * + = ( ) [ ] { }
supercalifragilisticexpialidocious zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz qwrtpsdfgh 000000000000000000 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"""
WORDS = re.split("[ \n]", FUZZ)
BLANKS = [" ", " ", " ", " ", "  ", "\t", "\n", "\r\n", "", "", "\u00a0", "\u3000"]


def fuzzed(count, seed):
    """Words of twelve scripts, mojibake, entities, odd blanks, emoji, special tokens, random code points."""
    draw = random.Random(seed)
    for number in range(count):
        parts = []
        long = number % 50 == 0
        for _ in range(draw.randrange(150, 250) if long else draw.randrange(12)):
            word = draw.choice(WORDS)
            if draw.random() < 0.15:
                word = "".join(_character(draw) for _ in range(draw.randrange(1, 6)))
            if draw.random() < 0.1:
                word = draw.choice([str.upper, str.title, str.swapcase])(word)
            parts += [word, draw.choice(BLANKS)]
        yield "".join(parts)


def _character(draw):
    while True:
        character = chr(draw.choice([draw.randrange(0x250), draw.randrange(0x3100), draw.randrange(0x20000)]))
        if unicodedata.category(character) != "Cs":
            return character


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    write_clip_tokenizer(folder / SPEC.tokenizer)
    manifest = Manifest("", "", Licence("", "", accept=False), 1, "0" * 16, 1.0, image=None, text=SPEC)
    return Tokenizer(Bundle(folder, manifest))


@pytest.fixture(scope="module")
def reference():
    return open_clip.get_tokenizer("MobileCLIP-S1")


def expected(reference, text):
    """open_clip's ids, without special tokens spelled in the text."""
    inner = [token for token in reference.encode(text) if token not in SPECIALS]
    ids = [49406, *inner, 49407]
    if len(ids) > 77:
        ids = [*ids[:76], 49407]
    return ids + [0] * (77 - len(ids))


def compare(tokenizer, reference, count, seed):
    texts = list(fuzzed(count, seed))
    spelt = 0
    for text, found in zip(texts, tokenizer.encode(texts).tolist(), strict=True):
        assert found == expected(reference, text), repr(text)
        if SPECIALS & set(reference.encode(text)):
            spelt += 1
        else:
            assert found == reference([text])[0].tolist(), repr(text)
    assert spelt < count / 2


def test_two_thousand_fuzzed_texts_have_open_clips_ids(tokenizer, reference):
    compare(tokenizer, reference, 2000, 1)


def test_a_published_tokenizer_file_gives_the_same_ids(tmp_path, reference):
    """Published files have another normalizer, split and special tokens."""
    write_clip_tokenizer(tmp_path / "ours.json")
    text = (tmp_path / "ours.json").read_text(encoding="utf-8")
    for ours, theirs in (("<start_of_text>", "<|startoftext|>"), ("<end_of_text>", "<|endoftext|>")):
        text = text.replace(ours, theirs)
    published = tokenizers.Tokenizer.from_str(text)
    published.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    split = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    published.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(split, "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    published.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", 49407), ("<|startoftext|>", 49406), trim_offsets=False, add_prefix_space=False
    )
    published.save(str(tmp_path / SPEC.tokenizer))
    manifest = Manifest("", "", Licence("", "", accept=False), 1, "0" * 16, 1.0, image=None, text=SPEC)
    compare(Tokenizer(Bundle(tmp_path, manifest)), reference, 1000, 4)
    (ids,) = Tokenizer(Bundle(tmp_path, manifest)).encode(["a dog'\u017f <|endoftext|> x"]).tolist()
    assert ids == expected(reference, "a dog'\u017f <|endoftext|> x")


def test_plain_words_do_not_import_ftfy():
    code = (
        "import sys; from picsight_engine.bundles.tokenizer import clip_words\n"
        "assert clip_words('A red Dog, 2') == ['a', 'red', 'dog', ',', '2']\n"
        "print('ftfy' in sys.modules); clip_words('caf\\u00e9'); print('ftfy' in sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.split() == ["False", "True"]
