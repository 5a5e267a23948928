"""`picsight status`, `remove`, `problems` and `doctor`: the library's contents and folders, unreadable files, and integrity."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from picsight import locations
from picsight.cli.layout import photos, size
from picsight.cli.options import A_PATH, WordsCommand
from picsight.cli.streams import put, put_json
from picsight.texts import counted, tr, worded
from picsight_engine.foundation.errors import Message, RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight.cli.invocation import Invocation
    from picsight_engine.doctor import Check
    from picsight_engine.store.overview.problems import Problem

HINDERED, DAMAGED = 1, 3


@click.command("status", cls=WordsCommand)
def status(invocation: Invocation) -> None:
    """Print what the library holds."""
    from picsight_engine.library import Status  # numpy: 60 ms that --help does not pay

    bundle = locations.choice_for_searches(invocation.folder).answers
    with invocation.open_library(bundle) as library:
        if library is not None:
            known = library.status()
        else:
            space, model = bundle.manifest.space_id, bundle.manifest.name
            known = Status(
                invocation.folder, folders=0, photos=0, files=0, problems=0, space=space, model=model, bytes=0
            )
    if invocation.json:
        put_json(known)
    else:
        put(tr("library: {folder} ({size})", folder=known.library, size=size(known.bytes)))
        files = counted(known.files, "%n file", "%n files")
        where = f"{files}, {counted(known.folders, '%n folder', '%n folders')}"
        put(tr("photos: {number:,} in {where}", number=known.photos, where=where))
        put(tr("problems: {number:,}", number=known.problems))
        put(tr("model: {name} ({space})", name=known.model, space=known.space))
    if not known.photos:
        invocation.hint_empty()


@click.command("remove", cls=WordsCommand)
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=A_PATH)
def remove(invocation: Invocation, folders: tuple[Path, ...]) -> None:
    """Remove folders from the library; the photos stay on the disk.

    Their tags and stars are kept for 30 days: to restore everything, index the FOLDER again.
    """
    with invocation.require_library() as library:
        # Path.resolve fails at a link that leads to itself.
        known = {os.path.realpath(each.path): each for each in library.folders.listed()}
        named, before = {os.path.realpath(folder) for folder in folders}, library.status().photos
        if unknown := sorted(named - known.keys()):
            words = "{folder} is no folder of the library. Its folders: {there}."
            raise RequestError(words, folder=unknown[0], there=", ".join(known) or Message("none"))
        removed = [folder for path, folder in known.items() if path in named]
        for each in removed:
            library.folders.remove(each.id)
        number = before - library.status().photos
    names = [str(each.path) for each in removed]
    done = tr(
        "Removed from the library: {photos} in {folders}.", photos=photos(number), folders=", ".join(names)
    )
    invocation.answer({"removed": names, "photos": number}, done, tr("Tags and stars are kept for 30 days."))


@click.command("problems", cls=WordsCommand)
def problems(invocation: Invocation) -> None:
    """List the files that could not be indexed, each with its reason."""
    with invocation.open_library() as library:
        found = [] if library is None else library.problems.listed()
    if invocation.json:
        put_json({"problems": [{"path": problem.path, **reason(problem)} for problem in found]})
        return
    for problem in found:
        if problem.code != "not_read":
            put(problem.code, worded(problem.message))
    if sentence := unread_sentence(found):
        put("not_read", sentence)
    if not found:
        invocation.hint(tr("Every photo could be read."))


def reason(problem: Problem) -> dict[str, object]:
    """The reason why a file is not indexed, as part of a JSON document."""
    return {"code": problem.code, "message": problem.message, "tries": problem.tries}


def unread_sentence(found: Sequence[Problem]) -> str:
    """One sentence for all videos that are not read, "" without any: there may be thousands."""
    videos = sum(each.code == "not_read" for each in found)
    one = "%n video is not read: install the package opencv-python-headless and index again."
    many = "%n videos are not read: install the package opencv-python-headless and index again."
    return counted(videos, one, many) if videos else ""


@click.command("doctor", cls=WordsCommand)
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=A_PATH)
@click.option("--forget", is_flag=True, help="Remove everything about photos whose files are gone.")
def doctor(invocation: Invocation, folders: tuple[Path, ...], *, forget: bool) -> int:
    """Check the library and the model, and repair what can be rebuilt.

    With --forget, name each FOLDER that has lost photos for good, even if it is empty or unplugged.
    The exit code is 3 if something damaged cannot be rebuilt, 1 if there is only an obstacle.
    Photos are only ever read.
    """
    from picsight_engine.doctor import doctor_folder  # numpy: 60 ms that --help does not pay

    if folders and not forget:
        raise click.UsageError(tr("A FOLDER goes with --forget only."))
    model = locations.folder_of_model(invocation.folder)
    checks = doctor_folder(invocation.folder, model, forget=forget, lost=folders)
    all_fine = all(check.ok for check in checks)
    if invocation.json:
        keys = ("name", "ok", "message", "repaired")
        put_json({"ok": all_fine, "checks": [{key: getattr(check, key) for key in keys} for check in checks]})
    else:
        for check in checks:
            put(f"{_mark(check):8}  {tr(check.name)}: {worded(check.message)}")
    if any(check.damaged for check in checks):
        return DAMAGED
    return 0 if all_fine else HINDERED


def _mark(check: Check) -> str:
    if check.damaged:
        return tr("DAMAGED")
    return tr("not fine" if not check.ok else "repaired" if check.repaired else "fine")
