"""Files that a person asked for, beside their photos or elsewhere: written whole or not at all, under the person's umask."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.photos.reading import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

_DRAFT = ".picsight-{}.part"
DRAFTS = _DRAFT.format("[0-9a-f]" * 8)  # as of `Path.glob`


class ChangedMeanwhileError(Exception):
    """Another program wrote the file after it was read; it was left as that program made it."""


def require_replaceable(path: Path, beginning: bytes) -> None:
    """Whether what is at a path may be written over: nothing, an empty file, or one that begins as ours do.

    Raises:
        RequestError: it is something else, a photo perhaps.
        OSError: it cannot be looked at.
    """
    if not os.path.lexists(path):
        return
    if path.is_file():
        with path.open("rb") as file:
            found = file.read(len(beginning))
        if found in {b"", beginning}:
            return
    raise RequestError(
        f"{shown(path)} is there already and is something else, so it is not written over; choose another name."
    )


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Writes a file in place of the one of before, through a link the file that it leads to. Raises OSError."""
    path = Path(os.path.realpath(path))
    draft = _write_draft(path, chunks)
    try:
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def exchange(path: Path, before: bytes | None, after: bytes | None) -> None:
    """Writes a file if it still holds `before` (None: is not there), or removes it; a link is no such file, and is not followed.

    Raises:
        ChangedMeanwhileError: it holds something else.
        OSError: the disk refused.
    """
    draft = _write_draft(path, [after or b""])
    try:
        if before is None:
            _put_where_nothing_is(draft, path)
            return
        shutil.copymode(path, draft)
        if path.is_symlink() or path.read_bytes() != before:
            raise ChangedMeanwhileError
        if after is None:
            path.unlink()
        else:
            draft.replace(path)
    except FileNotFoundError as fault:
        raise ChangedMeanwhileError from fault
    finally:
        draft.unlink(missing_ok=True)


def _write_draft(path: Path, chunks: Iterable[bytes]) -> Path:
    """Everything on the disk under another name; that is short, because the file's own may be as long as can be."""
    draft = path.with_name(_DRAFT.format(os.urandom(4).hex()))
    try:
        with draft.open("xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _put_where_nothing_is(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError as fault:
        raise ChangedMeanwhileError from fault
    except OSError:  # disks of cameras know no second names
        if os.path.lexists(path):
            raise ChangedMeanwhileError from None
        draft.rename(path)
