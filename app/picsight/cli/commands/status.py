"""`picsight status`: tells what the library holds."""

from __future__ import annotations

import click

from picsight.cli.documents import status_document
from picsight.cli.invocation import Invocation, shared_options
from picsight.cli.layout import count, size
from picsight.cli.streams import put, put_json
from picsight.cli.words import WordsCommand


@click.command("status", cls=WordsCommand)
@shared_options
@click.pass_obj
def status(invocation: Invocation) -> int:
    """Tell what the library holds."""
    from picsight_engine.library import Status  # numpy: 60 ms that --help does not pay

    bundle = invocation.answering_model()
    with invocation.open_library(bundle) as library:
        known = (
            Status(
                library=invocation.folder,
                folders=0,
                photos=0,
                files=0,
                problems=0,
                space=bundle.manifest.space_id,
                model=bundle.manifest.name,
                bytes=0,
            )
            if library is None
            else library.status()
        )
    if invocation.json:
        put_json(status_document(known))
    else:
        put(f"library: {known.library} ({size(known.bytes)})")
        put(f"photos: {known.photos:,} in {count(known.files, 'file')}, {count(known.folders, 'folder')}")
        put(f"problems: {known.problems:,}")
        put(f"model: {known.model} ({known.space})")
    if not known.photos:
        invocation.hint_empty()
    return 0
