"""`picsight backup` and `picsight restore`: a whole library in one file, and back, also on another computer."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from picsight.cli.invocation import absolute
from picsight.cli.layout import photos, size
from picsight.cli.options import A_PATH, WordsCommand
from picsight.settings import settings_file
from picsight.texts import counted, tr
from picsight_engine.foundation.errors import ReplaceError, faults_as

if TYPE_CHECKING:
    from picsight.cli.invocation import Invocation


@click.command("backup", cls=WordsCommand)
@click.argument("file", type=A_PATH)
@click.option("--small", is_flag=True, help="Leave out whatever can be made of your photos again.")
@click.option("--replace", is_flag=True, help="Replace an earlier backup at FILE.")
def backup(invocation: Invocation, file: Path, *, small: bool, replace: bool) -> None:
    """Write everything that the library knows into one FILE.

    These are tags, people, stars, albums, searches and settings; not your photos, and never what tells faces apart. To get it back, also on another computer: picsight
    restore FILE.
    """
    from picsight_engine.backup.backing_up import back_up  # numpy: 60 ms that --help does not pay

    words = "{fault} Choose another name, or add --replace."
    with faults_as(ReplaceError, ReplaceError, words):
        done = back_up(invocation.folder, file, small=small, replace=replace, settings=settings_file())
    lines = [f"{file}: {photos(done.photos)} ({size(done.bytes)})"]
    if done.deleted:
        one, many = "Deleted %n copy from before an update.", "Deleted %n copies from before updates."
        lines.append(counted(len(done.deleted), one, many))
    invocation.answer({"file": file, **asdict(done)}, *lines)


@click.command("restore", cls=WordsCommand)
@click.argument("file", type=A_PATH)
@click.option(
    "--folder",
    "folders",
    multiple=True,
    metavar="OLD=NEW",
    help="The photos of the folder OLD are in the folder NEW now; several may be given.",
)
def restore(invocation: Invocation, file: Path, folders: tuple[str, ...]) -> None:
    """Make a library of the backup FILE, also on another computer.

    There must be none yet, or an empty one.
    """
    from picsight_engine.backup.restoring import restore as restore_backup  # numpy: 60 ms

    moved = [_moved(typed) for typed in folders]
    done = restore_backup(file, invocation.folder, moved=moved, settings=settings_file())
    places = counted(done.found, "%n is at its place", "%n are at their places")
    invocation.answer({"file": file, **asdict(done)}, f"{file}: {photos(done.photos)}, {places}")
    if not invocation.json:
        invocation.warn(*(tr("The folder {folder} is not there.", folder=folder) for folder in done.missing))
    if done.found < done.photos:
        command = invocation.command("index", *(["FOLDER"] if done.missing else []))
        invocation.hint(tr("To find photos that are elsewhere now, type: {command}", command=command))


def _moved(typed: str) -> list[tuple[str, Path]]:
    """Each way to read it: the names of folders may hold equals signs."""
    parts = typed.split("=")
    readings = [("=".join(parts[:at]), "=".join(parts[at:])) for at in range(1, len(parts))]
    moved = [(old, absolute(Path(os.fsdecode(new)))) for old, new in readings if old and new]
    if not moved:
        raise click.UsageError(tr("--folder takes the old folder, an equals sign, and the new one: OLD=NEW"))
    return moved
