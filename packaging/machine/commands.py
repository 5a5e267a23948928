"""Runs one command at a time and shows it; if one fails, stops with advice."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Failure(Exception):  # noqa: N818 - its text is for a person, who reads no class name
    """A failure that ends the work; its text says what failed and what to do."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    advice: str,
    chatty: bool = False,
) -> None:
    """Prints the command and runs it; its output appears at once, or for a chatty one only if it fails.

    Raises:
        Failure: it could not be started or ended with another code than 0; names the command and the advice.
    """
    shown = shown_command(command)
    print(f"$ {shown}", flush=True)
    stdout, stderr = (subprocess.PIPE, subprocess.STDOUT) if chatty else (None, None)
    try:
        done = subprocess.run(command, env=environment, check=False, stdout=stdout, stderr=stderr)
    except OSError as fault:
        raise Failure(f"This could not be started: {shown}\n{fault.strerror}. {advice}") from fault
    if done.returncode != 0:
        output = (done.stdout or b"").decode(errors="replace")
        raise Failure(f"{output}This failed with code {done.returncode}: {shown}\n{advice}")


def shown_command(command: Sequence[str]) -> str:
    """The command as it could be typed from here."""
    here = f"{Path.cwd()}{os.sep}"
    words = [word.removeprefix(here) for word in command]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
