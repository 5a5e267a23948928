"""A library's decisions become samples: accepted tags are short queries, rejected ones stay as facts."""

from __future__ import annotations

import json
import shutil
from functools import partial

import pytest

from mctrain.data.sources.library import FORMAT, read_library
from mctrain.errors import DataError
from picsight_engine.photos.identity import fingerprint

DAY = "2026-05-0{}T10:00:00+02:00"


@pytest.fixture
def photos(shared, tmp_path):
    names = ("kodak_dc210.jpg", "canon_40d.jpg")
    return [shutil.copy(shared / "camera" / name, tmp_path / name) for name in names]


def decision(path, tag, accepted, *, day=1, prompts=(), mark=None):
    return {
        "path": str(path),
        "fingerprint": mark or fingerprint(path.read_bytes()).hex(),
        "tag": tag,
        "prompts": list(prompts),
        "decision": "accepted" if accepted else "rejected",
        "time": DAY.format(day),
    }


def export(folder, *lines, head=None):
    path = folder / "decisions.jsonl"
    rows = [head or {"format": FORMAT, "version": 1}, *lines]
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return path


def test_accepted_tags_are_queries_and_rejected_ones_are_kept(photos, tmp_path):
    kodak, canon = photos
    file = export(
        tmp_path,
        decision(kodak, "garden", True, prompts=["a garden", "flowers"]),
        decision(kodak, "beach", False),
        {**decision(canon, "beach", False), "later": "field"},
    )
    (entry,) = read_library(file).entries
    assert entry.path == kodak
    assert entry.words.synthetic == {"syn_text_query": ("garden", "a garden", "flowers")}
    assert entry.words.about == {"rejected": ["beach"]}


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_decision_counts_in_whatever_order_they_stand(photos, tmp_path, order):
    kodak = partial(decision, photos[0])
    lines = [
        kodak("garden", False, day=1),
        kodak("garden", True, day=2),
        kodak("pets", True, day=1),
        kodak("pets", False, day=2),
    ]
    (entry,) = read_library(export(tmp_path, *lines[::order])).entries
    assert entry.words.synthetic == {"syn_text_query": ("garden",)}
    assert entry.words.about["rejected"] == ["pets"]


def test_a_photo_is_found_at_any_of_its_paths_while_it_is_the_same(photos, tmp_path):
    kodak, canon = photos
    mark = fingerprint(kodak.read_bytes()).hex()
    file = export(
        tmp_path,
        decision(tmp_path / "gone.jpg", "garden", True, mark=mark),
        decision(canon, "garden", True, mark=mark),
        {**decision(kodak, "garden", True), "path": kodak.name},
    )
    listing = read_library(file)
    assert [entry.path for entry in listing.entries] == [kodak]
    assert listing.faults == ()


def test_a_photo_that_changed_or_went_is_told(photos, tmp_path):
    mark = fingerprint(photos[0].read_bytes()).hex()
    lines = [decision(tmp_path / "gone.jpg", "x", True, mark=mark), decision(photos[1], "x", True, mark=mark)]
    listing = read_library(export(tmp_path, *lines))
    assert listing.entries == ()
    assert "no longer there" in listing.faults[0]
    assert "canon_40d.jpg has changed since its tags were decided" in listing.faults[1]


def test_broken_lines_are_told_and_the_others_read(photos, tmp_path):
    good = decision(photos[0], "garden", True)
    broken = [
        "{", {**good, "decision": "suggested"}, {**good, "time": "2026-05-01T10:00:00"}, {**good, "time": "May"},
        {**good, "fingerprint": "ff"}, {**good, "prompts": "x"}, {**good, "tag": None},
    ]  # fmt: skip
    listing = read_library(export(tmp_path, *broken, good))
    assert len(listing.entries) == 1
    assert len(listing.faults) == len(broken)
    assert "line 3: `decision` must be accepted or rejected, not 'suggested'" in listing.faults[1]


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ({"file": "a.jpg", "caption": "x"}, "is no export of a Picsight library"),
        ({"format": FORMAT, "version": 2}, "has version 2 of the export, and only version 1"),
    ],
)
def test_another_file_and_another_version_are_refused(tmp_path, head, told):
    with pytest.raises(DataError, match=told):
        read_library(export(tmp_path, head=head))
