"""Words in pictures that these tests draw: what is read where, in which order, and within which limits."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from picsight_engine.foundation.assets import find_asset
from picsight_engine.foundation.errors import BundleError
from picsight_engine.runtime import word_reader
from picsight_engine.runtime.word_reader import WordReader

WORDS = Path(__file__).with_name("words.png")  # in letters that Pillow's own font lacks


@pytest.fixture(scope="module")
def reader():
    return WordReader()


def drawn(*lines, size=(900, 600), letters=40):
    """A picture with texts at these places of their left upper corners."""
    image = Image.new("RGB", size, (235, 230, 220))
    font = ImageFont.load_default(letters)
    for text, place in lines:
        ImageDraw.Draw(image).text(place, text, font=font, fill=(30, 20, 40))
    return image


def texts(lines):
    return [line.text for line in lines]


def test_accents_chinese_and_japanese_are_read(reader):
    read = reader.read(Image.open(WORDS).convert("RGB"))
    assert texts(read) == [
        "Größe, façon, señora, œuvre", "Łódź, Čeština, perché", "東京駅出口",
    ]  # fmt: skip
    assert all(line.confidence >= 0.85 for line in read)


def test_lines_come_in_reading_order_with_their_places(reader):
    places = {
        "Invoice": (60, 40),
        "INV-2041": (560, 46),
        "Emergency exit": (80, 300),
        "Platform 9": (480, 480),
    }
    read = reader.read(drawn(*places.items()))
    assert texts(read) == [*places]
    for line in read:
        left, top = places[line.text]
        box = np.array(
            [line.x * 900, line.y * 600, (line.x + line.width) * 900, (line.y + line.height) * 600]
        )
        drawn_at = ImageFont.load_default(40).getbbox(line.text)
        assert box == pytest.approx(np.add(drawn_at, [left, top, left, top]), abs=14)
        assert line.angle == pytest.approx(0, abs=1)


@pytest.mark.parametrize("angle", [90, 180, 270, 30, 345])
def test_turned_lines_are_read_and_say_how_they_are_turned(reader, angle):
    turned = drawn(("Emergency exit", (200, 280))).rotate(angle, expand=True, fillcolor=(235, 230, 220))
    (line,) = reader.read(turned)
    assert line.text == "Emergency exit"
    assert (line.angle + angle + 180) % 360 == pytest.approx(180, abs=2)  # Pillow turns the other way round
    middle = (line.x + line.width / 2) * turned.width, (line.y + line.height / 2) * turned.height
    font = ImageFont.load_default(40).getbbox("Emergency exit")
    away = np.array([200 + (font[0] + font[2]) / 2 - 450, 280 + (font[1] + font[3]) / 2 - 300])
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    there = np.array([[cos, sin], [-sin, cos]]) @ away + np.array(turned.size) / 2
    assert middle == pytest.approx(there, abs=8)


@pytest.mark.parametrize("size", [(900, 600), (1, 900), (1, 1)])
def test_nothing_is_read_where_nothing_is_written(size):
    fresh = WordReader()
    assert fresh.read(Image.new("RGB", size, (90, 120, 200))) == []
    assert "_recogniser" not in vars(fresh)  # most photos need no second network


def test_a_single_letter_is_no_word(reader):
    assert reader.read(drawn(("A", (400, 200)), letters=120)) == []


def test_each_line_of_a_long_picture_is_read_once(reader):
    lines = [f"Line number {number} of a chat" for number in range(100, 130)]
    places = [(30, 40 + 120 * row) for row in range(len(lines))]
    assert texts(reader.read(drawn(*zip(lines, places, strict=True), size=(600, 3700)))) == lines


def test_a_page_has_at_most_as_many_lines_as_the_limit(reader, monkeypatch):
    monkeypatch.setattr(word_reader, "MOST_LINES", 10)
    page = drawn(*((f"Word {number}", (40, 20 + 45 * number)) for number in range(20)), size=(900, 950))
    assert len(reader.read(page)) == 10


def test_reading_ends_with_its_time(reader, monkeypatch):
    monkeypatch.setattr(word_reader, "MOST_SECONDS", 0.0)
    assert reader.read(drawn(("Emergency exit", (200, 280)))) == []


def test_noise_shows_no_words(reader):
    noise = np.random.default_rng(1).integers(0, 256, (700, 900, 3), np.uint8)
    assert reader.read(Image.fromarray(noise)) == []


@pytest.mark.parametrize("name", ["detector.onnx", "recogniser.onnx"])
def test_a_damaged_network_is_a_sentence(tmp_path, name):
    folder = Path(shutil.copytree(find_asset("reader"), tmp_path / "reader"))
    (folder / name).write_bytes(b"no network")
    with pytest.raises(BundleError, match=name):
        WordReader(folder).read(drawn(("Emergency exit", (200, 280))))
