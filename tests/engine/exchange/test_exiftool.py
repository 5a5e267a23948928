"""ExifTool reads what we write, and we read what it writes, without a loss."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from tests.engine.kennel import OF_ALL

from picsight_engine.exchange.exiftool_table import EXIFTOOL_DIVIDER, export_table
from picsight_engine.exchange.sidecar_reading import read_sidecars
from picsight_engine.exchange.sidecar_writing import export_sidecars
from picsight_engine.exchange.tagged_photo import TaggedPhoto
from picsight_engine.photos.decoding.decode import read_header
from picsight_engine.photos.metadata.xmp import Packet, read_packet

pytestmark = pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="needs exiftool (Debian: libimage-exiftool-perl)"
)
TAGS = (
    "pipes||two/end|",
    "Birds/Waders", "Birds/Gulls/Black-headed gull", "Family", "AC|DC", "Rock/AC|DC", "<b>&amp;\"'", "a, b; c", "-", "=x",
    "\U0001f426\u200d\u2b1b", "שלום/עולם", "Åland", "42", "x" * 300,
)  # fmt: skip
HASH = bytes(range(16))


def exiftool(*arguments):
    command = ["exiftool", "-charset", "filename=utf8", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def read(path, *fields):
    (found,) = json.loads(
        exiftool("-json", "-struct", "-api", "struct=1", *(f"-XMP:{name}" for name in fields), path)
    )
    return {name: found.get(name) for name in fields}


@pytest.fixture
def photo(tmp_path, shared):
    return shutil.copy(shared / "camera" / "kodak_dc210.jpg", tmp_path / "photo.jpg")


def beside(photo):
    return photo.with_name(f"{photo.name}.xmp")


def test_exiftool_reads_our_side_cars(photo):
    list(export_sidecars([TaggedPhoto(photo, TAGS, 4, HASH)]))
    fields = ("Subject", "HierarchicalSubject", "TagsList", "Rating")
    found = read(beside(photo), *fields)
    texts = {name: [str(text) for text in value] for name, value in found.items() if name != "Rating"}
    assert texts["TagsList"] == list(TAGS)
    assert [
        path.replace("/", "\0").replace("|", "/").replace("\0", "|") for path in texts["HierarchicalSubject"]
    ] == list(TAGS)
    assert texts["Subject"] == list(dict.fromkeys(path.rpartition("/")[2] for path in TAGS))
    assert found["Rating"] == 4
    assert "Warning" not in exiftool("-validate", "-warning", "-a", beside(photo))


def test_we_read_side_cars_that_exiftool_writes(photo):
    lists = [f"-XMP-digiKam:TagsList={tag}" for tag in TAGS]
    exiftool(
        *lists,
        "-XMP-xmp:Rating=2",
        "-XMP-dc:Description=Curlews & godwits",
        beside(photo),
    )
    packet = read_packet(beside(photo).read_bytes())
    assert packet == Packet(tuple(tuple(tag.split("/")) for tag in TAGS), 2, "Curlews & godwits")


def test_tags_leave_a_side_car_that_exiftool_rewrote_and_foreign_keywords_stay(photo):
    list(export_sidecars([TaggedPhoto(photo, ("Birds/Waders", "Family", "AC|DC"), 4, HASH)]))
    added = [
        "-XMP-dc:Subject+=theirs",
        "-XMP-lr:HierarchicalSubject+=theirs",
        "-XMP-digiKam:TagsList+=theirs",
    ]
    exiftool("-overwrite_original", *added, "-XMP-dc:Description=Curlews", beside(photo))
    list(export_sidecars([TaggedPhoto(photo, ("Family", "Sea"), None, HASH, history=OF_ALL)]))
    (sidecar,) = read_sidecars(beside(photo), [])
    assert sorted(sidecar.packet.keywords) == [("Family",), ("Sea",), ("theirs",)]
    assert sidecar.packet.rating is None
    assert read(beside(photo), "Description") == {"Description": "Curlews"}
    found = read(beside(photo), "Subject", "HierarchicalSubject", "TagsList")
    assert [sorted(value) for value in found.values()] == [["Family", "Sea", "theirs"]] * 3


def test_changes_in_a_short_side_car_reach_the_long_one_for_other_programs_too(photo):
    short = photo.with_suffix(".xmp")
    lists = ("-XMP-dc:Subject=Old", "-XMP-lr:HierarchicalSubject=Old")
    exiftool(*lists, "-XMP-xmp:Rating=3", "-XMP-crs:Sharpness=3", "-XMP-xmp:MetadataDate=2024:02:12", short)
    tagged = TaggedPhoto(photo, ("Sea",), None, HASH)
    list(export_sidecars([tagged]))
    theirs = short.read_bytes().replace(b"Old<", b"New<").replace(b">3<", b">5<").replace(b"-12<", b"-13<")
    short.write_bytes(theirs)
    list(export_sidecars([tagged]))
    assert short.read_bytes() == theirs
    found = read(beside(photo), "Subject", "HierarchicalSubject", "TagsList", "Rating", "Sharpness")
    assert (found.pop("Rating"), found.pop("Sharpness")) == (5, 5)
    assert [sorted(value) for value in found.values()] == [["New", "Sea"]] * 3
    assert "Warning" not in exiftool("-validate", "-warning", "-a", beside(photo))


def test_the_table_puts_tags_into_copies_of_photos(photo, tmp_path):
    """With the two commands of docs/commands.md; the second one removes duplicates."""
    exiftool("-overwrite_original", "-XMP-dc:Subject=theirs", "-XMP-lr:HierarchicalSubject=theirs", photo)
    other = shutil.copy(photo, tmp_path / "ödd, name.jpg")
    export_table([TaggedPhoto(photo, TAGS, 3), TaggedPhoto(other, ("Family",))], tmp_path / "tags.csv")
    once = ["-overwrite_original", "-sep", EXIFTOOL_DIVIDER]
    for _ in range(2):
        exiftool(*once, f"-csv+={tmp_path / 'tags.csv'}", tmp_path)
    exiftool(
        *once,
        "-api",
        "NoDups=1",
        "-tagsfromfile",
        "@",
        "-subject",
        "-hierarchicalsubject",
        "-tagslist",
        tmp_path,
    )
    written = read_header(photo.read_bytes(), photo).metadata
    assert written.rating == 3
    assert sorted(written.keywords) == sorted((*TAGS, "theirs"))
    leaves = {path.rpartition("/")[2] for path in TAGS}
    assert sorted(map(str, read(photo, "Subject")["Subject"])) == sorted({*leaves, "theirs"})
    assert read_header(other.read_bytes(), other).metadata.keywords == ("Family", "theirs")
