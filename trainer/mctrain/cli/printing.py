"""Lines about other people's files, safe for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLD = 10  # of faults and the like that are printed one by one


def printable(text: str) -> str:
    """The text in one line; no name of a file and no field of a stranger's shard can send the terminal a command."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def tell_some(title: str, sentences: Sequence[str]) -> None:
    """The number of sentences under their title, and the first of them."""
    if sentences:
        click.echo(f"  {title}: {len(sentences)}")
    for sentence in sentences[:TOLD]:
        click.echo(f"    {printable(sentence)}")
    if len(sentences) > TOLD:
        click.echo(f"    … and {len(sentences) - TOLD} more")
