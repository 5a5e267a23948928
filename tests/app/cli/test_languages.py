"""The command line speaks the user's language; what other programs read stays English."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from picsight import texts
from picsight.cli.program import program
from picsight.languages import CODES
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.installation.catalogue import CATALOGUE

COMMANDS = """
index {photos}
index {photos}/other
search cat
search cat in:
search in:1890 cat
search --language xx cat
search
search summer has:gps
search iso:>=1600 rated:4 in:2019..2021
search in:never at:Atlantis tag:Nothing
similar {photos}/cat.jpg
similar {photos}/nowhere.jpg
show {photos}/cat.jpg
show nowhere.jpg
tags new Dogs --prompt dog
tags list
tags show Dogs
tags change Dogs
tags accept Dogs {photos}/cat.jpg
tags accept Dogs {photos}/nowhere.jpg
tags rate 5 {photos}/cat.jpg
tags undo
tags undo
tags redo
export decisions {photos}/decisions
export sidecars --replace
tags import {photos}/decisions
status
problems
models list
models install
models use unknown
models remove picsight-starter
doctor
doctor {photos}
remove {photos}
remove {photos}
nonsense
"""
READ = ("search zebra has:gps", "show nowhere.jpg", "tags list", "problems", "models list", "doctor")
MEASURED = {"milliseconds", "seconds", "photos_per_second"}


def commands(command=program, path=()):
    """The words of every command."""
    yield path
    if isinstance(command, click.Group):
        for name in command.list_commands(context := click.Context(command)):
            yield from commands(command.get_command(context, name), (*path, name))


def untranslated(text, data):
    """The words outside ⟦translations⟧ that are no paths, options, choices or data."""
    for known in (
        r"⟦[^⟦⟧]*⟧",
        r"picsight [^⟦\n]*",
        r"⟦[^\n]*",
        r"\S*/\S*",
        r"(?<!\w)--?\w[-\w]*",
        r"\[[^\]]*\]",
        r"\{[^}]*\}",
        r"'[^']*'",
    ):
        text = re.sub(known, " ", text)
    return {*re.findall(r"[^\W\d_]*[a-z][^\W\d_]+", text)} - {*re.findall(r"[^\W\d_]+", data)}


@pytest.fixture
def foreign(monkeypatch, pseudo_catalogue):
    """A user whose language no code takes for English."""
    monkeypatch.setattr(texts, "_catalogue", pseudo_catalogue)


def test_every_help_page_is_translated(foreign, fresh):
    known = f"Usage: Options: Commands: Show this message and exit picsight {[*commands()]}"
    for words in commands():
        page = fresh(*words, "--help").out
        assert "⟦" in page
        assert not untranslated(page, known), page


def test_every_sentence_is_translated(foreign, picsight, photos, starter):
    models = [f"{each.name} {each.title} {each.licence}" for each in CATALOGUE]
    space = open_bundle(starter).manifest.space_id  # its letters may look like a word
    data = f"picsight-starter Starter (everyday things) {space} Dogs dog tag True {CODES} en {models}"
    for line in COMMANDS.strip().splitlines():
        done = picsight(*shlex.split(line.format(photos=photos)))
        left = untranslated(done.out + done.err, data + line)
        assert not left, (line, left, done)


def documents(picsight):
    """What programs read, without times."""
    found = [picsight(*line.split(), "--json").document for line in READ]
    return [{key: value for key, value in each.items() if key not in MEASURED} for each in found]


def test_programs_read_the_same_in_every_language(picsight, request):
    english = documents(picsight)
    request.getfixturevalue("foreign")
    assert documents(picsight) == english
