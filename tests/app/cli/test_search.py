"""`search` says how well photos match, in a library of four photos with the model that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from picsight.cli.program import program

KNOWN = Path(__file__).resolve().parents[3] / "assets" / "known"


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Runs a command on a library of the known photographs; the results of `search` as name and match."""
    folder = tmp_path_factory.mktemp("search")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "home"))

        def run(*words):
            told = CliRunner().invoke(program, [*words, "--library", str(folder / "library"), "--json"])
            assert told.exit_code == 0, told.output
            return json.loads(told.stdout)

        run("index", str(KNOWN))
        yield lambda *words: [
            (Path(own["path"]).stem, own["match"]) for own in run("search", *words)["results"]
        ]


def test_the_one_right_photo_of_four_is_strong_and_what_matches_less_is_left_out(ask) -> None:
    everything = ask("cat", "--min", "all")
    assert len(everything) == 4
    assert everything[0] == ("cat", "strong")
    assert ask("cat", "--min", "strong") == everything[:1]
    assert ask("cat") == [own for own in everything if own[1] != "none"]
    assert ask("cat", "-n", "1") == everything[:1]


def test_a_thing_that_is_not_there_has_no_strong_photo(ask) -> None:
    assert ask("suspension bridge", "--min", "strong") == []


@pytest.fixture(scope="module")
def tell(tmp_path_factory):
    """Runs `search` on a library of the known photographs; what it tells on stdout and on stderr."""
    folder = tmp_path_factory.mktemp("tell")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "home"))

        def run(*words):
            told = CliRunner().invoke(program, [*words, "--library", str(folder / "library")])
            assert told.exit_code == 0, told.output
            return told.stdout, told.stderr

        run("index", str(KNOWN))
        yield lambda *words: run("search", *words)


def test_facts_narrow_and_their_place_is_told_in_characters(tell) -> None:
    words = ["cat", "is:landscape", "rated:nine", '-"rocket"', "--json", "--min", "all"]
    document = json.loads(tell(*words)[0])
    query = document["query"]
    assert [query[part["start"] : part["end"]] for part in document["filters"]] == [
        "is:landscape",
        '-"rocket"',
    ]
    assert [part["excluded"] for part in document["filters"]] == [False, True]
    assert document["photos"] == len(document["results"]) == 2
    assert [query[fault["start"] : fault["end"]] for fault in document["faults"]] == ["rated:nine"]


def test_an_explanation_follows_each_photo_indented_or_in_its_json(tell) -> None:
    document = json.loads(tell("cat", "-dog", "--explain", "--json", "-n", "1")[0])
    terms = document["results"][0]["terms"]
    assert [term["text"] for term in terms] == ["cat", "-dog"]
    path, told = tell("cat", "-dog", "--explain", "-n", "1")[0].splitlines()
    assert path.endswith("cat.jpg")
    assert told.split() == ["cat", f"{terms[0]['score']:.3f}", "·", "-dog", f"{terms[1]['score']:.3f}"]
    assert told.startswith("   ")


def test_an_order_by_folder_is_that_of_the_paths(tell) -> None:
    lines = tell("is:landscape", "--order", "folder")[0].splitlines()
    assert len(lines) > 1
    assert lines == sorted(lines)
    assert {line.split("\t")[0] for line in lines} == {"0.0000"}


def test_what_cannot_be_used_is_told_and_what_leaves_nothing_is_no_empty_library(tell) -> None:
    found, told = tell("in:2019", "is:round")
    assert found == ""
    assert '"is:" knows portrait' in told
    assert "4 photos without a date were left out." in told
    assert "picsight index" not in told
