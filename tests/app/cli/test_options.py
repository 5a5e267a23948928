"""Which words of a command line are options, and which belong to the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from picsight.cli.commands.search import search
from picsight.cli.options import WordsCommand, split_words

if TYPE_CHECKING:
    from picsight.cli.invocation import Invocation

WITH_VALUE = frozenset({"-n", "--library", "--min"})


@click.command(cls=WordsCommand)
@click.argument("words", nargs=-1)
@click.option("-n", "limit", type=int, default=20)
def echo(invocation: Invocation, words: tuple[str, ...], limit: int) -> None:
    library = invocation.library and str(invocation.library)
    click.echo(repr((list(words), limit, library, invocation.json)))


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
        ["-n", "5", "--json", "--library", "/L", "beach", "-night"],
        ["beach", "-n", "5", "-night", "--library=/L", "--json"],
        ["beach", "-night", "--json", "--library", "/L", "-n", "5"],
    ],
)
def test_options_stand_anywhere_among_the_words(args: list[str]) -> None:
    assert typed(*args) == (["beach", "-night"], 5, "/L", True)


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


@settings(max_examples=40)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=6).map(lambda text: "-" + text), max_size=5))
def test_no_word_with_one_dash_is_ever_lost_or_moved(words: list[str]) -> None:
    words = [word for word in words if not word.startswith("--") and word != "-n"]
    assert split_words(words, WITH_VALUE) == ([], words)
