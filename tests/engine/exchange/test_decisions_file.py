"""Decisions are written to a file and read back unchanged; a damaged file is refused with the place."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picsight_engine.exchange.decisions_file import (
    RatingLine,
    TagLine,
    encode,
    read_decisions,
    write_decisions,
)
from picsight_engine.foundation.errors import RequestError, StorageError
from picsight_engine.store.tagging.exported_decisions import SeenPicture

PICTURE = SeenPicture("/photos/a.jpg", bytes(range(16)), 1)
WHEN = datetime(2026, 5, 1, 10, 0, tzinfo=timezone(timedelta(hours=2)))
BIRDS = TagLine("Birds/Waders", "tag", ("a wader", "birds in the mud"), 0.6, True)
DECIDED = TagLine("Birds/Waders", "tag", ("a wader",), None, True, PICTURE, "accepted", None, WHEN, "you")
EXAMPLE = TagLine("Trip", "album", (), None, False, PICTURE, None, "against")
SEARCH = TagLine("Favourites", "favourite", (), None, False, search=("Snow", "dog snow"))
RATED = RatingLine(PICTURE, 4, WHEN)


def read(file):
    return tuple(read_decisions(file, []))


def write(path, *lines):
    path.write_text(
        "".join(line if isinstance(line, str) else "".join(encode([line])) for line in lines), "utf-8"
    )
    return path


def changed(line, **fields):
    record = json.loads("".join(encode([line])))
    record |= fields
    return json.dumps({name: value for name, value in record.items() if value is not ...}) + "\n"


def test_the_fields_of_a_decision():
    assert json.loads("".join(encode([DECIDED]))) == {
        "format": "picsight-decisions",
        "version": 1,
        "path": "/photos/a.jpg",
        "fingerprint": "000102030405060708090a0b0c0d0e0f",
        "rule": 1,
        "tag": "Birds/Waders",
        "kind": "tag",
        "prompts": ["a wader"],
        "threshold": None,
        "suggests": True,
        "decision": "accepted",
        "time": "2026-05-01T10:00:00+02:00",
        "source": "you",
    }
    tag = json.loads("".join(encode([BIRDS])))
    assert tag["decision"] is None
    assert not {"path", "fingerprint", "rule", "time", "source", "example"} & set(tag)
    assert json.loads("".join(encode([RATED])))["rating"] == 4


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=300).filter(str.strip)
SOURCES = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=100)
TAGS = st.lists(TEXTS.filter(lambda text: "/" not in text), min_size=1, max_size=3).map("/".join)
NO_TEXT = "".join(map(chr, range(0xDC80, 0xDD00)))  # how Python has the bytes of a name that is no text
PICTURES = st.builds(
    SeenPicture,
    st.text(
        st.characters(exclude_categories=("Cs",), include_characters=NO_TEXT, exclude_characters="\0"),
        min_size=1,
    )
    .filter(str.strip)
    .map(lambda text: f"/{text}"),
    st.binary(min_size=16, max_size=16),
    st.integers(1, 9),
)
TIMES = st.datetimes(
    *(datetime.fromisoformat(day) for day in ("0002-01-02", "9998-12-30")),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))]),
)
DEFINITIONS = st.builds(
    TagLine, TAGS, st.sampled_from(["tag", "album", "favourite"]), st.lists(TEXTS, max_size=3).map(tuple),
    st.none() | st.floats(0, 1), st.booleans(),
)  # fmt: skip


@st.composite
def lines(draw):
    tag = draw(DEFINITIONS)
    definition = (tag.tag, tag.kind, tag.prompts, tag.threshold, tag.suggests)
    kind = draw(st.sampled_from(["tag", "decision", "example", "rating", "search"]))
    if kind == "search":
        return TagLine(*definition, search=(draw(TEXTS), draw(TEXTS)))
    if kind == "rating":
        return RatingLine(draw(PICTURES), draw(st.integers(-1, 5)), draw(TIMES))
    if kind == "decision":
        verdict = draw(st.sampled_from(["accepted", "rejected"]))
        return TagLine(*definition, draw(PICTURES), verdict, None, draw(TIMES), draw(SOURCES))
    if kind == "example":
        return TagLine(*definition, draw(PICTURES), None, draw(st.sampled_from(["for", "against"])))
    return tag


@settings(max_examples=30, deadline=None)
@given(decisions=st.lists(lines(), min_size=1, max_size=6))
def test_any_decisions_are_read_back_as_written(tmp_path_factory, decisions):
    file = tmp_path_factory.getbasetemp() / "decisions.jsonl"
    write_decisions(file, decisions, replace=True)
    assert read(file) == tuple(decisions)
    assert file.read_bytes().count(b"\n") == len(decisions)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(StorageError, match="could not be written"):
        write_decisions(tmp_path / "none" / "a.jsonl", [BIRDS])


def test_a_path_that_is_not_text_comes_back(tmp_path):
    odd = TagLine("ä", "tag", (), None, False, SeenPicture("/ph\udcf6tos/ä.jpg", bytes(16), 1), None, "for")
    assert read(write(tmp_path / "a", odd, BIRDS)) == (odd, BIRDS)


def test_blank_lines_and_fields_of_later_versions_are_passed_over(tmp_path):
    file = write(tmp_path / "a", BIRDS, "\n", changed(DECIDED, later={"a": 1}), " \r\n")
    assert read(file) == (BIRDS, DECIDED)
    older = changed(SEARCH, search=..., query=...)  # as a reader sees it that knows no searches
    assert read(write(tmp_path / "b", older)) == (TagLine("Favourites", "favourite", (), None, False),)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"fingerprint": "ff"}, "`fingerprint` is not of 32 hexadecimal digits"),
        ({"path": ...}, "`path` is no path"),
        ({"rule": 0}, "`rule` is not a number"),
        ({"time": "9999-12-31T23:59:59-12:00"}, "`time` is not a date"),
        ({"source": "a\ud800b"}, "`source` is not a text"),
        ({"tag": "A//B"}, "`tag` is no name"),
        ({"kind": "face"}, "`kind` is neither"),
        ({"prompts": "x"}, "`prompts` is no list of texts"),
        ({"threshold": 2}, "`threshold` is not from 0 to 1"),
        ({"suggests": 1}, "`suggests` is neither"),
        ({"decision": "suggested"}, "`decision` is not accepted, rejected or null"),
        ({"example": "both"}, "`example` is neither"),
        ({"time": "2026-05-01T10:00:00"}, "`time` is not a date and time with an offset"),
        ({"rating": 6}, "`rating` is not from -1 to 5"),
        ({"format": "other"}, '`format` is not "picsight-decisions"'),
        ({"version": "1"}, "`version` is not a number"),
    ],
)
def test_one_damaged_line_refuses_the_file_with_its_place(tmp_path, fields, reason):
    file = write(tmp_path / "a.jsonl", DECIDED, changed(DECIDED, **fields), RATED)
    with pytest.raises(RequestError) as caught:
        read(file)
    sentence = str(caught.value)
    assert sentence.startswith(
        f"Nothing was imported from {file}, because one line is damaged: in line 2 {reason}"
    )
    assert sentence.endswith("Export it again, or delete what is damaged in a text editor.")


@pytest.mark.parametrize("name", ["path", "prompts", "tag"])
def test_a_line_with_half_a_character_is_reported_and_the_others_are_read(tmp_path, name):
    half = {name: ["a \ud83d"] if name == "prompts" else "a\ud83d.jpg"}
    file = write(tmp_path / "a.jsonl", DECIDED, changed(DECIDED, **half), changed(DECIDED, **half), RATED)
    faults = []
    assert tuple(read_decisions(file, faults)) == (DECIDED, RATED)
    sentence = str(*faults)
    assert sentence.startswith(f"2 lines of {file} were left out: in line 2 `{name}` holds half a character.")


@pytest.mark.parametrize("cut", [1, 40, 150])
def test_a_file_that_was_cut_off_is_refused(tmp_path, cut):
    file = write(tmp_path / "a.jsonl", BIRDS, DECIDED, DECIDED)
    file.write_bytes(file.read_bytes()[: -cut - 1])
    with pytest.raises(
        RequestError, match="one line is damaged: in line 3 there is no JSON, or it is cut off"
    ):
        read(file)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"caption,file\n" * 2000, "contains no Picsight decisions: in line 1 there is no JSON"),
        (b"\0\xff" * 3_000_000, "contains no Picsight decisions"),
        (b'{"caption": "a"}\n', "contains no Picsight decisions: in line 1 `format`"),
        (b"", "contains no Picsight decisions: it is empty"),
        (b'{"format": "picsight-decisions", "version": 2}\nwhatever', "written by a newer Picsight"),
    ],
)
def test_other_files_and_newer_formats_are_refused(tmp_path, content, sentence):
    file = tmp_path / "a.jsonl"
    file.write_bytes(content)
    with pytest.raises(RequestError, match=sentence):
        read(file)
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(RequestError, match="There is no file of decisions"):
            read(missing)
