"""Writes files that the user requested atomically, and with the user's umask."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.exchange.backup_beginning import ZIP
from picsight_engine.foundation.errors import ReplaceError, RequestError, StorageError, faults_as
from picsight_engine.foundation.other_programs import package_of
from picsight_engine.foundation.private_files import move_unless_there
from picsight_engine.photos.formats import is_photo_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_NEVER_REPLACED = (b"SQLite format 3\0", ZIP)  # databases such as a library's, and backups
_DRAFT = ".picsight-{}.part"
DRAFTS = _DRAFT.format("[0-9a-f]" * 8)  # as of `Path.glob`


class ChangedMeanwhileError(Exception):
    """Another program changed the file after it was read; the file was left as it is."""


def write_export(
    path: Path, chunks: Iterable[bytes], lacking: Callable[[Path], str | None], *, replace: bool
) -> None:
    """Writes an export atomically; for a link, replaces its target. An existing file must be empty, or an earlier export that
    holds nothing more, unless `replace` is set.

    `lacking` names something in the file that the export lacks; it raises RequestError if the file is not an export.

    Raises:
        RequestError: there is a photo, a video, a database, a backup, or not a file; or the path lies in another program's package.
        ReplaceError: there is another file, or one that holds more.
        StorageError: the disk is full, read-only or gone; the old file stays.
    """
    words = "{path} could not be written ({reason}). Choose another place."
    with faults_as(OSError, StorageError, words, path=path):
        _require_replaceable(path, lacking, replace=replace)
        target = Path(os.path.realpath(path))
        with _drafted(target, chunks) as draft:
            draft.replace(target)


def _require_replaceable(path: Path, lacking: Callable[[Path], str | None], *, replace: bool) -> None:
    if package := package_of(path):
        raise RequestError(
            "{package} belongs to another program; choose a folder outside it.", package=package
        )
    if not os.path.lexists(path):
        return
    real = Path(os.path.realpath(path))  # resolve() raises RuntimeError for a link to itself
    if not path.is_file() or is_photo_name(real.name) or _is_kept(path):
        raise RequestError("{path} is not a file that an export may replace; choose another name.", path=path)
    if replace or not path.stat().st_size:
        return
    words = "{path} is there already and is no earlier export, so it was left as it is."
    with faults_as(RequestError, ReplaceError, words, path=path):
        found = lacking(path)
    if found is not None:
        raise ReplaceError(
            "{path} holds {found}, which this export lacks, so it was left as it is.", path=path, found=found
        )


def _is_kept(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(max(map(len, _NEVER_REPLACED))).startswith(_NEVER_REPLACED)


def exchange(path: Path, before: bytes | None, after: bytes | None) -> None:
    """Writes a file, or removes it, if it still holds `before` (None: does not exist); links are not followed.

    Raises:
        ChangedMeanwhileError: the file holds something else, or is a link.
        OSError: the file cannot be written.
    """
    with _drafted(path, [after or b""]) as draft:
        try:
            if before is None:
                move_unless_there(draft, path)
                return
            shutil.copymode(path, draft)
            if path.is_symlink() or path.read_bytes() != before:
                raise ChangedMeanwhileError
            if after is None:
                path.unlink()
            else:
                draft.replace(path)
        except (FileExistsError, FileNotFoundError) as fault:
            raise ChangedMeanwhileError from fault


@contextmanager
def _drafted(path: Path, chunks: Iterable[bytes]) -> Iterator[Path]:
    """A synced file of the chunks beside `path`, removed afterwards; its name is short, as that of `path` may be the longest."""
    draft = path.with_name(_DRAFT.format(os.urandom(4).hex()))
    try:
        with draft.open("xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
