"""`picsight problems`: lists the files that could not be indexed, each with its reason."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from picsight.cli.documents import problems_document
from picsight.cli.invocation import Invocation, shared_options
from picsight.cli.layout import count
from picsight.cli.streams import put, put_json
from picsight.cli.words import WordsCommand
from picsight_engine.photos.formats import unread_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.store.problems import Problem


def unread_sentences(problems: Sequence[Problem]) -> list[str]:
    """How many files of each kind are not read yet: there may be thousands."""
    kinds = Counter(unread_kind(each.path.suffix) for each in problems if each.code == "not_read")
    return [f"{count(kinds[kind], f'{kind} is', f'{kind}s are')} not read yet." for kind in sorted(kinds)]


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
        if problem.code != "not_read":
            put(problem.code, problem.message)
    for sentence in unread_sentences(found):
        put("not_read", sentence)
    if not found:
        invocation.hint("Every photo could be read.")
    return 0
