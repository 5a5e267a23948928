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
