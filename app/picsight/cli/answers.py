"""How an answer of `search` or `similar` is printed: JSON, a table on a terminal, or lines for other programs."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from picsight.cli.documents import answer_document
from picsight.cli.layout import count, cut_middle, terminal_width
from picsight.cli.streams import is_terminal, put, put_json, put_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.cli.invocation import Invocation
    from picsight_engine.search.answer import Answer, Result

Least = Literal["strong", "weaker", "all"]
LEAST: tuple[Least, ...] = ("strong", "weaker", "all")
_KEPT = {"strong": ("strong",), "weaker": ("strong", "weaker"), "all": ("strong", "weaker", "none")}
_DATE = len("2020-07-18")


def keep_matches(answer: Answer, least: Least) -> Answer:
    """The answer without what matches less than `least`; where nothing is calibrated, every result stays."""
    kept = (result for result in answer.results if result.match is None or result.match in _KEPT[least])
    return replace(answer, results=tuple(kept))


def put_answer(invocation: Invocation, answer: Answer) -> None:
    """Prints an answer in the form that was asked for, and tells on stderr what a person should know."""
    for fault in answer.faults:
        invocation.hint(fault.message)
    if invocation.json:
        put_json(answer_document(answer))
    elif is_terminal(sys.stdout):
        for row in table(answer.results, terminal_width(sys.stdout)):
            put(row)
    else:
        for result in answer.results:
            put_names(f"{result.score:.4f}", str(result.path))
    invocation.detail(f"{count(answer.photos, 'photo')} searched in {answer.milliseconds:.0f} ms.")
    if not answer.photos and answer.query.strip():
        invocation.hint_empty()
    elif not answer.results and not answer.faults and not invocation.json:
        invocation.hint("No photo matches.")


def table(results: Sequence[Result], width: int) -> list[str]:
    """Score, day and path of each in at most `width` cells; days go where none is known or the terminal is narrow."""
    dated = width >= 4 * _DATE and any(result.taken for result in results)
    return [_row(result, width, dated=dated) for result in results]


def _row(result: Result, width: int, *, dated: bool) -> str:
    left = f"{result.score:6.3f}  "
    if dated:
        left += (result.taken or "")[:_DATE].ljust(_DATE) + "  "
    return left + cut_middle(str(result.path), max(width - len(left), _DATE))
