"""Command output: printable text, and progress of long work."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_A_WHILE = 60.0  # seconds between two lines when stderr is not a terminal
_STEPS = "{bar:20} {desc}"  # the description contains speed and time


PRINTED = 10  # most faults printed one by one


def bar(
    title: str, total: int | None = None, clock: Callable[[], float] = time.monotonic
) -> Callable[[int, str], None]:
    """A progress function of (increment, current item): draws a bar, or prints a line a minute if stderr is not a terminal."""
    if not sys.stderr.isatty():
        return _lines(title, total, clock)
    display = tqdm(total=total, desc=title, unit="", file=sys.stderr, disable=None, mininterval=0.5)

    def advance(count: int, running: str) -> None:
        if running:
            display.set_postfix_str(running, refresh=False)
        display.update(count)
        if total is not None and display.n >= total:
            display.close()

    return advance


def _lines(title: str, total: int | None, clock: Callable[[], float]) -> Callable[[int, str], None]:
    done, silent_until = 0, clock() + _A_WHILE
    of_all = "" if total is None else f" of {total}"

    def advance(count: int, running: str) -> None:
        nonlocal done, silent_until
        done += count
        if (now := clock()) >= silent_until:
            silent_until = now + _A_WHILE
            sys.stderr.write(f"{title}: {done}{of_all} {running}".rstrip() + "\n")

    return advance


class Steps:
    """Shows the steps of a training run: a bar in a terminal, and occasional lines in a log."""

    def __init__(self) -> None:
        self._display: tqdm[None] | None = None
        self._news = ""
        self._silent_until = 0.0

    def advance(self, step: int, steps: int, sentence: str) -> None:
        """Shows that `step` of `steps` are done; an empty sentence keeps the previous one."""
        self._news = sentence or self._news
        line = f"step {step} of {steps}: {self._news}".removesuffix(": ")
        if sys.stderr.isatty():
            if self._display is None:
                self._display = tqdm(desc=line, total=steps, initial=step, file=sys.stderr, bar_format=_STEPS)
            self._display.set_description_str(line, refresh=False)
            self._display.update(step - self._display.n)
        elif sentence and (time.monotonic() >= self._silent_until or step == steps):
            self.note(line)
            self._silent_until = time.monotonic() + _A_WHILE

    def note(self, sentence: str) -> None:
        """Prints a sentence that stays above the bar."""
        tqdm.write(sentence, file=sys.stderr)
        sys.stderr.flush()

    def close(self) -> None:
        """Closes the bar; later output starts on a new line."""
        if self._display is not None:
            self._display.close()


def printable(text: str) -> str:
    """The text on one line without control characters, so that file names and shard fields cannot send terminal commands."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def shards_counted(count: int) -> str:
    """A number of shards."""
    return f"{count} shard{'s' * (count != 1)}"


def print_some(title: str, sentences: Sequence[str]) -> None:
    """Prints the title with the number of sentences, then the first `PRINTED` of them."""
    if sentences:
        click.echo(f"  {title}: {len(sentences)}")
    for sentence in sentences[:PRINTED]:
        click.echo(f"    {printable(sentence)}")
    if len(sentences) > PRINTED:
        click.echo(f"    … and {len(sentences) - PRINTED} more")
