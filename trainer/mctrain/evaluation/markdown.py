"""The figures of a subject as a page: a table a task, with intervals and both halves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.evaluation.bootstrap import RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.evaluation.bootstrap import Difference, Interval
    from mctrain.evaluation.report import Figure, Result
    from mctrain.evaluation.subject import Subject

_HOW = f"""Figures are percent. The interval is the middle 95 % of {RESAMPLES:,} resamples of the photos, each with all its
texts; the noise of training is not in it. Settings are chosen by one half of the photos and figures reported of the other:
even and odd SHA-256 of their keys. Equal scores count against the model.
"""
_AGAINST = """The last three columns tell what it has above the other one, in points, on the same resamples, and the share of
these in which it has more.
"""
_COLUMNS = ("figure", "all", "95 % interval", "chosen by", "reported")
_MORE = ("above the other", "95 % interval", "more in")


def markdown(results: Sequence[Result], subject: Subject, other: Subject | None) -> str:
    """The page."""
    parts = [f"# {_plain(subject.name)}\n", f"Weights `{subject.digest}`.\n", _HOW]
    if other:
        parts += [f"Beside it stands {_plain(other.name)}, weights `{other.digest}`. {_AGAINST}"]
    return "\n".join(parts + [_table(own) for own in results])


def _table(result: Result) -> str:
    columns = _COLUMNS + (_MORE if result.differences else ())
    lines = [columns, ("---", *["---:"] * (len(columns) - 1))]
    apart = {own.figure: own for own in result.differences}
    for figure in result.figures:
        more = _more(apart[figure.name]) if apart else ()
        lines.append((*_cells(figure), *more))
    head = f"## {_plain(result.task)}\n\n{result.photos:,} photos, {result.texts:,} texts.\n\n"
    return head + "".join(f"| {' | '.join(line)} |\n" for line in lines)


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
