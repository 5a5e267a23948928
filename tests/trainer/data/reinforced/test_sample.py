"""A sample is read back as written, public sets are understood, and broken members are named."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from collections import defaultdict
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from tests.trainer.data.conftest import SLOTS, WIDTHS, pack_npz, records, unit_rows

from mctrain.data.reinforced.manifest import Storage
from mctrain.data.reinforced.sample import members_of, parse_sample
from mctrain.data.texts import SampleTexts
from mctrain.data.views import parse_views
from mctrain.errors import SampleError


def by_suffix(members) -> dict[str, dict[str, bytes]]:
    grouped = defaultdict(dict)
    for name, content in members:
        key, _, suffix = name.partition(".")
        grouped[key][suffix] = content
    return grouped


@pytest.mark.parametrize("storage", Storage)
def test_a_sample_comes_back_from_its_members(reinforced_samples, storage):
    for sample in (reinforced_samples[0], reinforced_samples[-1]):
        members = members_of(sample, storage, SLOTS)
        assert members == members_of(sample, storage, SLOTS)
        assert storage is Storage.NPZ or members["pth.gz"][4:8] == bytes(4)  # gzip's time
        back = parse_sample(sample.key, members, WIDTHS)
        assert back.texts.about.items() > sample.texts.about.items()
        assert replace(back.texts, about=sample.texts.about) == sample.texts
        assert back.captions == (sample.texts.human or ("a synthetic one",))
        for name in ("key", "suffix", "photo", "views"):
            assert getattr(back, name) == getattr(sample, name)
        near = 2**-8 if storage is Storage.PTH_BF16 else 0
        for found, wanted in (
            (back.image_embeddings, sample.image_embeddings),
            (back.caption_embeddings, sample.caption_embeddings),
            *((back.synthetic_embeddings[tag], rows) for tag, rows in sample.synthetic_embeddings.items()),
        ):
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, wanted, rtol=near)


def test_members_are_the_public_layout(reinforced_samples):
    captioned, bare = (members_of(reinforced_samples[place], Storage.NPZ, SLOTS) for place in (0, -1))
    assert list(captioned) == ["jpg", "txt", "json", "syn.json", "paug.json", "npz"]
    words = json.loads(captioned["json"])
    assert (captioned["txt"].decode(), *words["texts"]) == reinforced_samples[0].texts.human
    assert words["sha256"] == hashlib.sha256(captioned["jpg"]).hexdigest()
    assert (words["width"], words["height"]) == reinforced_samples[0].image().size
    assert "txt_source" not in words
    assert json.loads(json.loads(captioned["paug.json"])["param_aug"]) == records(5)
    with np.load(io.BytesIO(captioned["npz"])) as arrays:
        assert {name: arrays[name].shape for name in arrays} == {
            "image_emb": (5, 40), "text_emb": (5, 40), "syn_text_emb": (3, 40), "syn_text_query_emb": (2, 40),
        }  # fmt: skip
    words = json.loads(bare["json"])
    assert (bare["txt"], words["txt_source"], words["texts"]) == (b"a synthetic one", "synthetic", [])


def test_a_sample_without_any_text_is_not_written(reinforced_samples):
    with pytest.raises(SampleError, match="has no txt"):
        members_of(replace(reinforced_samples[0], texts=SampleTexts()), Storage.NPZ, SLOTS)


def test_each_public_set_is_read_with_the_right_rows(public):
    for uid, members in by_suffix(public.members).items():
        sample = parse_sample(uid, members, WIDTHS)
        assert sample.views == parse_views(records(public.views), uid)
        assert (len(sample.texts.human), len(sample.texts.synthetic[public.tag])) == (1, 5)
        assert list(sample.synthetic_embeddings) == [public.tag]
        for found, wanted in (
            (sample.image_embeddings, public.images[uid]),
            (sample.caption_embeddings, public.captions[uid]),
            (sample.synthetic_embeddings[public.tag], public.synthetic[uid]),
        ):
            np.testing.assert_allclose(found, wanted, rtol=2**-8)


GOOD = {"image_emb": (5, 1), "text_emb": (5, 2), "syn_text_emb": (3, 3), "syn_text_query_emb": (2, 4)}


def arrays(**changed) -> bytes:
    made = {name: unit_rows(*shape) for name, shape in GOOD.items()} | changed
    return pack_npz({name: array for name, array in made.items() if array is not None})


def spoilt(value: float) -> np.ndarray:
    rows = unit_rows(5, 1)
    rows[3, 30] = value
    return rows


BROKEN = {
    "half an npz": ("embeddings", {"npz": arrays()[:900]}),
    "a view without vector": ("embeddings", {"npz": arrays(image_emb=unit_rows(4, 1))}),
    "not a number": ("embeddings", {"npz": arrays(image_emb=spoilt(np.nan))}),
    "not of length 1": ("embeddings", {"npz": arrays(image_emb=spoilt(0.9))}),
    "no photo": ("photo", {"jpg": None}),
    "no caption": ("txt", {"txt": None}),
    "a caption in Latin-1": ("txt", {"txt": "Käse".encode("latin-1")}),
    "a mark that lies": ("txt", {"json": b'{"txt_source": "synthetic"}', "txt": b"a human caption"}),
    "an empty record": ("paug.json", {"paug.json": b'{"param_aug": "[]"}'}),
    "a crop of words": ("paug.json", {"paug.json": b'{"param_aug": [[["a", 0, 9, 9]]]}'}),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_missing_or_broken_member_is_named(reinforced_samples, case):
    role, change = BROKEN[case]
    sample = reinforced_samples[0]
    whole = members_of(sample, Storage.NPZ, SLOTS)
    members = {suffix: content for suffix, content in (whole | change).items() if content is not None}
    with pytest.raises(SampleError) as caught:
        parse_sample(sample.key, members, WIDTHS)
    assert caught.value.reason == (
        f"no {role}" if case.startswith("no ") and len(members) < 6 else f"broken {role}"
    )
    assert sample.key in str(caught.value)


def test_two_tags_in_one_array_are_refused(reinforced_samples):
    sample = reinforced_samples[0]
    members = members_of(sample, Storage.NPZ, SLOTS)
    members["npz"] = pack_npz({"image_emb": unit_rows(5, 1), "text_emb": unit_rows(10, 2)})
    with pytest.raises(SampleError, match="one text_emb for the texts of 2 tags"):
        parse_sample(sample.key, members, WIDTHS)


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "LA"])
def test_a_photo_is_seen_as_the_public_teachers_saw_it(reinforced_samples, mode):
    rgb = reinforced_samples[0].image()
    picture = rgb.convert(mode)
    if mode == "LA":
        picture.putalpha(rgb.convert("L"))
    if mode == "P":
        picture.info["transparency"] = 3
    file = io.BytesIO()
    picture.save(file, "JPEG" if mode == "CMYK" else "PNG")
    reference = PIL.Image.open(io.BytesIO(file.getvalue())).convert("RGBA").convert("RGB")
    found = replace(reinforced_samples[0], photo=file.getvalue()).image()
    assert found.mode == "RGB"
    assert np.array_equal(np.asarray(found), np.asarray(reference))


def huge_png() -> bytes:
    """A PNG whose head claims 20,000 by 5,001 pixels."""
    file = io.BytesIO()
    PIL.Image.new("1", (8, 8)).save(file, "PNG")
    head = b"IHDR" + struct.pack(">II", 20_000, 5_001) + file.getvalue()[24:29]
    return file.getvalue()[:12] + head + struct.pack(">I", zlib.crc32(head)) + file.getvalue()[33:]


@pytest.mark.parametrize(
    ("photo", "words"),
    [(b"no picture", ""), (None, "truncated"), (huge_png(), "it has 20000 by 5001 pixels")],
)
def test_a_photo_that_cannot_be_decoded_is_broken(reinforced_samples, photo, words):
    sample = reinforced_samples[0]
    if photo is None:
        photo = sample.photo[: len(sample.photo) // 2]
    with pytest.raises(SampleError, match=f"The photo {sample.key} cannot be decoded: .*{words}"):
        replace(sample, photo=photo).image()
