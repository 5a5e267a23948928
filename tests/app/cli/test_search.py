"""`search` and `similar`: which photos they find, and how they print an answer."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from picsight.cli.commands.search import table
from picsight.cli.layout import cells
from picsight_engine.search.answer import Result
from picsight_engine.store.derived.vectors import active_space, put_vector, vector_of
from picsight_engine.store.opening import open_database

RESULT = Result(
    id=1, path=Path("/photos/a.jpg"), score=0.31234, match=None, taken="2020-07-18T17:42:00", place=None, width=4,
    height=3,
)  # fmt: skip


def found(indexed, *words):
    return [(Path(each["path"]).stem, each["match"]) for each in indexed.json("search", *words)["results"]]


def test_the_one_matching_photo_is_strong_and_worse_matches_are_left_out(indexed):
    everything = found(indexed, "cat", "--min", "all")
    assert len(everything) == 4
    assert everything[0] == ("cat", "strong")
    assert found(indexed, "cat", "--min", "strong") == everything[:1]
    assert found(indexed, "cat") == [each for each in everything if each[1] != "none"]
    assert found(indexed, "cat", "-n", "1") == everything[:1]
    assert found(indexed, "suspension bridge", "--min", "strong") == []
    assert "add --min all" in indexed("search", "suspension bridge", "--min", "strong").err


def test_the_best_come_first_and_a_word_with_a_dash_wants_less_of_something(indexed):
    scores = [result["score"] for result in indexed.json("search", "a", "cat", "--min", "all")["results"]]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 1
    for words in (["cat", "-coffee"], ["-n5"]):
        assert indexed.json("search", *words)["query"] == " ".join(words)
    either, less = (
        found(indexed, *words, "--min", "all") for words in (["cat | coffee"], ["cup", "-coffee"])
    )
    assert either[:2] != less[:2]


def test_each_line_of_stdin_is_answered_in_a_line(indexed):
    typed = "cat\r\n\n  \nKühe | -n\n".encode()
    answers = indexed("search", "--stdin", "--json", "-n", "3", "--min", "all", stdin=typed).documents
    assert [answer["query"] for answer in answers] == ["cat", "", "  ", "Kühe | -n"]
    assert [len(answer["results"]) for answer in answers] == [3, 0, 0, 3]
    assert answers[0]["results"] == indexed.json("search", "cat", "-n", "3", "--min", "all")["results"]


def test_a_film_is_found_at_a_moment_which_is_shown_beside_its_path(picsight):
    cat = picsight.json("search", "cat")["results"][0]
    assert cat["moment"] is None
    with closing(open_database(picsight.library)) as db, db.writer() as connection:
        space = active_space(db).name
        vector = vector_of(db, cat["id"], space)
        put_vector(connection, cat["id"], space, -vector, moment=1.0, parts=[(vector, 3762.5)])
    assert picsight.json("search", "cat")["results"] == [{**cat, "moment": 3762.5}]
    assert picsight("search", "cat").out == f"{cat['score']:.4f}\t{cat['path']}\t1:02:42\n"
    row = replace(RESULT, moment=42.9)
    assert table([row], 80) == [f" 0.312  2020-07-18  {RESULT.path}  0:42"]
    assert cells(table([replace(row, path=Path("/photos" * 20))], 40)[0]) == 40


def test_similar_starts_from_a_photo_and_leaves_it_out(indexed, monkeypatch, tmp_path):
    photo = Path(indexed.json("search", "cat")["results"][0]["path"])
    (tmp_path / "folder").symlink_to(photo.parent)
    monkeypatch.chdir(tmp_path)
    for typed, query in ((photo, photo), (Path("folder/cat.jpg"), tmp_path / "folder" / "cat.jpg")):
        answer = indexed.json("similar", typed)
        assert answer["query"] == str(query)
        assert len(answer["results"]) == 3
        assert str(photo) not in [result["path"] for result in answer["results"]]


def test_facts_narrow_an_answer_and_are_located_in_the_query(indexed):
    document = indexed.json("search", "cat", "is:landscape", "rated:nine", '-"rocket"', "--min", "all")
    query = document["query"]
    parts = [query[part["start"] : part["end"]] for part in document["filters"]]
    assert parts == ["is:landscape", '-"rocket"']
    assert [part["excluded"] for part in document["filters"]] == [False, True]
    assert document["photos"] == len(document["results"]) == 2
    assert [query[fault["start"] : fault["end"]] for fault in document["faults"]] == ["rated:nine"]


def test_an_explanation_follows_each_photo_indented_or_in_its_json(indexed):
    terms = indexed.json("search", "cat", "-dog", "--explain", "-n", "1")["results"][0]["terms"]
    assert [term["text"] for term in terms] == ["cat", "-dog"]
    row, terms_line = indexed("search", "cat", "-dog", "--explain", "-n", "1").out.splitlines()
    assert row.endswith("/cat.jpg")
    assert terms_line.split() == ["cat", f"{terms[0]['score']:.3f}", "·", "-dog", f"{terms[1]['score']:.3f}"]
    assert terms_line.startswith("   ")


def test_a_pipe_gets_a_score_a_tab_and_the_whole_path_in_the_order_that_was_asked_for(indexed):
    lines = indexed("search", "is:landscape", "--order", "folder").out.splitlines()
    assert len(lines) > 1
    assert lines == sorted(lines)
    assert {line.split("\t")[0] for line in lines} == {"0.0000"}
    assert all(Path(line.split("\t")[1]).is_file() for line in lines)


def test_a_photo_with_several_files_in_the_folder_of_the_query_is_printed_once_for_each(picsight, photos):
    (photos / "again").mkdir()
    files = [photos / "cat.jpg", photos / "again" / "cat again.jpg"]
    shutil.copyfile(*files)
    picsight.json("index", photos)
    query = ["a cat", "folder:photos/", "-n", "1"]
    (cat,) = picsight.json("search", *query)["results"]
    printed = [line.split("\t") for line in picsight("search", *query).out.splitlines()]
    assert {score for score, _ in printed} == {f"{cat['score']:.4f}"}
    assert [Path(path) for _, path in printed] == [Path(path) for path in (cat["path"], *cat["also"])]
    assert {Path(path) for _, path in printed} == set(files)
    assert [each["also"] for each in picsight.json("search", "a cat", "-n", "1")["results"]] == [[]]


def test_a_filter_that_cannot_be_used_or_leaves_nothing_is_explained(indexed):
    done = indexed("search", "in:2019", "is:round")
    assert done.out == ""
    assert '"is:" knows portrait' in done.err
    assert indexed("search", "in:2019", "is:round", "--quiet").err == f"{done.err.splitlines()[0]}\n"
    assert "4 photos without a date were left out." in done.err
    assert " index FOLDER" not in done.err


def test_a_row_shows_score_day_and_path_and_leaves_out_a_day_that_is_unknown_or_does_not_fit():
    assert table([RESULT], 80) == [" 0.312  2020-07-18  /photos/a.jpg"]
    assert table([RESULT], 30) == table([replace(RESULT, taken=None)], 80) == [" 0.312  /photos/a.jpg"]


@pytest.mark.parametrize("width", [20, 39, 40, 80])
def test_a_row_fits_the_terminal(width):
    (row,) = table([replace(RESULT, path=Path("/写真/" + "夏" * 90 + ".jpg"))], width)
    assert cells(row) <= width


def test_a_query_in_another_language_is_translated_and_the_translation_is_shown(indexed, monkeypatch):
    document = indexed.json("search", "Katze", "--language", "en,de", "--min", "all")
    assert document["results"][0]["path"].endswith("cat.jpg")
    assert (document["language"], document["readings"], document["unknown"]) == ("de", ["cat"], [])
    assert indexed.json("search", "Katze", "--language", "en")["language"] is None
    assert "Searched as: black cat" in indexed("search", "schwarze", "Katze", "--language", "de").err
    hint = "To search in German, add --language de."
    assert hint in indexed("search", "Hund", "im", "Schnee").err
    assert hint not in indexed("search", "Hund", "im", "Schnee", "--language", "en").err
    monkeypatch.setenv("LANGUAGE", "fr_FR:en")  # without an option, the system decides
    assert indexed.json("search", "chat noir")["readings"][0] == "black cat"
    refused = indexed("search", "cat", "--language", "klingon")
    assert (refused.code, '"klingon"' in refused.err) == (2, True)
