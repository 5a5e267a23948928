"""How commands print: text that a terminal can show, and progress of long work."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_A_WHILE = 60.0  # seconds between two lines where no terminal shows a bar
_STEPS = "{bar:20} {desc}"  # the line tells of speed and time itself


TOLD = 10  # of faults and the like that are printed one by one


def bar(
    title: str, total: int | None = None, clock: Callable[[], float] = time.monotonic
) -> Callable[[int, str], None]:
    """Progress as a function of (how many more, what is running now): a bar, and a line a minute where stderr is no terminal."""
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
    """The steps of a training run: a bar in a terminal, and elsewhere a line now and then, for a run of days has to leave a trace."""

    def __init__(self) -> None:
        self._display: tqdm[None] | None = None
        self._news = ""
        self._silent_until = 0.0

    def advance(self, step: int, steps: int, sentence: str) -> None:
        """So many steps are done of so many; an empty sentence is no news."""
        self._news = sentence or self._news
        line = f"step {step} of {steps}: {self._news}".removesuffix(": ")
        if sys.stderr.isatty():
            self._show(step, steps, line)
        elif sentence and (time.monotonic() >= self._silent_until or step == steps):
            self.tell(line)
            self._silent_until = time.monotonic() + _A_WHILE

    def tell(self, sentence: str) -> None:
        """Something that is to stay, above the bar."""
        tqdm.write(sentence, file=sys.stderr)
        sys.stderr.flush()

    def close(self) -> None:
        """Whatever comes then has a line of its own."""
        if self._display is not None:
            self._display.close()

    def _show(self, step: int, steps: int, line: str) -> None:
        if self._display is None:
            self._display = tqdm(desc=line, total=steps, initial=step, file=sys.stderr, bar_format=_STEPS)
        self._display.set_description_str(line, refresh=False)
        self._display.update(step - self._display.n)


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
