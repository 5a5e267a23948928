"""Which words of a command line are options, and which belong to the query."""

from __future__ import annotations

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from picsight.cli.commands.search import search
from picsight.cli.words import WordsCommand, split_words

WITH_VALUE = frozenset({"-n", "--library", "--min"})


@click.command(cls=WordsCommand)
@click.argument("words", nargs=-1)
@click.option("-n", "limit", type=int, default=20)
@click.option("--library")
@click.option("--json", is_flag=True)
def echo(words: tuple[str, ...], limit: int, library: str | None, *, json: bool) -> None:
    click.echo(repr((list(words), limit, library, json)))


def typed(*args: str) -> tuple[list[str], int, str | None, bool]:
    result = CliRunner().invoke(echo, list(args))
    assert result.exit_code == 0, result.output
    return eval(result.output)


@pytest.mark.parametrize(
    "words",
    [
        ["sunset", "-people"],
        ["beach", "-night"],
        ["-snow"],
        ["-night", "beach"],
        ["-n5"],
        ["-n=5", "-j", "-h", "-"],
        ["dog", "|", "cat", "-ñandú", "-1"],
    ],
)
def test_a_word_with_one_dash_belongs_to_the_query(words: list[str]) -> None:
    assert typed(*words) == (words, 20, None, False)


@pytest.mark.parametrize(
    "args",
    [
        ["-n", "5", "--json", "--library", "L", "beach", "-night"],
        ["beach", "-n", "5", "-night", "--library=L", "--json"],
        ["beach", "-night", "--json", "--library", "L", "-n", "5"],
    ],
)
def test_options_stand_anywhere_among_the_words(args: list[str]) -> None:
    assert typed(*args) == (["beach", "-night"], 5, "L", True)


def test_two_dashes_end_the_options() -> None:
    assert typed("--json", "--", "--library", "-n", "5") == (["--library", "-n", "5"], 20, None, True)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["beach", "-n"], "'-n' requires an argument"),
        (["beach", "-n", "five"], "'five' is not a valid integer"),
        (["beach", "--night"], "No such option"),
        (["beach", "--library"], "'--library' requires an argument"),
    ],
)
def test_a_wrong_option_is_wrong_usage(args: list[str], sentence: str) -> None:
    result = CliRunner().invoke(echo, args)
    assert result.exit_code == 2
    assert sentence in result.output


def test_tab_behind_an_option_offers_its_values() -> None:
    def offered(*args: str) -> list[tuple[str, str]]:
        found = ShellComplete(search, {}, "search", "_SEARCH_COMPLETE").get_completions(list(args), "")
        return [(each.value, each.type) for each in found]

    assert [value for value, _ in offered("dog", "--min")] == ["strong", "weaker", "all"]
    assert [kind for _, kind in offered("dog", "--library")] == ["file"]


def test_the_only_one_letter_option_of_search_is_n() -> None:
    short = [
        name for param in search.params for name in param.opts if len(name) == 2 and name.startswith("-")
    ]
    assert short == ["-n"]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=6).map(lambda text: "-" + text), max_size=5))
def test_no_word_with_one_dash_is_ever_lost_or_moved(words: list[str]) -> None:
    words = [word for word in words if not word.startswith("--") and word != "-n"]
    assert split_words(words, WITH_VALUE) == ([], words)
