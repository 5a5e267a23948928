"""Shows a model's licence before it is installed, and asks whether a person accepts it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from picsight.cli.streams import draw, is_terminal, lines_of_stdin, say
from picsight_engine.errors import RequestError

if TYPE_CHECKING:
    from picsight_engine.models.bundle import Licence


def is_accepted(title: str, licence: Licence, text: str, *, accept: bool) -> bool:
    """Whether the licence was accepted: beforehand by `accept`, or now, at the terminal, after it was shown.

    Raises:
        RequestError: nobody can be asked, and `accept` was not given.
    """
    if accept or not licence.accept:
        return True
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        named = ", ".join(filter(None, (licence.id, licence.url)))
        raise RequestError(
            f"{title} has a licence that must be accepted first: {named}. Read it, then add --accept-licence."
        )
    say(f"{title} has this licence: {licence.id}")
    say("")
    where = f"Its text is at {licence.url}" if licence.url else "Its text does not lie in the model."
    for line in (text or where).splitlines():
        say(line)
    say("")
    draw('Do you accept it? Type "yes" to install: ')
    return next(lines_of_stdin(), "").strip().lower() == "yes"
