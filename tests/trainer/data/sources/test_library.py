"""A library's decisions become samples: words of accepted tags are queries, and photos keep all decisions."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from functools import partial

import pytest

from mctrain.data.sources.library import FORMAT, Decision, decisions_of, read_library
from mctrain.errors import DataError
from picsight_engine.exchange.decisions_file import RatingLine, TagLine, write_decisions
from picsight_engine.photos.identity import FINGERPRINT_RULE, fingerprint
from picsight_engine.store.tagging.exported_decisions import SeenPicture

DAY = "2026-05-0{}T10:00:00+02:00"


@pytest.fixture
def photos(shared, tmp_path):
    names = ("kodak_dc210.jpg", "canon_40d.jpg")
    return [shutil.copy(shared / "camera" / name, tmp_path / name) for name in names]


def decision(path, tag, decided, *, day=1, prompts=(), mark=None):
    return {
        "format": FORMAT,
        "version": 1,
        "path": str(path),
        "fingerprint": mark or fingerprint(path.read_bytes()).hex(),
        "rule": FINGERPRINT_RULE,
        "tag": tag,
        "kind": "tag",
        "prompts": list(prompts),
        "threshold": None,
        "suggests": True,
        "decision": decided,
        "time": DAY.format(day),
        "source": "you",
    }


def example(path, tag, role):
    return {**decision(path, tag, None), "example": role, "time": None}


def export(folder, *lines):
    path = folder / "decisions.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in lines), "utf-8")
    return path


def decided(file):
    """The tags of each photo that was found: True if accepted, False if rejected."""
    return {
        entry.path.name: {
            choice.tag: choice.accepted for choice in decisions_of(entry.texts.about, entry.path.name)
        }
        for entry in read_library(file).entries
    }


def test_a_file_that_picsight_wrote_is_read(photos, tmp_path):
    kodak, canon = (
        SeenPicture(str(path), fingerprint(path.read_bytes()), FINGERPRINT_RULE) for path in photos
    )
    choice = {"time": datetime(2026, 5, 1, tzinfo=UTC), "source": "you"}
    garden = partial(TagLine, "Places/garden", "tag", ("a garden", "flowers"), 0.5, True)
    beach = partial(TagLine, "beach", "tag", (), None, False)
    file = tmp_path / "decisions.jsonl"
    write_decisions(
        file,
        [
            garden(kodak, "accepted", **choice),
            beach(kodak, "rejected", **choice),
            beach(canon, "accepted", **choice),
            TagLine("Empty", "tag", ("nothing",), None, True),
            TagLine("Holiday", "album", (), None, False, canon, "accepted", **choice),
            TagLine("Favourites", "favourite", (), None, False, canon, "accepted", **choice),
            RatingLine(canon, 5, choice["time"]),
        ],
    )
    canons, kodaks = read_library(file).entries
    assert kodaks.texts.synthetic == {"syn_text_query": ("a garden", "flowers")}
    assert canons.texts.synthetic == {"syn_text_query": ("beach",)}
    assert decisions_of(kodaks.texts.about, "") == (
        Decision("Places/garden", ("a garden", "flowers"), True),
        Decision("beach", (), False),
    )
    assert [choice.words for choice in decisions_of(canons.texts.about, "")] == [("beach",)]


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_decision_counts_in_any_order(photos, tmp_path, order):
    kodak = partial(decision, photos[0])
    lines = [
        kodak("garden", "rejected", day=1),
        kodak("garden", "accepted", day=2),
        kodak("pets", "accepted", day=1),
        kodak("pets", "rejected", day=2),
        kodak("sky", "rejected", day=1),
        example(photos[0], "sky", "for"),
        example(photos[0], "sea", "against"),
    ]
    assert decided(export(tmp_path, *lines[::order])) == {
        photos[0].name: {"garden": True, "pets": False, "sky": False, "sea": False}
    }


def test_an_unchanged_photo_is_found_at_any_of_its_paths(photos, tmp_path):
    kodak, canon = photos
    mark = fingerprint(kodak.read_bytes()).hex()
    places = (tmp_path / "gone.jpg", canon, kodak)
    listing = read_library(export(tmp_path, *(decision(at, "x", "accepted", mark=mark) for at in places)))
    assert [entry.path for entry in listing.entries] == [kodak]
    assert listing.faults == ()


def test_a_changed_or_missing_photo_is_reported(photos, tmp_path):
    mark = fingerprint(photos[0].read_bytes()).hex()
    places = (tmp_path / "gone.jpg", photos[1])
    listing = read_library(export(tmp_path, *(decision(at, "x", "accepted", mark=mark) for at in places)))
    assert listing.entries == ()
    assert "no longer there" in listing.faults[0]
    assert "canon_40d.jpg has changed since its tags were decided" in listing.faults[1]


def test_a_line_with_half_a_character_is_reported_and_the_others_are_read(photos, tmp_path):
    kodak, canon = photos
    halves = ({"path": "/a\ud83d.jpg"}, {"prompts": ["a \ud83d"]}, {"tag": "\udc80"})
    broken = [{**decision(canon, "x", "accepted"), **half} for half in halves]
    file = export(tmp_path, *broken, decision(kodak, "x", "accepted"))
    assert decided(file) == {kodak.name: {"x": True}}
    assert read_library(file).faults == tuple(
        f"Line {number} of {file} was left out: a text holds half a character." for number in (1, 2, 3)
    )


GOOD = decision("a.jpg", "x", "accepted", mark="0" * 32)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("{", "there is no JSON, or it is cut off"),
        ({**GOOD, "decision": "suggested"}, "`decision` cannot be 'suggested'; export the decisions again"),
        ({**GOOD, "time": "2026-05-01T10:00:00"}, "`time` cannot be"),
        ({**GOOD, "tag": "a//b"}, "`tag` cannot be"),
        ({**GOOD, "rule": 2}, "`rule` is 2 and not 1; use a Picsight and an mctrain of the same age"),
        ({**GOOD, "version": 2}, "`version` is 2 and not 1; use a Picsight and an mctrain of the same age"),
        ({"file": "a.jpg", "caption": "x"}, '`format` is not "picsight-decisions"'),
    ],
)
def test_nothing_is_read_from_a_file_with_a_broken_line(tmp_path, broken, message):
    file = export(tmp_path, GOOD, broken, GOOD)
    with pytest.raises(DataError) as caught:
        read_library(file)
    assert f"in line 2 of {file} {message}" in str(caught.value)
