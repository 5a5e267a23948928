"""The entry point of the command line: its commands, and a sentence and an exit code for every outcome."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import TYPE_CHECKING

import click

from picsight import __version__
from picsight.cli.interrupts import terminate_as_interrupt, was_interrupted
from picsight.cli.layout import cut_middle
from picsight.cli.options import A_PATH, SHARED, Translated
from picsight.cli.streams import StdoutClosedError, finish_stdout, prepare_streams, say
from picsight.texts import tr, worded
from picsight_engine.foundation.errors import PicsightError, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight.cli.invocation import Invocation

FINE, FAILED, INTERRUPTED = 0, 1, 130
_MOST_CELLS = 400  # of a sentence about wrong usage: it may repeat a thousand names that "*.jpg" stood for
# Each command and its module, in the order in which a new user needs them.
COMMANDS = {
    "index": "index",
    "watch": "watch",
    "search": "search",
    "similar": "search",
    "show": "show",
    "tags": "tags",
    "export": "export",
    "backup": "backup",
    "restore": "backup",
    "status": "library",
    "remove": "library",
    "problems": "library",
    "doctor": "library",
    "words": "words",
    "people": "people",
    "models": "models",
}


class Commands(Translated, click.Group):
    """The commands by name; each module is imported when its command is typed, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands, in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; UsageError for a folder or an unknown name, which says what to type."""
        if cmd_name not in COMMANDS:
            if os.path.isdir(cmd_name):  # noqa: PTH112 - Path raises where it may not look
                advice = "{name} is a folder. Type: picsight index FOLDER, or for the window: picsight --add FOLDER"
                raise click.UsageError(tr(advice, name=cmd_name))
            if ctx.resilient_parsing:  # shell completion
                return None
            raise click.UsageError(_unknown(cmd_name))
        module = importlib.import_module(f"picsight.cli.commands.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


def _unknown(name: str) -> str:
    """The sentence about a word that is no command: a slip of the keys, or what to search for."""
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    advice = "Did you mean {near}?" if near else "To find photos, type: picsight search WORDS"
    there = tr('There is no command "{name}"; for all commands, type: picsight --help.', name=name)
    return f"{there} {tr(advice, near=''.join(near))}"


_ADD = click.Option(
    ["--add", "folders"],
    multiple=True,
    type=A_PATH,
    metavar="FOLDER",
    help="Add a folder to the window that opens.",
)


@click.group(cls=Commands, invoke_without_command=True, params=[_ADD, *SHARED])
@click.version_option(__version__, message="Picsight %(version)s")
@click.pass_context
def program(ctx: click.Context, folders: tuple[Path, ...]) -> int:
    """Find your photos by describing them, on your own computer.

    Without a COMMAND the window opens.
    """
    if ctx.invoked_subcommand is not None:
        if folders:
            raise click.UsageError(tr("--add is for the window. Without it, type: picsight index FOLDER"))
        return FINE
    invocation: Invocation = ctx.obj
    if invocation.json:
        raise click.UsageError(tr("--json needs a command."))
    for folder in folders:
        if not folder.is_dir():
            raise click.UsageError(tr("{folder} is not a folder; check how it is spelled.", folder=folder))
    from picsight.cli.window import open_window

    return open_window(invocation.folder, folders)


def run(arguments: Sequence[str]) -> int:
    """Runs the arguments. Every outcome is an exit code and at most a sentence, never a traceback."""
    try:
        prepare_streams()
        terminate_as_interrupt()
        if not sys.warnoptions:
            warnings.simplefilter("ignore")  # a library's warning is for programmers; tests do not pass here
        code = program.main(arguments, prog_name="picsight", standalone_mode=False) or FINE
        finish_stdout()
    except click.ClickException as fault:
        say(_sentence(fault))
        return fault.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _report_stop()
    except StdoutClosedError:
        return FINE
    except Exception as fault:  # noqa: BLE001 - the outermost border: nothing above would tell a person
        return _report_stop() if was_interrupted() else _report(fault)
    else:
        return int(code)


def _sentence(fault: click.ClickException) -> str:
    context = fault.ctx if isinstance(fault, click.UsageError) else None
    message = cut_middle(fault.format_message(), _MOST_CELLS)
    if context is None:
        return message
    stop = "" if message.endswith((".", "?", "?)")) else "."
    return f"{message}{stop} {tr('Type: {command} --help', command=context.command_path)}"


def _report_stop() -> int:
    say(tr("Stopped."))
    return INTERRUPTED


def _report(fault: Exception) -> int:
    """Prints the sentence of a fault; writes the details of an unexpected one to the log and prints where it is."""
    if isinstance(fault, PicsightError):
        say(worded(fault.message))
        return fault.exit_code
    if (sentence := refusal(fault)) is not None:
        say(worded(sentence))
        return FAILED
    import traceback  # 4 ms, with `logs` 12, that a run without a fault does not pay

    from picsight.cli.logs import log_details

    log = log_details(traceback.format_exc())
    where = "" if log is None else " " + tr("The details are in {log}", log=log)
    if isinstance(fault, OSError) and fault.strerror:
        say(tr("Picsight stopped: {why}. Your photos are safe.", why=fault.strerror) + where)
    else:
        say(tr("Picsight stopped because of a fault. Your photos are safe.") + where)
    return FAILED
