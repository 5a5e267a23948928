"""`picsight problems`: lists the files that could not be indexed, each with its reason."""

from __future__ import annotations

import click

from picsight.cli.documents import problems_document
from picsight.cli.invocation import Invocation, shared_options
from picsight.cli.streams import put, put_json
from picsight.cli.words import WordsCommand


@click.command("problems", cls=WordsCommand)
@shared_options
@click.pass_obj
def problems(invocation: Invocation) -> int:
    """List the files that could not be indexed, each with its reason."""
    with invocation.open_library(invocation.answering_model()) as library:
        found = [] if library is None else library.problems()
    if invocation.json:
        put_json(problems_document(found))
        return 0
    for problem in found:
        put(problem.code, problem.message)
    if not found:
        invocation.hint("Every photo could be read.")
    return 0
