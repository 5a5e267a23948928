"""A folder of photos is read with the words in tables, in files beside the photos and in XMP."""

from __future__ import annotations

import json
import shutil
import unicodedata

import pytest

from mctrain.data.sources.folder import read_folder, texts_inside
from mctrain.data.texts import QUERIES
from mctrain.errors import DataError


@pytest.fixture
def folder(shared, tmp_path):
    """Real photos in folders, hidden files and a film; nothing is decoded here."""
    photos = tmp_path / "Photos"
    for name in (
        "dog.jpg",
        "Été/straße 1.JPG",
        "Été/plage.heic",
        "trip/sea.webp",
        ".hidden/x.jpg",
        "trip/._sea.jpg",
    ):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared / "camera" / "kodak_dc210.jpg", photos / name)
    (photos / "film.mov").write_bytes(b"x")
    return photos


def words_by_name(folder):
    listing = read_folder(folder)
    return {entry.path.name: entry.texts for entry in listing.entries}, listing.faults


def test_every_photo_below_is_found_in_a_fixed_order_without_hidden_ones(folder):
    listing = read_folder(folder)
    assert [entry.path.relative_to(folder).as_posix() for entry in listing.entries] == [
        "dog.jpg", "trip/sea.webp", "Été/plage.heic", "Été/straße 1.JPG",
    ]  # fmt: skip
    assert listing.faults == ()
    assert all(not entry.texts.human for entry in listing.entries)


@pytest.mark.parametrize(
    ("divider", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "cp1252"), (";", "utf-16")]
)
def test_captions_come_from_a_table_in_several_rows(folder, divider, encoding):
    rows = [
        ["File", "caption", "query", "license"],
        ["dog.jpg", '"A dog, running; ""fast"""', "dog", "CC0"],
        ["dog.jpg", "Ein großer Hund.", "", ""],
        ["./Été/straße 1.JPG", "A street.", "street", ""],
    ]
    (folder / "captions.csv").write_text("\r\n".join(divider.join(row) for row in rows), encoding, newline="")
    words, faults = words_by_name(folder)
    assert faults == ()
    assert words["dog.jpg"].human == ('A dog, running; "fast"', "Ein großer Hund.")
    assert words["dog.jpg"].synthetic == {"syn_text_query": ("dog",)}
    assert words["dog.jpg"].about["license"] == "CC0"
    assert words["straße 1.JPG"].human == ("A street.",)


def test_a_decomposed_name_of_macos_is_the_same_name(folder):
    apart = unicodedata.normalize("NFD", "Été/plage.heic")
    (folder / "captions.csv").write_text(f"file,caption\n{apart},The beach.\n", "utf-8")
    assert words_by_name(folder)[0]["plage.heic"].human == ("The beach.",)


def test_captions_come_from_json_lines_without_their_unknown_keys(folder):
    lines = [
        {"file": "trip\\sea.webp", "captions": ["The sea."], "queries": ["sea", "beach"], "gps": [1.0, 2.0]},
        {
            "file": "dog.jpg",
            "caption": "A dog.",
            "caption_source": "synthetic",
            "label": "dog",
            "source": "me",
        },
    ]
    (folder / "captions.jsonl").write_text("\n\n".join(map(json.dumps, lines)), "utf-8")
    (folder / "trip" / "more.jsonl").write_text(
        json.dumps({"file": "sea.webp", "caption": "Waves."}), "utf-8"
    )
    words, faults = words_by_name(folder)
    assert faults == ()
    assert words["sea.webp"].human == ("The sea.", "Waves.")
    assert words["sea.webp"].synthetic == {"syn_text_query": ("sea", "beach")}
    assert "gps" not in words["sea.webp"].about
    assert words["dog.jpg"].synthetic == {"syn_text": ("A dog.",), "syn_text_class": ("dog",)}
    assert words["dog.jpg"].about["source"] == "me"


def test_captions_come_from_a_text_beside_a_photo_one_a_line(folder):
    (folder / "dog.txt").write_text("A dog.\n\n  A brown   dog. \n", "utf-8")
    (folder / "trip" / "sea.webp.txt").write_bytes("Größe".encode("cp1252"))
    words, _ = words_by_name(folder)
    assert words["dog.jpg"].human == ("A dog.", "A brown dog.")
    assert words["sea.webp"].human == ("Größe",)


def test_a_text_for_a_photo_of_another_format_is_named(folder):
    (folder / "trip" / "sea.jpg.txt").write_text("The sea.")
    (folder / "trip" / "notes.txt").write_text("Sunny.")
    words, faults = words_by_name(folder)
    assert faults == (f"{folder / 'trip' / 'sea.jpg.txt'} describes sea.jpg, which is no photo here.",)
    assert not words["sea.webp"].human


def test_unusable_lines_are_named(folder):
    (folder / "captions.csv").write_text("file,caption\ndog.jpg,A dog.\ncat.jpg,A cat.\n,x\n", "utf-8")
    (folder / "a.jsonl").write_text(
        '{"file": "dog.jpg"\n[]\n{"key": 1}\n{"file": "dog.jpg", "captions": 3}\n', "utf-8"
    )
    (folder / "trip" / "captions.csv").write_text("name,text\n", "utf-8")
    words, faults = words_by_name(folder)
    assert words["dog.jpg"].human == ("A dog.",)
    messages = [fault.removeprefix(f"{folder}/") for fault in faults]
    assert [sentence.partition(":")[0] for sentence in messages[:1]] == ["a.jsonl, line 1 is not JSON"]
    assert messages[1:] == [
        "a.jsonl, line 2 is not a JSON object.",
        "a.jsonl, line 3 names no photo in `file`.",
        "a.jsonl, line 4: `captions` must be a text or a list of texts, not 3.",
        "captions.csv, line 4 names no photo in `file`.",
        "trip/captions.csv has no columns `file` and `caption` in its first line; nothing of it is used.",
        "captions.csv, line 3 names cat.jpg, which is no photo here.",
    ]


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_folder(tmp_path / "nowhere")


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
    words = texts_inside(camera / name)
    assert words.human == captions
    assert words.synthetic.get(QUERIES, ()) == queries
    assert not words.about


@pytest.mark.parametrize("beside", ["photo.jpg.xmp", "photo.xmp"])
def test_captions_and_searches_come_from_an_xmp_file_beside_the_photo(camera, tmp_path, beside):
    shutil.copy(camera / "kodak_dc210.jpg", tmp_path / "photo.jpg")
    shutil.copy(camera / "sidecar_600d.xmp", tmp_path / beside)
    (entry,) = read_folder(tmp_path).entries
    assert entry.texts.human == ("Squirrel at berkely",)
    assert entry.texts.synthetic[QUERIES] == ("Alvin the Squirrel", "Berkley", "USA")


def test_a_damaged_packet_and_an_entity_bomb_give_no_words(camera, tmp_path):
    whole = (camera / "sidecar_600d.xmp").read_bytes()
    (tmp_path / "photo.jpg").write_bytes(b"no picture")
    for content in (
        whole.replace(b"</rdf:Description>", b""),
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + whole.replace(b"Squirrel at berkely", b"&a;"),
        whole[: len(whole) // 2],
    ):
        (tmp_path / "photo.xmp").write_bytes(content)
        assert texts_inside(tmp_path / "photo.jpg").captions == ()
