"""People at the command line: off, found, named, asked about, undone, carried to another library and forgotten."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from tests.app.cli.conftest import KNOWN
from tests.shell import Shell


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Four pictures of one astronaut, one of them with a second face, and a cat."""
    folder = tmp_path_factory.mktemp("album")
    with Image.open(KNOWN / "astronaut.jpg") as image:
        upright = image.convert("RGB")
    pictures = {
        "a": upright,
        "b": ImageEnhance.Brightness(upright).enhance(0.7),
        "c": ImageOps.mirror(upright),
        "d": upright.rotate(8, Image.Resampling.BICUBIC),
    }
    twice = Image.new("RGB", (2 * upright.width, upright.height))
    for left in (0, upright.width):
        twice.paste(upright, (left, 0))
    for name, picture in {**pictures, "twice": twice}.items():
        picture.save(folder / f"{name}.jpg", quality=92)
    shutil.copyfile(KNOWN / "cat.jpg", folder / "cat.jpg")
    return folder


@pytest.fixture(scope="module")
def found(album, tmp_path_factory):
    picsight = Shell(tmp_path_factory.mktemp("people") / "library")
    picsight("index", album)
    assert picsight.json("people", "list") == {"people": [], "groups": []}
    assert picsight.json("show", album / "a.jpg")["faces"] == []
    assert picsight.json("people", "on") == {"finds_people": True}
    picsight("index")
    return picsight


@pytest.fixture
def picsight(found, tmp_path):
    return Shell(Path(shutil.copytree(found.library, tmp_path / "library")))


def faces(picsight, album, name):
    return picsight.json("show", album / f"{name}.jpg")["faces"]


def vector_of(library, face_id):
    """The bytes of a face's vector, as the database holds them."""
    with closing(sqlite3.connect(library / "library.db")) as connection:
        return connection.execute("SELECT vector FROM faces WHERE id = ?", (face_id,)).fetchone()[0]


def holding(library, data):
    return [path.name for path in library.rglob("*") if path.is_file() and data in path.read_bytes()]


def test_faces_that_look_alike_are_a_group_with_one_of_each_photo(picsight, album):
    (group,) = picsight.json("people", "list")["groups"]
    assert sorted(Path(face["path"]).stem for face in group["faces"]) == ["a", "b", "c", "d", "twice"]
    assert len(faces(picsight, album, "twice")) == 2
    assert faces(picsight, album, "cat") == []
    (face,) = faces(picsight, album, "a")
    x, y, width, height = face["box"]
    assert 0.35 < x + width / 2 < 0.5  # of the astronaut's face, seen with the eye
    assert 0.15 < y + height / 2 < 0.3
    assert (face["person"], face["group"]) == (None, group["group"])


def test_a_group_is_named_and_the_name_undone(picsight, album):
    (group,) = picsight.json("people", "list")["groups"]
    picsight.json("people", "name", group["group"], "Eileen")
    listed = picsight.json("people", "list")
    assert listed == {"people": [{"name": "Eileen", "photos": 5, "faces": 5, "questions": 0}], "groups": []}
    assert faces(picsight, album, "a")[0]["person"] == "Eileen"
    assert "Eileen" in picsight.json("show", album / "a.jpg")["tags"]
    assert "person: Eileen\n" in picsight("show", album / "a.jpg").out
    picsight("tags", "undo")
    assert picsight.json("people", "list")["groups"] == [group]
    assert faces(picsight, album, "a")[0]["person"] is None


def test_one_named_face_asks_about_the_others_and_a_no_holds_over_scans(picsight, album):
    (first,), (dark,) = faces(picsight, album, "a"), faces(picsight, album, "b")
    picsight.json("people", "accept", "Eileen", first["id"])
    asked = picsight.json("people", "list", "eileen")["questions"]
    assert sorted(Path(face["path"]).stem for face in asked) == ["b", "c", "d", "twice"]
    picsight.json("people", "reject", "Eileen", dark["id"])
    with closing(sqlite3.connect(picsight.library / "library.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM derived WHERE kind = 'faces'")  # as a new rule would
    picsight("index")
    assert faces(picsight, album, "b")[0]["id"] == dark["id"]
    asked = picsight.json("people", "list", "Eileen")["questions"]
    assert sorted(Path(face["path"]).stem for face in asked) == ["c", "d", "twice"]


def test_unsure_faces_are_asked_about_from_the_same_years_first(picsight, album):
    (first,) = faces(picsight, album, "a")
    vector = np.frombuffer(vector_of(picsight.library, first["id"]), "<f2").astype(np.float32)
    away = np.full(128, 128**-0.5, np.float32)  # of length 1
    taken = {"a": "2010-06-01", "b": "1995-06-01", "c": "2011-06-01", "d": None, "twice": "2010-01-01"}
    with closing(sqlite3.connect(picsight.library / "library.db", isolation_level=None)) as connection:
        for name, apart in {"b": 0.42, "c": 0.48, "d": 0.41, "twice": 0.3}.items():
            moved = (vector + apart * away).astype("<f2").tobytes()
            connection.execute(
                "UPDATE faces SET vector = ? WHERE id = ?", (moved, faces(picsight, album, name)[0]["id"])
            )
        for name, day in taken.items():
            connection.execute(
                "UPDATE files SET taken = ? WHERE CAST(name AS TEXT) = ?",
                (day and f"{day}T12:00:00", f"{name}.jpg"),
            )
    picsight.json("people", "accept", "Eileen", first["id"])
    asked = picsight.json("people", "list", "Eileen")["questions"]
    assert [Path(face["path"]).stem for face in asked] == ["twice", "c", "b", "d"]


def test_an_ignored_face_is_asked_about_no_more_until_it_is_undone(picsight, album):
    first, second, third = (faces(picsight, album, name)[0]["id"] for name in "abc")
    picsight.json("people", "accept", "Eileen", first)

    def asked():
        return {each["id"] for each in picsight.json("people", "list", "Eileen")["questions"]}

    assert {second, third} <= asked()
    picsight.json("people", "ignore", second)
    picsight.json("people", "ignore", "--no-face", third)
    assert not {second, third} & asked()
    assert not faces(picsight, album, "c")
    picsight("tags", "undo")
    picsight("tags", "undo")
    assert {second, third} <= asked()


def test_two_faces_of_one_photo_can_both_be_named(picsight, album):
    left, right = faces(picsight, album, "twice")
    picsight.json("people", "accept", "Eileen", left["id"], right["id"])
    assert [face["person"] for face in faces(picsight, album, "twice")] == ["Eileen"] * 2
    picsight.json("people", "reject", "Eileen", left["id"])
    assert picsight.json("people", "list")["people"][0]["photos"] == 1
    picsight.json("people", "reject", "Eileen", right["id"])
    assert picsight.json("people", "list")["people"][0]["photos"] == 0


def test_people_are_merged_and_split_and_both_undone(picsight, album):
    ids = {name: faces(picsight, album, name)[0]["id"] for name in "abcd"}
    picsight.json("people", "accept", "Eileen", ids["a"], ids["b"])
    picsight.json("people", "accept", "Twin", ids["c"], ids["d"])
    picsight.json("people", "merge", "Twin", "Eileen")
    (merged,) = picsight.json("people", "list")["people"]
    assert (merged["name"], merged["faces"]) == ("Eileen", 4)
    picsight("tags", "undo")
    assert [each["faces"] for each in picsight.json("people", "list")["people"]] == [2, 2]
    before = picsight.json("people", "list")
    picsight.json("people", "split", ids["c"], ids["d"])
    after = picsight.json("people", "list")
    assert [face["id"] for face in after["groups"][0]["faces"]] == sorted((ids["c"], ids["d"]))
    picsight("tags", "undo")
    assert picsight.json("people", "list") == before


def test_the_file_of_decisions_carries_names_to_a_library_without_faces(picsight, album, tmp_path):
    picsight.json("people", "accept", "Eileen", faces(picsight, album, "a")[0]["id"])
    picsight.json("people", "reject", "Eileen", faces(picsight, album, "b")[0]["id"])
    picsight("export", "decisions", tmp_path / "decisions")
    vector = vector_of(picsight.library, faces(picsight, album, "a")[0]["id"])
    assert holding(picsight.library, vector) == ["library.db"]
    other = Shell(tmp_path / "other")
    other("index", album)
    imported = other.json("tags", "import", tmp_path / "decisions")
    assert (imported["tags"], imported["accepted"], imported["rejected"]) == (1, 1, 1)
    assert faces(other, album, "a")[0]["person"] == "Eileen"
    other("people", "on")
    other("index")
    (face,) = faces(other, album, "a")
    assert face["person"] == "Eileen"
    assert np.allclose(face["box"], faces(picsight, album, "a")[0]["box"], atol=1e-3)
    asked = other.json("people", "list", "Eileen")["questions"]
    assert sorted(Path(each["path"]).stem for each in asked) == ["c", "d", "twice"]
    assert other.json("tags", "import", tmp_path / "decisions")["accepted"] == 0


@pytest.mark.parametrize(
    ("query", "photos"),
    [
        ("people:Eileen", "a b twice"), ("-people:eileen", "c cat d"), ("people:Eileen people:Rose", "twice"), ("people:1", "a b c d"),
        ("people:>=2", "twice"), ("has:people", "a b c d twice"), ("-has:people", "cat"), ("people:Nobody", ""),
        ("Eileen", "a b twice"), ("astronaut with eileen", "a b twice"), ("Astronautin mit Eileen", "a b twice"),
        ("Eileen and Rose", "twice"), ("portrait Rose", "twice"), ("rose", "a b c cat d twice"),
    ],
)  # fmt: skip
def test_people_are_found_by_name_and_number(picsight, album, query, photos):
    left, right = faces(picsight, album, "twice")
    ids = [faces(picsight, album, name)[0]["id"] for name in "ab"]
    picsight.json("people", "accept", "Eileen", *ids, left["id"])
    picsight.json("people", "accept", "Rose", right["id"])
    found = picsight.json("search", "--min", "all", query)["results"]
    assert sorted(Path(each["path"]).stem for each in found) == photos.split()


def test_side_cars_hold_the_names_of_people_only_if_asked(picsight, album, tmp_path):
    picsight.json("people", "accept", "Eileen", faces(picsight, album, "a")[0]["id"])
    for option, names in (((), 0), (("--people",), 1)):
        table = tmp_path / f"table{names}"
        picsight.json("export", "sidecars", "--csv", table, *option)
        assert ("Eileen" in table.read_text(encoding="utf-8")) == bool(names)


def test_all_faces_are_forgotten_to_the_last_byte(picsight, album):
    (face,) = faces(picsight, album, "a")
    vector = vector_of(picsight.library, face["id"])
    picsight.json("people", "accept", "Eileen", face["id"])
    copy = picsight.library / "library.v19.backup.db"
    shutil.copyfile(picsight.library / "library.db", copy)
    done = picsight.json("people", "forget")
    assert done == {"photos": 5, "backups": [str(copy)]}
    assert holding(picsight.library, vector) == [copy.name]
    assert picsight.json("people", "forget", "--backups") == {"photos": 0, "backups": []}
    assert holding(picsight.library, vector) == []
    assert faces(picsight, album, "a") == []
    assert "Eileen" in picsight.json("show", album / "a.jpg")["tags"]
    picsight("index")
    assert faces(picsight, album, "a") == []  # nothing looks for faces until it is turned on again
    picsight.json("people", "forget", "--names")
    assert picsight.json("people", "list") == {"people": [], "groups": []}


KEYWORD = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>eileen</rdf:li></rdf:Bag></dc:subject>
 </rdf:Description></rdf:RDF></x:xmpmeta>"""


def test_a_tag_and_a_keyword_of_a_persons_name_stay_apart_until_they_are_merged(album, tmp_path):
    folder = Path(shutil.copytree(album, tmp_path / "photos"))
    (folder / "cat.jpg.xmp").write_text(KEYWORD)
    picsight = Shell(tmp_path / "library")
    picsight("index", folder)
    picsight("people", "on")
    picsight("index")
    picsight("tags", "new", "Eileen")
    picsight("tags", "accept", "Eileen", folder / "twice.jpg")
    (face,) = faces(picsight, folder, "a")
    assert "people merge Eileen Eileen" in picsight("people", "accept", "Eileen", face["id"]).err
    assert (
        "people merge"
        not in picsight("people", "accept", "Eileen", faces(picsight, folder, "b")[0]["id"]).err
    )
    before = picsight.json("people", "list")["people"]
    assert before[0]["photos"] == 2
    picsight("people", "merge", "Eileen", "Eileen")
    (person,) = picsight.json("people", "list")["people"]
    assert (person["photos"], person["faces"]) == (4, 2)
    found = picsight.json("search", "people:Eileen")
    assert {Path(each["path"]).stem for each in found["results"]} == {"a", "b", "cat", "twice"}
    assert "no keyword" in picsight("people", "merge", "Eileen", "Eileen").sentence(2)
    picsight("tags", "undo")
    assert picsight.json("people", "list")["people"] == before


REGION = """<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#">
 <rdf:RDF><rdf:Description rdf:about=""><mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>
 <rdf:li rdf:parseType="Resource"><mwg-rs:Name>Eileen Collins</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type>
 <mwg-rs:Area stArea:x="{}" stArea:y="{}" stArea:w="0.3" stArea:h="0.3" stArea:unit="normalized"/></rdf:li>
 </rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions></rdf:Description></rdf:RDF></x:xmpmeta>"""


def test_faces_that_a_file_names_are_accepted_but_never_against_a_no(album, tmp_path):
    with Image.open(album / "a.jpg") as image:
        width, height = image.size
        stored = image.transpose(Image.Transpose.ROTATE_90)  # what EXIF orientation 6 turns back
    plain = Shell(tmp_path / "plain")
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copyfile(album / "a.jpg", folder / "before.jpg")
    plain("index", folder)
    plain("people", "on")
    plain("index")
    (face,) = plain.json("show", folder / "before.jpg")["faces"]
    x, y, wide, high = face["box"].values() if isinstance(face["box"], dict) else face["box"]
    across, down = x + wide / 2, y + high / 2
    exif = Image.Exif()
    exif[0x0112] = 6
    stored.save(folder / "turned.jpg", quality=92, exif=exif, xmp=REGION.format(down, 1 - across).encode())
    plain("index")
    (turned,) = plain.json("show", folder / "turned.jpg")["faces"]
    assert (turned["person"], turned["score"] < 1) == ("Eileen Collins", True)
    assert (stored.width, stored.height) == (height, width)
    plain.json("people", "reject", "Eileen Collins", turned["id"])
    with closing(sqlite3.connect(plain.library / "library.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM derived WHERE kind = 'faces'")  # as a new rule would
    plain("index")
    (turned,) = plain.json("show", folder / "turned.jpg")["faces"]
    assert turned["person"] is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("accept Eileen 999", "There is no face number 999."),
        ("reject Nobody 1", 'There is no person "Nobody".'),
        ("name 77 Eileen", "There is no group number 77 without a name."),
        ("list Nobody", 'There is no person "Nobody".'),
        ("split 999", "There is no face number 999."),
    ],
)
def test_what_does_not_exist_is_named(picsight, words, sentence):
    done = picsight("people", *words.split())
    assert (done.code, done.err.strip()) == (2, sentence)


def name_the_group(picsight):
    (group,) = picsight.json("people", "list")["groups"]
    picsight.json("people", "name", group["group"], "Eileen")


def test_a_person_stays_a_person_whatever_the_tags_do(picsight):
    name_the_group(picsight)
    picsight("tags", "new", "Family")
    assert "is a person" in picsight("tags", "move", "Eileen", "Family").sentence(2)
    assert "is a person" in picsight("tags", "merge", "Eileen", "Family").sentence(2)
    assert [person["name"] for person in picsight.json("people", "list")["people"]] == ["Eileen"]


def test_a_photo_rejected_for_a_person_has_none_of_its_faces(picsight, album):
    name_the_group(picsight)
    picsight("tags", "reject", "Eileen", album / "a.jpg")
    assert [face["person"] for face in faces(picsight, album, "a")] == [None]
    picsight("tags", "undo")
    assert [face["person"] for face in faces(picsight, album, "a")] == ["Eileen"]


def test_a_face_put_away_is_nobodys_and_comes_back_with_a_name(picsight, album):
    name_the_group(picsight)
    (face,) = faces(picsight, album, "a")
    picsight("people", "ignore", "--no-face", face["id"])
    assert picsight.json("people", "list")["people"][0]["faces"] == 4
    picsight("people", "accept", "Eileen", face["id"])
    assert [face["person"] for face in faces(picsight, album, "a")] == ["Eileen"]


def test_the_file_of_decisions_forgets_the_places_of_faces(picsight):
    name_the_group(picsight)
    file = picsight.library / "decisions.jsonl"
    assert '"face"' in file.read_text()
    picsight("people", "forget")
    assert '"face"' not in file.read_text()
