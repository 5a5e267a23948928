"""`picsight similar`: finds photos that look like one of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight.cli.answers import put_answer
from picsight.cli.invocation import A_PATH, Invocation, absolute, shared_options
from picsight.cli.words import WordsCommand
from picsight_engine.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path


@click.command("similar", cls=WordsCommand)
@click.argument("photo", metavar="PATH", type=A_PATH)
@click.option(
    "-n", "limit", type=click.IntRange(min=1), default=20, metavar="N", help="At most N photos (20)."
)
@shared_options
@click.pass_obj
def similar(invocation: Invocation, photo: Path, limit: int) -> int:
    """Find photos that look like PATH, a photo of the library."""
    photo = absolute(photo)
    with invocation.open_library(invocation.answering_model()) as library:
        if library is None:
            raise RequestError(f"{photo} is not in the library. Type: picsight index {photo.parent}")
        problem = library.problem_of(photo) if library.show(photo) is None else None
        if problem is not None:
            raise RequestError(problem.message)
        put_answer(invocation, library.similar(photo, limit=limit))
    return 0
