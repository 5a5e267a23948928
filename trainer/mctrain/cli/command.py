"""The command `mctrain`, which reports each failure in one sentence."""

from __future__ import annotations

import sys

import click

from mctrain.cli.commands.caption import caption
from mctrain.cli.commands.data import data
from mctrain.cli.commands.evaluate import answers, evaluate
from mctrain.cli.commands.export import calibrate, export
from mctrain.cli.commands.import_weights import import_weights
from mctrain.cli.commands.reinforce import reinforce
from mctrain.cli.commands.show import presets, show
from mctrain.cli.commands.teach import teach
from mctrain.cli.commands.train import train
from picsight_engine.foundation.errors import PicsightError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def mctrain() -> None:
    """Trains, measures and exports the models of Picsight."""


_COMMANDS = (
    data,
    teach,
    caption,
    reinforce,
    train,
    evaluate,
    answers,
    show,
    export,
    calibrate,
    import_weights,
    presets,
)
for _command in _COMMANDS:
    mctrain.add_command(_command)


def run() -> None:
    """Runs the command line; reports expected errors in one sentence, without a traceback."""
    try:
        code = mctrain.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.stderr.write("Interrupted; type the same command again.\n")
        sys.exit(130)
    except click.ClickException as fault:
        fault.show()
        sys.exit(fault.exit_code)
    except PicsightError as fault:
        sys.stderr.write(f"{fault}\n")
        sys.exit(fault.exit_code)
    except OSError as fault:
        sys.stderr.write(f"{fault.filename or 'The disk'}: {fault.strerror or fault}.\n")
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
