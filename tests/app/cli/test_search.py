"""`search` and `similar`: which photos are found, and how an answer is printed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from picsight.cli.commands.search import table
from picsight.cli.layout import cells
from picsight_engine.search.answer import Result
from picsight_engine.store.opening import open_database
from picsight_engine.store.vectors import active_space, put_vector, vector_of

RESULT = Result(
    id=1, path=Path("/photos/a.jpg"), score=0.31234, match=None, taken="2020-07-18T17:42:00", place=None, width=4,
    height=3,
)  # fmt: skip


def found(known, *words):
    return [(Path(each["path"]).stem, each["match"]) for each in known.json("search", *words)["results"]]


def test_the_one_right_photo_of_four_is_strong_and_what_matches_less_is_left_out(known):
    everything = found(known, "cat", "--min", "all")
    assert len(everything) == 4
    assert everything[0] == ("cat", "strong")
    assert found(known, "cat", "--min", "strong") == everything[:1]
    assert found(known, "cat") == [each for each in everything if each[1] != "none"]
    assert found(known, "cat", "-n", "1") == everything[:1]
    assert found(known, "suspension bridge", "--min", "strong") == []


def test_the_best_come_first_and_a_word_with_a_dash_wants_less_of_something(known):
    scores = [result["score"] for result in known.json("search", "a", "cat", "--min", "all")["results"]]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 1
    for words in (["cat", "-coffee"], ["-n5"]):
        assert known.json("search", *words)["query"] == " ".join(words)
    assert (
        found(known, "cat | coffee", "--min", "all")[:2] != found(known, "cup", "-coffee", "--min", "all")[:2]
    )


def test_queries_of_stdin_are_answered_each_in_a_line_whatever_ends_it(known):
    typed = "cat\r\n\n  \nKühe | -n\n".encode()
    answers = known("search", "--stdin", "--json", "-n", "3", "--min", "all", stdin=typed).documents
    assert [answer["query"] for answer in answers] == ["cat", "", "  ", "Kühe | -n"]
    assert [len(answer["results"]) for answer in answers] == [3, 0, 0, 3]
    assert answers[0]["results"] == known.json("search", "cat", "-n", "3", "--min", "all")["results"]


def test_a_film_is_found_at_a_moment_which_stands_beside_its_file(own):
    cat = own.json("search", "cat")["results"][0]
    assert cat["moment"] is None
    with closing(open_database(own.library)) as db, db.writer() as connection:
        space = active_space(db).name
        vector = vector_of(db, cat["id"], space)
        put_vector(connection, cat["id"], space, -vector, moment=1.0, parts=[(vector, 3762.5)])
    assert own.json("search", "cat")["results"] == [{**cat, "moment": 3762.5}]
    assert own("search", "cat").out == f"{cat['score']:.4f}\t{cat['path']}\t1:02:42\n"
    row = replace(RESULT, moment=42.9)
    assert table([row], 80) == [f" 0.312  2020-07-18  {RESULT.path}  0:42"]
    assert cells(table([replace(row, path=Path("/photos" * 20))], 40)[0]) == 40


def test_similar_starts_from_a_photo_and_leaves_it_out(known, monkeypatch, tmp_path):
    photo = Path(known.json("search", "cat")["results"][0]["path"])
    (tmp_path / "folder").symlink_to(photo.parent)
    monkeypatch.chdir(tmp_path)
    for typed, asked in ((photo, photo), (Path("folder/cat.jpg"), tmp_path / "folder" / "cat.jpg")):
        answer = known.json("similar", typed)
        assert answer["query"] == str(asked)
        assert len(answer["results"]) == 3
        assert str(photo) not in [result["path"] for result in answer["results"]]


def test_facts_narrow_and_their_place_is_told_in_characters(known):
    document = known.json("search", "cat", "is:landscape", "rated:nine", '-"rocket"', "--min", "all")
    query = document["query"]
    parts = [query[part["start"] : part["end"]] for part in document["filters"]]
    assert parts == ["is:landscape", '-"rocket"']
    assert [part["excluded"] for part in document["filters"]] == [False, True]
    assert document["photos"] == len(document["results"]) == 2
    assert [query[fault["start"] : fault["end"]] for fault in document["faults"]] == ["rated:nine"]


def test_an_explanation_follows_each_photo_indented_or_in_its_json(known):
    terms = known.json("search", "cat", "-dog", "--explain", "-n", "1")["results"][0]["terms"]
    assert [term["text"] for term in terms] == ["cat", "-dog"]
    row, told = known("search", "cat", "-dog", "--explain", "-n", "1").out.splitlines()
    assert row.endswith("/cat.jpg")
    assert told.split() == ["cat", f"{terms[0]['score']:.3f}", "·", "-dog", f"{terms[1]['score']:.3f}"]
    assert told.startswith("   ")


def test_a_pipe_gets_a_score_a_tab_and_the_whole_path_in_the_order_that_was_asked_for(known):
    lines = known("search", "is:landscape", "--order", "folder").out.splitlines()
    assert len(lines) > 1
    assert lines == sorted(lines)
    assert {line.split("\t")[0] for line in lines} == {"0.0000"}
    assert all(Path(line.split("\t")[1]).is_file() for line in lines)


def test_what_cannot_be_used_is_told_and_what_leaves_nothing_is_no_empty_library(known):
    done = known("search", "in:2019", "is:round")
    assert done.out == ""
    assert '"is:" knows portrait' in done.err
    assert known("search", "in:2019", "is:round", "--quiet").err == f"{done.err.splitlines()[0]}\n"
    assert "4 photos without a date were left out." in done.err
    assert " index FOLDER" not in done.err


def test_a_row_tells_score_day_and_path_and_a_day_that_nobody_knows_or_has_room_for_is_left_out():
    assert table([RESULT], 80) == [" 0.312  2020-07-18  /photos/a.jpg"]
    assert table([RESULT], 30) == table([replace(RESULT, taken=None)], 80) == [" 0.312  /photos/a.jpg"]


@pytest.mark.parametrize("width", [20, 39, 40, 80])
def test_a_row_fits_the_terminal(width):
    (row,) = table([replace(RESULT, path=Path("/写真/" + "夏" * 90 + ".jpg"))], width)
    assert cells(row) <= width


def test_a_query_in_another_language_is_translated_and_said(known, monkeypatch):
    document = known.json("search", "Katze", "--language", "en,de", "--min", "all")
    assert document["results"][0]["path"].endswith("cat.jpg")
    assert (document["language"], document["readings"], document["unknown"]) == ("de", ["cat"], [])
    assert known.json("search", "Katze", "--language", "en")["language"] is None
    assert "Searched as: black cat" in known("search", "schwarze", "Katze", "--language", "de").err
    monkeypatch.setenv("LANGUAGE", "fr_FR:en")  # without an option, the system decides
    assert known.json("search", "chat noir")["readings"][0] == "black cat"
    refused = known("search", "cat", "--language", "klingon")
    assert (refused.code, '"klingon"' in refused.err) == (2, True)
