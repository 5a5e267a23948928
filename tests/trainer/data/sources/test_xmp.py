"""What photo programs wrote about a photo is found where they wrote it; expected is what the same photos say in IPTC."""

from __future__ import annotations

import shutil

import pytest

from mctrain.data.sources.folder import read_folder, words_inside
from mctrain.data.words import QUERIES


@pytest.fixture(scope="module")
def camera(shared):
    return shared / "camera"


@pytest.mark.parametrize(
    ("name", "captions", "queries"),
    [
        ("fuji_s1pro_portrait_gps_west.jpg", ("Wilts & Dorset Bus",), ("Wilts & Dorset Bus",)),
        ("canon_eos_7d_adobergb.jpg", ("mit blauem Kleid",), ()),
        ("adobe_faces.jpg", (), ("Marie Curie", "Pierre Curie")),
        ("kodak_dc210.jpg", (), ()),
    ],
)
def test_descriptions_are_captions_and_keywords_are_searches(camera, name, captions, queries):
    words = words_inside(camera / name)
    assert words.human == captions
    assert words.synthetic.get(QUERIES, ()) == queries
    assert not words.about


@pytest.mark.parametrize("beside", ["photo.jpg.xmp", "photo.xmp"])
def test_a_file_beside_the_photo_says_them_too(camera, tmp_path, beside):
    shutil.copy(camera / "kodak_dc210.jpg", tmp_path / "photo.jpg")
    shutil.copy(camera / "sidecar_600d.xmp", tmp_path / beside)
    (entry,) = read_folder(tmp_path).entries
    assert entry.words.human == ("Squirrel at berkely",)
    assert entry.words.synthetic[QUERIES] == ("Alvin the Squirrel", "Berkley", "USA")


def test_a_damaged_packet_and_one_that_would_swell_say_nothing(camera, tmp_path):
    whole = (camera / "sidecar_600d.xmp").read_bytes()
    (tmp_path / "photo.jpg").write_bytes(b"no picture")
    for content in (
        whole.replace(b"</rdf:Description>", b""),
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + whole.replace(b"Squirrel at berkely", b"&a;"),
        whole[: len(whole) // 2],
    ):
        (tmp_path / "photo.xmp").write_bytes(content)
        assert words_inside(tmp_path / "photo.jpg").captions == ()
