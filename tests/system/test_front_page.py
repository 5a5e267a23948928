"""The commands and the tree of the front page are true, and the links of all pages lead somewhere."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("*/README.md")]
MODULE = re.compile(r"`([\w/.-]+/[a-z][\w.-]*\.(?:py|toml|txt))`")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]


def test_the_page_shows_commands_of_the_checkout_and_of_the_program():
    assert {words[0] for words in COMMANDS} == {"python3", "picsight"}


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] == "python3"], ids=" ".join)
def test_a_command_for_the_checkout_is_one_that_dev_understands(words, monkeypatch):
    assert words[1] == "packaging/dev.py"
    monkeypatch.syspath_prepend(str(REPOSITORY / "packaging"))
    dev = importlib.import_module("dev")
    assert callable(dev.read_arguments(words[2:]).work)


def anchors(page: Path) -> set[str]:
    """A page's headings, as GitHub links to them."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_to_a_file_and_a_heading(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            target, _, heading = link.partition("#")
            there = page.parent / target if target else page
            assert there.is_file(), link
            assert not heading or heading in anchors(there), link


def test_the_modules_that_pages_name_are_there():
    tracked = [f"/{path.relative_to(REPOSITORY)}" for path in REPOSITORY.glob("[aept]*/**/*.*")]
    for page in PAGES:
        for name in MODULE.findall(page.read_text(encoding="utf-8")):
            assert any(path.endswith(f"/{name}") for path in tracked), (page.name, name)


def test_the_tree_is_the_repository_s():
    (tree,) = re.findall(r"## What is where\n\n```\n(.*?)```", README, re.DOTALL)
    places: list[str] = []
    for line in tree.splitlines():
        depth, name = (len(line) - len(line.lstrip())) // 2, line.split()[0]
        places[depth:] = [name]
        assert REPOSITORY.joinpath(*places).exists(), line
    shown = {line.split()[0].rstrip("/") for line in tree.splitlines() if not line.startswith(" ")}
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    folders = {path.split("/")[0] for path in tracked if "/" in path and not path.startswith(".")}
    assert shown == folders


def test_the_tools_that_contributing_names_are_installed():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for module in re.findall(r"python -m (\w+)", text):
        assert importlib.util.find_spec(module), module
    assert (Path(sys.executable).parent / "lint-imports").exists()
