"""`picsight doctor`: checks the library and the model, and repairs what can be rebuilt."""

from __future__ import annotations

import click

from picsight import locations
from picsight.cli.documents import checks_document
from picsight.cli.invocation import Invocation, shared_options
from picsight.cli.streams import put, put_json
from picsight.cli.words import WordsCommand

DAMAGED = 3


@click.command("doctor", cls=WordsCommand)
@click.option("--forget", is_flag=True, help="Remove everything about photos whose files are gone.")
@shared_options
@click.pass_obj
def doctor(invocation: Invocation, *, forget: bool) -> int:
    """Check the library and the model, and repair what can be rebuilt.

    The exit code is 3 where something is damaged that cannot be rebuilt. Photos are only ever read.
    """
    from picsight_engine.doctor import doctor_folder  # numpy: 60 ms that --help does not pay

    checks = doctor_folder(invocation.folder, locations.folder_of_model(invocation.folder), forget=forget)
    if invocation.json:
        put_json(checks_document(checks))
    else:
        for check in checks:
            mark = "repaired" if check.repaired else "fine" if check.ok else "DAMAGED"
            put(f"{mark:8}  {check.name}: {check.message}")
    return 0 if all(check.ok for check in checks) else DAMAGED
