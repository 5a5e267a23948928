"""How an answer of `search` or `similar` is printed: JSON, a table on a terminal, or lines for other programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from picsight.cli.documents import answer_document
from picsight.cli.layout import count, cut_middle, terminal_width
from picsight.cli.streams import is_terminal, put, put_json, put_names
from picsight_engine.language.query import as_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.cli.invocation import Invocation
    from picsight_engine.search.answer import Answer, Result

_DATE = len("2020-07-18")
_INDENT = " " * 8  # below the score's end


def put_answer(invocation: Invocation, answer: Answer) -> None:
    """Prints an answer in the form that was asked for, and tells on stderr what a person should know."""
    for fault in answer.faults:
        invocation.hint(fault.message)
    if invocation.json:
        put_json(answer_document(answer))
    elif is_terminal(sys.stdout):
        for row, result in zip(
            table(answer.results, terminal_width(sys.stdout)), answer.results, strict=True
        ):
            put(row)
            _put_terms(result)
    else:
        for result in answer.results:
            put_names(f"{result.score:.4f}", str(result.path))
            _put_terms(result)
    invocation.detail(f"{count(answer.photos, 'photo')} searched in {answer.milliseconds:.0f} ms.")
    _tell_filters(invocation, answer)
    if not answer.photos and answer.query.strip() and not answer.filters:
        invocation.hint_empty()
    elif not answer.results and not answer.faults and not invocation.json:
        invocation.hint("No photo matches.")


def _put_terms(result: Result) -> None:
    """How near the photo is to each part of the query, in a line of its own."""
    if result.terms:
        put(_INDENT + " · ".join(f"{term.text} {term.score:.3f}" for term in result.terms))


def _tell_filters(invocation: Invocation, answer: Answer) -> None:
    """What a person could not see otherwise: words that were taken for a time or a place, and photos without a date."""
    for part in answer.filters:
        if part.recognised:
            typed = answer.part(part)
            invocation.hint(
                f'"{typed}" was taken as a {part.kind}, with {count(part.photos, "photo")}; '
                f"as words it is typed {as_words(typed)}"
            )
    if answer.undated:
        invocation.hint(
            f"{count(answer.undated, 'photo')} without a date {'was' if answer.undated == 1 else 'were'} left out."
        )


def table(results: Sequence[Result], width: int) -> list[str]:
    """Score, day and path of each in at most `width` cells; days go where none is known or the terminal is narrow."""
    dated = width >= 4 * _DATE and any(result.taken for result in results)
    return [_row(result, width, dated=dated) for result in results]


def _row(result: Result, width: int, *, dated: bool) -> str:
    left = f"{result.score:6.3f}  "
    if dated:
        left += (result.taken or "")[:_DATE].ljust(_DATE) + "  "
    return left + cut_middle(str(result.path), max(width - len(left), _DATE))
