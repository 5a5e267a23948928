"""`mctrain eval`: measures a checkpoint or a bundle."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mctrain.atomic_files import open_atomic
from mctrain.cli.options import ANY_FILE, FILE, cache_option, data_option, sheet_option, tasks_option
from mctrain.cli.progress import bar, printable
from picsight_engine.bundles.writable_folder import require_writable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.evaluation.evaluated_model import EvaluatedModel
    from mctrain.evaluation.report import TaskResult


@dataclass(frozen=True, slots=True)
class _Measured:
    """A subject as the user named it, and its results."""

    title: str
    subject: EvaluatedModel
    results: Sequence[TaskResult]


@click.command(name="eval")
@click.argument("subject")
@data_option
@cache_option
@tasks_option
@click.option("--against", metavar="SUBJECT", help="Another subject, to compare with SUBJECT photo by photo.")
@click.option(
    "--report",
    type=ANY_FILE,
    help="Markdown report to write, with a plot of accuracy against latency beside it (.svg).",
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
    """Measures SUBJECT: a checkpoint, a bundle (run as the application runs it), or an open_clip model (open_clip:NAME@WEIGHTS).

    Each figure has a 95 % interval from bootstrapped photos. The JSON also has it for both halves of the set: one
    chooses settings, the other reports.
    """
    from mctrain.evaluation.evaluated_model import EvaluatedModel
    from mctrain.evaluation.measure import measure_all
    from mctrain.evaluation.report import save_scores
    from mctrain.evaluation.tasks import find_files
    from mctrain.research.benchmarks.tasks import load_all_tasks
    from mctrain.teachers.teacher import open_teacher

    if report and report.suffix == ".svg":
        raise click.UsageError(
            f"--report {report} would be the plot's own name; call the page {report.stem}.md."
        )
    if report:
        require_writable(report.parent)
    titles = [subject, against] if against else [subject]
    with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
        asked = find_files(load_all_tasks(tasks), data, Path(scratch))
        subjects = [EvaluatedModel(open_teacher(title, cache), bar("photos")) for title in titles]
        results, refusals = measure_all(subjects, asked)
    measured = [_Measured(*each) for each in zip(titles, subjects, results, strict=True)]
    for refusal in refusals:
        click.echo(printable(refusal), err=True)
    one, other = measured[0], measured[1] if against else None
    try:  # results are printed even if the disk fails, and written even if the pipe is closed
        if as_json:
            click.echo(json.dumps(_document(one, other), indent=2))
        else:
            for result in one.results:
                for sentence in result.sentences(other.subject.name if other else ""):
                    click.echo(printable(sentence))
    finally:
        if report:
            _write_page(report, measured)
        for item in measured:
            save_scores(cache, item.subject.digest, item.results)


def _write_page(report: Path, measured: Sequence[_Measured]) -> None:
    """Writes the page, and the plot beside it if there is anything to plot."""
    from mctrain.evaluation.page import Placed, accuracy_of, accuracy_plot, markdown
    from mctrain.export.speed import latencies, open_calls

    placed: list[Placed] = []
    plot = report.with_suffix(".svg")
    accuracies = [item for each in measured if (item := accuracy_of(each.results))]
    if accuracies:
        speeds = latencies([open_calls(item.title) for item in measured])
        names = [item.subject.name for item in measured]
        if len(set(names)) < len(names):
            names = [f"{item.subject.name} ({item.subject.digest[:8]})" for item in measured]
        placed = [Placed(*item) for item in zip(names, accuracies, speeds, strict=True)]
        with open_atomic(plot) as file:
            file.write(accuracy_plot(placed).encode())
    one, other = measured[0], measured[1].subject if len(measured) > 1 else None
    with open_atomic(report) as file:
        file.write(markdown(one.results, one.subject, other, placed, plot.name).encode())


def _document(one: _Measured, other: _Measured | None) -> dict[str, Any]:
    return {
        "subject": {"name": one.subject.name, "digest": one.subject.digest},
        "against": {"name": other.subject.name, "digest": other.subject.digest} if other else None,
        "tasks": [each.as_dict() for each in one.results],
    }


@click.command()
@click.argument("subject")
@click.argument("shards", metavar="SHARD...", nargs=-1, required=True)
@click.option("--queries", required=True, type=FILE, help="Text file of searches, one per line.")
@sheet_option
@cache_option
def answers(subject: str, *, shards: tuple[str, ...], queries: Path, output: Path, cache: Path) -> None:
    """Shows the ten photos of SHARDs that SUBJECT (anything `mctrain eval` measures) ranks first for each search."""
    from mctrain.data.shard_names import resolve_shards
    from mctrain.evaluation.evaluated_model import EvaluatedModel
    from mctrain.evaluation.sheet import FIRST, answer, page, read_queries
    from mctrain.paths import on_disk
    from mctrain.teachers.teacher import open_teacher

    require_writable(output.parent)
    asked = read_queries(queries)
    places = [on_disk(each, "Searches are answered from a disk") for each in resolve_shards(shards)]
    opened = EvaluatedModel(open_teacher(subject, cache), bar("photos"))
    answered = answer(opened, places, asked)
    with open_atomic(output) as file:
        file.write(
            page(opened.name, f"The {FIRST} nearest photos of each search, with their cosines.", answered)
        )
    click.echo(f"{output}: {len(asked)} searches")
