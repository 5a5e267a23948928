"""`docs/commands.md` agrees with the command line, and its examples work."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.shell import Shell

from picsight.cli.program import COMMANDS, program

DOCS = Path(__file__).resolve().parents[3]
PAGE = (DOCS / "docs" / "commands.md").read_text(encoding="utf-8")
SHARED = {"--library", "--json", "--quiet", "--verbose", "--help"}


def documented_keys(heading: str) -> list[list[str]]:
    """The first column of each of a section's tables."""
    _, _, rest = PAGE.partition(f"\n### `{heading} --json`\n")
    tables = re.split(r"\n##+ ", rest)[0].split("| key | value |")[1:]
    return [re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) for table in tables]


def keys(*documents: object) -> list[list[str]]:
    """The keys of documents and, behind all of them, of the first of each of their parts that are objects."""
    waiting, found = list(documents), []
    for each in waiting:
        found.append(list(each))
        firsts = [value[0] if isinstance(value, list) and value else value for value in each.values()]
        waiting += [first for first in firsts if isinstance(first, dict)]
    return found


@pytest.fixture(scope="module")
def picsight(indexed, tmp_path_factory):
    """The command line on a library with a file that is no photo."""
    folder = tmp_path_factory.mktemp("documented")
    picsight = Shell(Path(shutil.copytree(indexed.library, folder / "library")))
    (folder / "photos").mkdir()
    (folder / "photos" / "empty.jpg").touch()
    picsight.json("index", folder / "photos")
    picsight.json("tags", "new", "Dogs", "--prompt", "dog")
    return picsight


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("index [FOLDER]...", "index"),
        ("search QUERY", "search cat is:landscape rated:nine --explain"),
        ("status", "status"),
        ("problems", "problems"),
        ("doctor", "doctor"),
        ("tags list", "tags list"),
        ("tags accept TAG PATH...", "tags accept Dogs {photo}"),
        ("export decisions FILE", "export decisions {folder}/decisions"),
        ("backup FILE", "backup {folder}/file"),
        ("models list", "models list"),
        ("models use NAME", "models use picsight-starter"),
        ("models verify [NAME]", "models verify"),
    ],
)
def test_the_page_lists_the_keys_of_every_document(picsight, tmp_path, heading, words):
    photo = picsight.json("search", "cat")["results"][0]["path"]
    typed = [word.format(photo=photo, folder=tmp_path) for word in words.split()]
    assert documented_keys(heading) == keys(picsight.json(*typed))


def test_the_page_lists_the_keys_of_photos_tags_exports_imports_and_models(
    picsight, second_model, tmp_path, home
):
    photo = picsight.json("search", "cat")["results"][0]["path"]
    bad = Path(picsight.json("problems")["problems"][0]["path"])
    photo_document, problem_document = picsight.json("show", photo), picsight("show", bad, "--json").document
    line, face = ["text", "confidence", "box", "angle"], ["id", "box", "score", "person", "group"]
    assert documented_keys("show PATH") == [list(photo_document), line, face, list(problem_document)]
    message = f"{bad} cannot be shown: the file is empty."
    assert problem_document["problem"] == {"code": "empty", "message": message, "tries": 1}
    listed = picsight.json("tags", "list")["tags"][0]
    more = [key for key in picsight.json("tags", "show", "Dogs") if key not in listed]
    assert documented_keys("tags show TAG") == [more]
    table = picsight.json("export", "sidecars", "--csv", tmp_path / "table")
    assert documented_keys("export sidecars [FOLDER]")[1] == list(table)
    sidecars = picsight.json("export", "sidecars", bad.parent)
    assert documented_keys("export sidecars [FOLDER]")[0] == list(sidecars)
    picsight.json("index", tmp_path)
    assert documented_keys("remove FOLDER...") == [list(picsight.json("remove", tmp_path))]
    assert documented_keys("tags import FILE|FOLDER") == [list(picsight.json("tags", "import", bad.parent))]
    installed = picsight.json("models", "install", "--from-file", second_model, "--accept-licence")
    assert documented_keys("models install NAME") == [list(installed)]
    picsight.json("backup", tmp_path / "file")
    restored = Shell(tmp_path / "restored").json("restore", tmp_path / "file")
    assert documented_keys("restore FILE") == [list(restored)]
    removed = picsight.json("models", "remove", "second", "--yes")
    assert documented_keys("models remove NAME") == [list(removed)]


def test_the_page_shows_the_help_text():
    output = CliRunner().invoke(program, ["--help"], prog_name="picsight").output
    assert f"```\n{output}```" in PAGE


def options(command: click.Command) -> set[str]:
    found = {option for param in command.get_params(click.Context(command)) for option in param.opts}
    return {option for option in found if option.startswith("-")} - SHARED


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command_are_documented_and_no_others(name):
    command = program.get_command(click.Context(program), name)
    rows = re.findall(rf"^\| `({name}(?: \w+)?)` \| `(-[-\w]+)`", PAGE, re.MULTILINE)
    commands = {name: command}
    if isinstance(command, click.Group):
        commands = {f"{name} {each}": below for each, below in command.commands.items()}
    assert set(rows) == {(each, option) for each, below in commands.items() for option in options(below)}
    assert all(f"`{each}" in PAGE for each in commands)


def examples(page: str) -> list[str]:
    """The commands of a page's last block of them that start the program."""
    block = re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)[-1]
    return [line for line in block.splitlines() if re.search(r"picsight \w|picsight --", line)]


def test_the_examples_of_the_pages_work(fresh, photos, home, tmp_path, monkeypatch):
    (photos / "cat.jpg").rename(photos / "IMG_2041.jpg")
    photos.rename(tmp_path / "Pictures")
    monkeypatch.chdir(tmp_path)
    for line in [*examples("README.md"), "picsight tags undo", *examples("docs/commands.md")]:
        before, _, command = line.rpartition("picsight ")
        paths = b"Pictures/IMG_2041.jpg\n" * ("find" in before)
        stdin = b"dog\nbeach -night\n" if "printf" in before else paths
        words = [word.replace("~", str(tmp_path)) for word in shlex.split(command, comments=True)]
        done = fresh(*words, stdin=stdin)
        assert done.code == 0, (line, done)
        assert "no photos in the library" not in done.err
    assert (tmp_path / "small.jpg").exists()
