"""`picsight search`: finds photos by describing them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from picsight.cli.answers import LEAST, Least, keep_matches, put_answer
from picsight.cli.invocation import Invocation, shared_options
from picsight.cli.streams import finish_stdout, lines_of_stdin, put
from picsight.cli.words import WordsCommand
from picsight_engine.search.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsight_engine.library import Library
    from picsight_engine.models.bundle import Bundle


@click.command("search", cls=WordsCommand)
@click.argument("words", nargs=-1, metavar="[QUERY]...")
@click.option(
    "-n", "limit", type=click.IntRange(min=1), default=20, metavar="N", help="At most N photos (20)."
)
@click.option(
    "--min",
    "least",
    type=click.Choice(LEAST),
    default="weaker",
    help="How well a photo must match (weaker); without effect while the model is not calibrated.",
)
@click.option("--stdin", is_flag=True, help="Read one query a line from stdin.")
@shared_options
@click.pass_obj
def search(invocation: Invocation, words: tuple[str, ...], limit: int, least: Least, *, stdin: bool) -> int:
    """Find photos by describing them, as in: picsight search red bicycle near the sea.

    "sunset -people" wants less of something, "sunset | sunrise" either of two. Any word may begin with "-";
    only -n as a word of its own is an option.
    """
    if stdin and words:
        raise click.UsageError("Type a query or --stdin, not both.")
    if not stdin and not words:
        raise click.UsageError(
            "Type what the photo shows, for example: picsight search red bicycle near the sea."
        )
    bundle = invocation.answering_model()
    with invocation.open_library(bundle) as library:
        for query in _queries_of_stdin() if stdin else (_as_text(" ".join(words)),):
            answer = _ask(library, bundle, query, limit)
            put_answer(invocation, keep_matches(answer, least))
            if stdin and not invocation.json:
                put("")  # parts one answer from the next
                finish_stdout()  # whoever asks next may wait for this answer
    return 0


def _queries_of_stdin() -> Iterator[str]:
    return (_as_text(line.removesuffix("\r")) for line in lines_of_stdin())  # files from Windows end lines so


def _as_text(typed: str) -> str:
    """What was typed without bytes that are no text: a query, unlike a file's name, goes through a tokenizer."""
    return os.fsencode(typed).decode(errors="replace")


def _ask(library: Library | None, bundle: Bundle, query: str, limit: int) -> Answer:
    if library is None:
        return Answer(query, bundle.manifest.space_id, photos=0, milliseconds=0.0, results=())
    return library.search(query, limit=limit)
