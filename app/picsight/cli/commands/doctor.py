"""`picsight doctor`: checks the library and the model, and repairs what can be rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight import locations
from picsight.cli.documents import checks_document
from picsight.cli.invocation import A_FOLDER, Invocation, absolute, shared_options
from picsight.cli.streams import put, put_json
from picsight.cli.words import WordsCommand

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.doctor import Check

HINDERED, DAMAGED = 1, 3


@click.command("doctor", cls=WordsCommand)
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=A_FOLDER)
@click.option("--forget", is_flag=True, help="Remove everything about photos whose files are gone.")
@shared_options
@click.pass_obj
def doctor(invocation: Invocation, folders: tuple[Path, ...], *, forget: bool) -> int:
    """Check the library and the model, and repair what can be rebuilt.

    With --forget, each FOLDER is one that has lost photos for good, emptied or unplugged as it may be.
    The exit code is 3 where something is damaged that cannot be rebuilt, 1 where only something is in the way.
    Photos are only ever read.
    """
    from picsight_engine.doctor import doctor_folder  # numpy: 60 ms that --help does not pay

    if folders and not forget:
        raise click.UsageError("A FOLDER goes with --forget only.")
    model = locations.folder_of_model(invocation.folder)
    checks = doctor_folder(invocation.folder, model, forget=forget, lost=tuple(map(absolute, folders)))
    if invocation.json:
        put_json(checks_document(checks))
    else:
        for check in checks:
            put(f"{_mark(check):8}  {check.name}: {check.message}")
    if any(check.damaged for check in checks):
        return DAMAGED
    return 0 if all(check.ok for check in checks) else HINDERED


def _mark(check: Check) -> str:
    if check.damaged:
        return "DAMAGED"
    return "not fine" if not check.ok else "repaired" if check.repaired else "fine"
