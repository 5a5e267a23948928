"""`mctrain eval`: what a checkpoint or a bundle is worth."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from mctrain.cli.places import cache_option, data_option
from mctrain.cli.progress import bar


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
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")
def evaluate(subject: str, data: Path, cache: Path, tasks: Path | None, *, as_json: bool) -> None:
    """Measures SUBJECT, a checkpoint, a bundle, or a model of open_clip (open_clip:NAME@WEIGHTS); a bundle as the application runs it."""
    from mctrain.evaluation.measure import measure
    from mctrain.evaluation.report import result_of
    from mctrain.evaluation.subject import Subject
    from mctrain.evaluation.tasks import find_files, load_tasks
    from mctrain.teachers.open import open_teacher

    with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
        asked = find_files(load_tasks(tasks), data, Path(scratch))
        opened = Subject(open_teacher(subject, cache), bar("photos"))
        results = [result_of(own.task.name, measure(opened, own)) for own in asked]
    if as_json:
        told = {"subject": opened.name, "digest": opened.digest, "tasks": [own.as_dict() for own in results]}
        click.echo(json.dumps(told, indent=2))
        return
    for own in results:
        click.echo(own.sentence())
