"""`picsight models install`: fetches a model, or takes one from a file, once its licence was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight import locations
from picsight.cli.documents import installed_document
from picsight.cli.interrupts import stop_requests
from picsight.cli.invocation import A_PATH, Invocation, absolute, shared_options
from picsight.cli.layout import printable
from picsight.cli.licence import is_accepted
from picsight.cli.streams import put, put_json, say
from picsight.cli.transfer import TransferLine

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.models.bundle import Bundle
    from picsight_engine.models.catalogue import Entry

DECLINED = 1


@click.command("install")
@click.argument("name", required=False)
@click.option("--from-file", "path", type=A_PATH, metavar="PATH", help="Take it from a folder or an archive.")
@click.option("--accept-licence", "accept", is_flag=True, help="Accept its licence without being asked.")
@shared_options
@click.pass_obj
def install(invocation: Invocation, name: str | None, path: Path | None, *, accept: bool) -> int:
    """Install the model NAME.

    Its licence is shown first. An interrupted download is continued by the next one. With --from-file nothing is
    downloaded: PATH is a model's folder, or a .zip or .tar archive of it.
    """
    if (name is None) == (path is None):
        raise click.UsageError(
            "Type the name of a model, or --from-file PATH. To see the names: picsight models list."
        )
    bundle = (
        _from_file(invocation, absolute(path), accept=accept)
        if path is not None
        else _from_catalogue(invocation, str(name), accept=accept)
    )
    if bundle is None:
        say("Nothing was installed.")
        return DECLINED
    if invocation.json:
        put_json(installed_document(bundle))
    elif not invocation.quiet:
        put(
            f"{printable(bundle.manifest.title)} is installed. To use it, type: picsight models use {bundle.manifest.name}"
        )
    return 0


def _from_file(invocation: Invocation, path: Path, *, accept: bool) -> Bundle | None:
    from picsight_engine.model_choice import require_replaceable  # numpy: 60 ms that --help does not pay
    from picsight_engine.models.parcel import open_parcel

    models = locations.installed_models()
    with open_parcel(path) as parcel:
        require_replaceable(invocation.folder, parcel.manifest, models)
        manifest = parcel.manifest
        if not is_accepted(manifest.title, manifest.licence, parcel.licence, accept=accept):
            return None
        return parcel.install(models)


def _from_catalogue(invocation: Invocation, name: str, *, accept: bool) -> Bundle | None:
    from picsight_engine.models.catalogue import find_entry

    entry = find_entry(name)
    if not is_accepted(entry.title, entry.terms.licence, entry.terms.text, accept=accept):
        return None
    return _fetch(entry, quiet=invocation.quiet)


def _fetch(entry: Entry, *, quiet: bool) -> Bundle:
    from picsight_engine.models.install import (
        Fetching,
        Installed,
        runs_coreml,
    )  # ssl, http: only who downloads
    from picsight_engine.models.install import install as fetch

    with stop_requests() as stop, TransferLine(quiet=quiet) as line:
        for event in fetch(entry, locations.installed_models(), coreml=runs_coreml(), cancel=stop):
            if isinstance(event, Installed):
                return event.bundle
            if isinstance(event, Fetching):
                line.show(entry.title, event.done, event.total)
            else:
                line.tell(f"{entry.title}: checking")
    raise AssertionError("an installation ends with Installed")
