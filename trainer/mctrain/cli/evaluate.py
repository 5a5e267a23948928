"""`mctrain eval`: what a checkpoint or a bundle is worth."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from mctrain.cli.places import cache_option, data_option
from mctrain.cli.progress import bar
from mctrain.data.everyday import EVERYDAY, pack_everyday
from mctrain.data.shards import find_shards

_USUAL = ("flickr8k-dev-*.tar", "caltech101-eval-*.tar", "imagenet-sample-*.tar", EVERYDAY)


@click.command(name="eval")
@click.argument("subject")
@data_option
@cache_option
@click.option(
    "--shards",
    multiple=True,
    default=_USUAL,
    show_default=True,
    help=f"Pattern in the data folder, or {EVERYDAY}, which is drawn from several files; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def evaluate(subject: str, data: Path, cache: Path, shards: tuple[str, ...], *, as_json: bool) -> None:
    """Measures SUBJECT, a checkpoint, a bundle, or a model of open_clip (open_clip:NAME@WEIGHTS); a bundle as the application runs it."""
    files = find_shards(data, [pattern for pattern in shards if pattern != EVERYDAY])
    from mctrain.evaluation.report import measure  # imports torch: 2 s
    from mctrain.evaluation.subject import Subject
    from mctrain.teachers.open import open_teacher

    opened = Subject(open_teacher(subject, cache), bar("photos"))
    with tempfile.TemporaryDirectory(prefix="mctrain-") as folder:
        if EVERYDAY in shards:
            files.append(pack_everyday(data, Path(folder)))
        figures = [measure(opened, file, data) for file in files]
    if as_json:
        click.echo(json.dumps({"shards": [own.as_dict() for own in figures]}, indent=2))
        return
    for own in figures:
        click.echo(own.sentence())
