"""Words in pictures at the command line: read, found, shown, switched off and forgotten."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from tests.app.cli.conftest import KNOWN
from tests.shell import Shell

from picsight.settings import SettingsStore, settings_file


@pytest.fixture(scope="module", autouse=True)
def _reading():
    SettingsStore(settings_file()).change(read_words=True)
    yield
    SettingsStore(settings_file()).change(read_words=False)


def write(path, *lines):
    image = Image.new("RGB", (900, 600), (230, 230, 225))
    for row, line in enumerate(lines):
        font = ImageFont.load_default(44)
        ImageDraw.Draw(image).text((60, 60 + 70 * row), line, font=font, fill=(20, 20, 30))
    image.save(path)


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    folder = tmp_path_factory.mktemp("album")
    write(folder / "a.png", "Invoice INV-2041", "for Oscar Emergency", "exit lamps")
    write(folder / "b.png", "Car wash", "Exit")
    shutil.copyfile(KNOWN / "cat.jpg", folder / "c.jpg")
    return folder


@pytest.fixture(scope="module")
def written(album, tmp_path_factory, _reading):
    picsight = Shell(tmp_path_factory.mktemp("written") / "library")
    assert picsight.json("index", album)["indexed"] == 3
    return picsight


def found(picsight, query):
    answer = picsight.json("search", "--min", "strong", query)
    return sorted(Path(result["path"]).stem for result in answer["results"])


@pytest.mark.parametrize(
    ("query", "photos"),
    [
        ("says:invoice", "a"), ("says:car", "ab"), ("-says:car", "c"), ('says:"emergency exit"', "a"), ("says:xi", "ab"),
        ('"inv-2041"', "a"), ('"oscar emer"', "a"), ('-"wash"', "ac"), ("has:words", "ab"), ("-has:words", "c"),
    ],
)  # fmt: skip
def test_facts_find_what_is_written_in_pictures(written, query, photos):
    assert "".join(found(written, query)) == photos


def by_words(picsight, query):
    """The photos that a query finds by what is written in them, with the lines."""
    results = picsight.json("search", "--min", "all", query)["results"]
    return {Path(r["path"]).stem: r["written"] for r in results if r["found_by"] == "words"}


def test_words_as_typed_find_whole_words_and_beginnings_all_in_one_picture(written):
    assert by_words(written, "inv-2041") == {"a": ["Invoice INV-2041"]}
    assert by_words(written, "car") == {"b": ["Car wash"]}
    assert by_words(written, "emerg") == {"a": ["for Oscar Emergency"]}
    assert by_words(written, "exit car") == {"b": ["Car wash", "Exit"]}
    assert by_words(written, "scar") == by_words(written, "invoice wash") == {}


def test_the_details_of_a_photo_have_its_lines_in_reading_order(written, album):
    lines = written.json("show", album / "b.png")["written"]
    assert [line["text"] for line in lines] == ["Car wash", "Exit"]
    assert all(0.6 <= line["confidence"] <= 1 and abs(line["angle"]) < 1 for line in lines)
    left, top, width, height = lines[0]["box"]
    assert (left, top, width, height) == pytest.approx((60 / 900, 70 / 600, 190 / 900, 40 / 600), abs=0.05)
    assert written.json("show", album / "c.jpg")["written"] == []
    assert "written: Car wash\n" in written("show", album / "b.png").out


def test_what_was_read_is_forgotten_to_the_last_byte_and_read_again(written, album, tmp_path):
    written = Shell(Path(shutil.copytree(written.library, tmp_path / "library")))
    files = [path for path in written.library.iterdir() if path.name.startswith("library.db")]
    assert any(b"invoice" in path.read_bytes() for path in files)
    assert written.json("words", "forget") == {"photos": 3}
    left = b"".join(path.read_bytes() for path in written.library.rglob("*") if path.is_file()).lower()
    assert b"invoice" not in left
    assert b"inv-2041" not in left
    assert written.json("show", album / "b.png")["written"] is None
    written("index")
    assert found(written, "says:invoice") == ["a"]


def test_no_words_are_read_in_a_fast_run_or_while_they_are_off(fresh, album):
    fresh("index", "--fast", album)
    assert fresh.json("show", album / "b.png")["written"] is None
    assert fresh.json("words", "off") == {"read_words": False}
    fresh("index")
    assert "says:" in fresh("search", "says:invoice").err  # the query's fault names it
    assert fresh.json("words", "on") == {"read_words": True}
    fresh("index")
    assert found(fresh, "says:invoice") == ["a"]


def test_a_word_that_is_written_nowhere_is_asked_about_if_another_is_nearly_the_same(written):
    faults = written.json("search", "says:emergancy")["faults"]
    assert [fault["message"] for fault in faults] == ['No photo says "emergancy". Did you mean "emergency"?']
    assert written.json("search", "says:elephant")["faults"] == []
    assert written.json("search", "says:exid")["faults"] == []  # short words have too many neighbours
