"""`picsight search`: finds photos by describing them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, get_args

import click

from picsight.cli.answers import put_answer
from picsight.cli.invocation import Invocation, shared_options
from picsight.cli.streams import finish_stdout, lines_of_stdin, put
from picsight.cli.words import WordsCommand
from picsight_engine.search.answer import Answer, Least, Order

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command("search", cls=WordsCommand)
@click.argument("words", nargs=-1, metavar="[QUERY]...")
@click.option(
    "-n", "limit", type=click.IntRange(min=1), default=20, metavar="N", help="At most N photos (20)."
)
@click.option(
    "--min",
    "least",
    type=click.Choice(get_args(Least)),
    default="weaker",
    help="How well a photo must match (weaker); without effect while the model is not calibrated.",
)
@click.option(
    "--order",
    type=click.Choice(get_args(Order)),
    default="match",
    help="Best match first (match), newest first, or by folder.",
)
@click.option("--explain", is_flag=True, help="Tell how near each photo is to each part of the query.")
@click.option("--stdin", is_flag=True, help="Read one query a line from stdin.")
@shared_options
@click.pass_obj
def search(
    invocation: Invocation,
    words: tuple[str, ...],
    limit: int,
    least: Least,
    order: Order,
    *,
    explain: bool,
    stdin: bool,
) -> int:
    """Find photos by describing them, as in: picsight search red bicycle near the sea.

    "sunset -people" wants less of something, "sunset | sunrise" either of two, "dog^2 beach" more of the dog. Facts
    narrow: in:2019..2021, folder:Trips, format:heic, is:portrait, has:date, "IMG_20" in quotes for names, all of them
    with "-" for the opposite; like:PATH takes a picture. Any word may begin with "-"; only -n as a word of its own is
    an option.
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
            if library is None:
                answer = Answer(query, bundle.manifest.space_id, photos=0, milliseconds=0.0, results=())
            else:
                answer = library.search(query, limit=limit, least=least, order=order, explain=explain)
            put_answer(invocation, answer)
            if stdin and not invocation.json:
                put("")  # parts one answer from the next
                finish_stdout()  # whoever asks next may wait for this answer
    return 0


def _queries_of_stdin() -> Iterator[str]:
    return (_as_text(line.removesuffix("\r")) for line in lines_of_stdin())  # files from Windows end lines so


def _as_text(typed: str) -> str:
    """What was typed without bytes that are no text: a query, unlike a file's name, goes through a tokenizer."""
    return os.fsencode(typed).decode(errors="replace")
