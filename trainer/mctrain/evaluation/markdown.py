"""The figures of a subject as a page: accuracy against latency, then a table a task, with intervals and both halves."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING
from urllib.parse import quote

from mctrain.evaluation.accuracy import CALLS, QUERY, ROUNDS
from mctrain.evaluation.bootstrap import RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.evaluation.accuracy import Placed
    from mctrain.evaluation.bootstrap import Difference, Interval
    from mctrain.evaluation.report import Figure, Result
    from mctrain.evaluation.subject import Subject

_HOW = f"""Figures are percent. The interval is the middle 95 % of {RESAMPLES:,} resamples of the photos, each with all its
texts, and of a share at 0 and 100 % the exact one; the noise of training is not in it. Settings are chosen by one half of the photos and figures reported of the other:
even and odd SHA-256 of their keys. Equal scores count against the model.
"""
_AGAINST = """The last three columns tell what it has above the other one, in points, on the same resamples, and the share of
these in which it has more, with half of those in which both have the same.
"""
_MEASURED = f"""Milliseconds are of a tower alone, given one photo as pixels or one query (“{QUERY}”) as tokens, on one thread of
{{machine}}: of {ROUNDS} rounds the median of the least of {CALLS} calls, models in turns.
"""
_PLACES = ("model", "accuracy", "ms a photo", "ms a query", "run by")
_COLUMNS = ("figure", "all", "95 % interval", "chosen by", "reported")
_MORE = ("above the other", "95 % interval", "more in")


def markdown(
    results: Sequence[Result], subject: Subject, other: Subject | None, placed: Sequence[Placed], plot: str
) -> str:
    """The page; `plot` is the name of the picture beside it, of the models as they are `placed`."""
    parts = [f"# {_plain(subject.name)}\n", f"Weights `{subject.digest}`.\n", _HOW]
    if other:
        parts += [f"Beside it stands {_plain(other.name)}, weights `{other.digest}`. {_AGAINST}"]
    if placed:
        parts += [_against_latency(placed, plot)]
    return "\n".join(parts + [_table(own) for own in results])


def _against_latency(placed: Sequence[Placed], plot: str) -> str:
    rows = [
        (
            _plain(own.name),
            f"{own.accuracy.percent:.1f}",
            f"{own.latency.image:.1f}",
            f"{own.latency.text:.1f}",
            own.latency.runtime,
        )
        for own in placed
    ]
    of = ", ".join(map(_plain, placed[0].accuracy.of))
    machine = f"{platform.processor() or platform.machine()} with {os.cpu_count()} cores, {platform.system()}"
    return (
        f"## Accuracy against latency\n\n![Accuracy against latency]({quote(plot)})\n\n{_rows(_PLACES, rows)}\n"
        f"Accuracy is the mean of the first figures of the tasks, of the reported half: {of}.\n"
        f"{_MEASURED.format(machine=_plain(machine))}"
    )


def _rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ("---", *["---:"] * (len(columns) - 1)), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _table(result: Result) -> str:
    apart = {own.figure: own for own in result.differences}
    rows = [(*_cells(figure), *(_more(apart[figure.name]) if apart else ())) for figure in result.figures]
    asked = f"{result.photos:,} photos, {result.texts:,} texts.{' Less is better.' * result.less_is_better}"
    return f"## {_plain(result.task)}\n\n{asked}\n\n" + _rows(_COLUMNS + (_MORE if apart else ()), rows)


def _cells(figure: Figure) -> tuple[str, ...]:
    halves = ("" if own is None else f"{own:.1f}" for own in (figure.choosing, figure.reporting))
    return (_plain(figure.name), f"{figure.percent:.1f}", _span(figure.interval), *halves)


def _more(own: Difference) -> tuple[str, ...]:
    return (f"{own.points:+.1f}", _span(own.interval), f"{own.better:.1%}")


def _span(own: Interval) -> str:
    return f"{own.low:.1f} to {own.high:.1f}"


def _plain(text: str) -> str:
    """Names of other people's models and kinds, which shall neither break a table nor become markup."""
    return "".join(f"\\{sign}" if sign in "\\|`*_[]<>#" else sign for sign in " ".join(text.split()))
