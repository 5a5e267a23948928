"""`mctrain eval`: what a checkpoint or a bundle is worth."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mctrain.cli.places import cache_option, data_option
from mctrain.cli.printing import printable
from mctrain.cli.progress import bar
from mctrain.whole_files import write_whole
from picsight_engine.models.place import demand_writable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.evaluation.report import Result
    from mctrain.evaluation.subject import Subject


@click.command(name="eval")
@click.argument("subject")
@data_option
@cache_option
@click.option(
    "--tasks",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default="the list that ships",
    help="TOML list of what is asked, in place of the list that ships.",
)
@click.option(
    "--against", metavar="SUBJECT", help="Another subject: what SUBJECT has above it, photo by photo."
)
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Markdown file to write as well."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")
def evaluate(
    subject: str,
    *,
    data: Path,
    cache: Path,
    tasks: Path | None,
    against: str | None,
    report: Path | None,
    as_json: bool,
) -> None:
    """Measures SUBJECT, a checkpoint, a bundle, or a model of open_clip (open_clip:NAME@WEIGHTS); a bundle as the application runs it.

    Each figure has its 95 % interval, from photos drawn anew, and stands in the JSON for both halves of its set too: settings
    are chosen by one, the other is reported.
    """
    from mctrain.evaluation.markdown import markdown
    from mctrain.evaluation.measure import measure
    from mctrain.evaluation.report import result_of
    from mctrain.evaluation.scores import keep_scores
    from mctrain.evaluation.subject import Subject
    from mctrain.evaluation.tasks import find_files, load_tasks
    from mctrain.teachers.open import open_teacher

    if report:
        demand_writable(report.parent)
    with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
        asked = find_files(load_tasks(tasks), data, Path(scratch))
        opened = Subject(open_teacher(subject, cache), bar("photos"))
        other = Subject(open_teacher(against, cache), bar("photos")) if against else None
        results = [
            result_of(own.task.name, measure(opened, own), measure(other, own) if other else None)
            for own in asked
        ]
    keep_scores(cache, opened.digest, results)
    if report:
        with write_whole(report) as file:
            file.write(markdown(results, opened, other).encode())
    if as_json:
        click.echo(json.dumps(_document(opened, other, results), indent=2))
        return
    for own in results:
        for sentence in own.sentences(other.name if other else ""):
            click.echo(printable(sentence))


def _document(subject: Subject, other: Subject | None, results: Sequence[Result]) -> dict[str, Any]:
    return {
        "subject": _named(subject),
        "against": _named(other) if other else None,
        "tasks": [own.as_dict() for own in results],
    }


def _named(subject: Subject) -> dict[str, str]:
    return {"name": subject.name, "digest": subject.digest}
