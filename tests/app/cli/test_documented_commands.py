"""`docs/commands.md` says of the command line what the command line says of itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from picsight.cli import documents
from picsight.cli.program import COMMANDS, program
from picsight_engine.doctor import Check
from picsight_engine.exchange.exchange import DecisionsExported
from picsight_engine.exchange.intake import Imported
from picsight_engine.exchange.sidecar_writing import Exported
from picsight_engine.indexing.events import Summary
from picsight_engine.installation.installed import InstalledModels
from picsight_engine.installation.model_choice import ModelChoice, Switch
from picsight_engine.installation.model_offers import model_offers
from picsight_engine.language.query import QueryFault
from picsight_engine.library import PhotoDetails, Problem, Status
from picsight_engine.metadata import Metadata
from picsight_engine.search.answer import Answer, Filter, Result, TermScore
from picsight_engine.store.runs import Run
from picsight_engine.tags.tree import Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).resolve().parents[3] / "docs" / "commands.md"
SHARED = {"--library", "--json", "--quiet", "--verbose", "--help"}
PATH = Path("/photos/a.jpg")
PROBLEM = Problem(
    folder_id=1,
    name=b"a.jpg",
    path=PATH,
    code="empty",
    message="It is empty.",
    first_seen=0,
    last_seen=0,
    tries=1,
    ignored=False,
    size=0,
    mtime_ns=0,
)
RESULT = Result(
    id=1,
    path=PATH,
    score=0.3,
    match=None,
    taken=None,
    place=None,
    width=4,
    height=3,
    terms=(TermScore("dog", 0.3),),
)
ANSWER = Answer(
    "dog",
    "0" * 16,
    photos=1,
    milliseconds=1.0,
    results=(RESULT,),
    filters=(Filter(0, 1, "time", "2012", photos=1),),
    faults=(QueryFault(0, 1, "It is not known."),),
)
DETAILS = PhotoDetails(id=1, paths=(PATH,), width=4, height=3, metadata=Metadata())
STATUS = Status(
    library=PATH.parent, folders=1, photos=1, files=1, problems=0, space="0" * 16, model="starter", bytes=9
)
TAG = Tag(
    id=1,
    name="Dogs",
    path="Dogs",
    parent=None,
    kind="tag",
    prompts=("dog",),
    examples=(),
    against=(),
    threshold=0.5,
    suggests=True,
    accepted=0,
    rejected=0,
    suggested=1,
)
CHECKS = [Check("library", "It is sound.")]


def section(heading: str) -> str:
    """The text below a heading, up to the next one of its kind."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"\n### `{heading}`\n")
    assert rest, f"the page has no section {heading}"
    return re.split(r"\n##+ ", rest)[0]


def documented_keys(heading: str) -> list[list[str]]:
    """The first column of each of a section's tables."""
    tables = section(heading).split("| key | value |")[1:]
    return [re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) for table in tables]


def keys(*levels: Mapping[str, object]) -> list[list[str]]:
    return [list(level) for level in levels]


def first_of(document: documents.Document, key: str) -> dict[str, object]:
    members = document[key]
    assert isinstance(members, list)
    return members[0]


def test_the_keys_of_index() -> None:
    summary = Summary(1, 1, 0, 0, 0, 0, 1.0, 1.0)
    assert documented_keys("index [FOLDER]... --json") == keys(documents.summary_document(summary))


def test_the_keys_of_search() -> None:
    document = documents.answer_document(ANSWER)
    parts = [first_of(document, name) for name in ("results", "filters", "faults")]
    terms = parts[0]["terms"]
    assert isinstance(terms, list)
    assert documented_keys("search QUERY --json") == keys(document, *parts, terms[0])


def test_the_keys_of_show() -> None:
    known, unknown = documents.photo_document(DETAILS), documents.unknown_document(PATH, PROBLEM)
    assert documented_keys("show PATH --json") == keys(known, unknown)
    assert unknown["problem"] == {"code": "empty", "message": "It is empty.", "tries": 1}
    assert "an object of `code`, `message` and `tries`" in section("show PATH --json")


def test_the_keys_of_status() -> None:
    assert documented_keys("status --json") == keys(documents.status_document(STATUS))


def test_the_keys_of_problems() -> None:
    document = documents.problems_document([PROBLEM])
    assert documented_keys("problems --json") == keys(document, first_of(document, "problems"))


def test_the_keys_of_doctor() -> None:
    document = documents.checks_document(CHECKS)
    assert documented_keys("doctor --json") == keys(document, first_of(document, "checks"))


def test_the_keys_of_models(starter, tmp_path) -> None:
    models = InstalledModels(tmp_path / "models", starter)
    offers = documents.offers_document(model_offers(tmp_path, models))
    assert documented_keys("models list --json") == keys(offers, first_of(offers, "models"))
    bundle = models.find("picsight-starter")
    installed = documents.installed_document(bundle)
    assert documented_keys("models install NAME --json") == keys(installed)
    switch = documents.switch_document(Switch(ModelChoice(bundle, bundle), photos=0))
    assert documented_keys("models use NAME --json") == keys(switch)
    verdicts = documents.verdicts_document([documents.ModelVerdict("starter", ok=True, message="")])
    assert documented_keys("models verify [NAME] --json") == keys(verdicts, first_of(verdicts, "models"))
    assert documented_keys("models remove NAME --json") == keys(documents.removed_document("starter"))


def test_the_keys_of_tags() -> None:
    tags = documents.tags_document([TAG])
    assert documented_keys("tags list --json") == keys(tags, first_of(tags, "tags"))
    details = documents.tag_details_document(TAG, [], [])
    more = {key: value for key, value in details.items() if key not in documents.tag_document(TAG)}
    assert documented_keys("tags show TAG --json") == keys(more)
    run = documents.run_document(Run(1, "new", "New tag", 0.0, undone=False))
    assert isinstance(run["run"], dict)
    assert documented_keys("tags accept TAG PATH... --json") == keys(run, run["run"])


def test_the_keys_of_exports_and_imports() -> None:
    imported = Imported(
        None, tags=0, accepted=0, rejected=0, withdrawn=0, rated=0, photos=0, unknown=0, faults=()
    )
    document = documents.imported_document(imported)
    assert documented_keys("tags import FILE|FOLDER --json") == keys(document)
    exported = documents.decisions_document(PATH, DecisionsExported(1, 2, 3))
    assert documented_keys("export decisions FILE --json") == keys(exported)
    sidecars = documents.sidecars_document(Exported(1, 2, ()))
    table = documents.table_document(PATH, 1)
    assert documented_keys("export sidecars [FOLDER] --json") == keys(sidecars, table)


@pytest.mark.parametrize("group_name", ["models", "tags", "export"])
def test_the_options_of_a_group_of_commands_are_documented_and_no_others(group_name: str) -> None:
    group = program.get_command(click.Context(program), group_name)
    assert isinstance(group, click.Group)
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{group_name} (\w+)` \| `(-[-\w]+)`", text, re.MULTILINE)
    own = {
        (name, option)
        for name, command in group.commands.items()
        for param in command.get_params(click.Context(command))
        for option in param.opts
        if option.startswith("-") and option not in SHARED
    }
    assert set(rows) == own
    for name in group.commands:
        assert f"`{group_name} {name}" in text


def test_the_help_text_is_the_programs_own() -> None:
    told = CliRunner().invoke(program, ["--help"], prog_name="picsight").output
    assert f"```\n{told}```" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command_are_documented_and_no_others(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    own = {option for param in command.get_params(click.Context(command)) for option in param.opts} - SHARED
    rows = re.findall(r"^\| `(\w+)` \| `(-[-\w]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {option for command_name, option in rows if command_name == name} == {
        option for option in own if option.startswith("-")
    }
