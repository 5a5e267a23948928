"""Files that come and go, and the pairs that this makes and parts.

Files of one shot are one photo: the picture that a person would show, with the others behind it. In one folder a camera's
RAW stands behind the JPEG or HEIC of the same name, and an iPhone's original (IMG_1234) behind its edit (IMG_E1234), unless
both say when they were taken and that is more than two seconds apart. A Live Photo's film stands behind its JPEG or HEIC, as
the worker that read both has found. A file behind another keeps the photo that it shows itself: alone again, it is that
photo, with the decisions that were made about the pair.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.foundation.metadata import is_same_time
from picsight_engine.foundation.suffixes import RAW_SUFFIXES, SHOWN_SUFFIXES, VIDEO_SUFFIXES, suffix_of
from picsight_engine.store.files import IDS, put_file
from picsight_engine.store.folders import RESTING
from picsight_engine.store.tagging.decisions import share_decisions
from picsight_engine.store.tagging.tags import share_examples

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Container, Iterable, Sequence

    from picsight_engine.store.files import NewFile
    from picsight_engine.store.tagging.tags import Definition

_IN_PACKAGE = re.compile(rb"(?P<name>(?:.*/)?[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})(?:_3)?", re.DOTALL)
_PHONE = re.compile(rb"(?P<letters>(?:.*/)?IMG_)(?P<edit>E?)(?P<number>\d{4,})", re.DOTALL)

_PHOTOS_OF_FILES = (
    f"SELECT photo_id, single_id FROM files WHERE present AND photo_id IS NOT NULL AND id IN {IDS}"
)
_MARK_MISSING = f"UPDATE files SET present = 0, missing_since = ? WHERE present AND id IN {IDS}"
# A file left its pair when it went: what the pair was given since is not for it.
_MARK_RETURNED = f"""
UPDATE files SET present = 1, missing_since = NULL, missing_seconds = 0,
    photo_id = coalesce(single_id, photo_id), single_id = NULL
WHERE id IN {IDS} AND folder_id NOT IN {RESTING}"""
_HIDDEN_OF = f"""
SELECT id FROM photos WHERE missing_since IS NOT NULL AND id IN {IDS}
    AND NOT EXISTS (SELECT 1 FROM files WHERE single_id = photos.id AND present) ORDER BY id"""
_NAMES = f"SELECT folder_id, name FROM files WHERE id IN {IDS}"
_BESIDE = """
SELECT id, name, taken, photo_id, single_id, coalesce(live, 0) FROM files
WHERE folder_id = ? AND present AND photo_id IS NOT NULL AND name >= ? AND name < ?"""
_BEHIND = """
SELECT single_id FROM files WHERE single_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM files AS others WHERE others.photo_id = files.single_id)"""
_BEHIND_THESE = f"{_BEHIND} AND (photo_id IN {IDS} OR single_id IN {IDS})"
_SHOW = "UPDATE files SET photo_id = ?, single_id = ? WHERE id = ?"
_MISSING_FROM_NOW = "UPDATE photos SET missing_seconds = 0 WHERE id = ?"
_REPLACED = """
SELECT photo_id, single_id FROM files
WHERE folder_id = ? AND name = ? AND present AND single_id IS NOT NULL AND single_id IS NOT ?"""
# Pairs, also of removed folders, with a file of which a copy lies elsewhere, alone or in another pair.
_LINKS = f"""
SELECT DISTINCT photo_id, single_id FROM files JOIN photos ON photos.id = single_id
WHERE (present OR folder_id IN {RESTING}) AND (photo_id IN {IDS} OR single_id IN {IDS}) AND (photos.missing_since IS NULL OR EXISTS (
    SELECT 1 FROM files AS others WHERE others.single_id = photos.id AND present AND others.photo_id <> files.photo_id))"""
_PAIRS = f"""
SELECT DISTINCT photo_id, single_id FROM files
WHERE present AND single_id IS NOT NULL AND (photo_id IN {IDS} OR single_id IN {IDS})"""
_IN_FRONT = "SELECT DISTINCT photo_id FROM files WHERE single_id = ? AND present"


@dataclass(frozen=True, slots=True)
class _ShotFile:
    """A present file; a `live` film belongs to a still of its name, `single_id` is the photo that the file itself shows while it
    stands behind another.
    """

    id: int
    name: bytes
    taken: str | None
    photo_id: int
    single_id: int | None
    live: bool

    @property
    def itself(self) -> int:
        return self.photo_id if self.single_id is None else self.single_id


def mark_missing(connection: sqlite3.Connection, file_ids: Iterable[int], when: float) -> list[int]:
    """Records that files are gone; returns the photos that nothing shows now, whose thumbnails must go as well."""
    ids = json.dumps(list(file_ids))
    shown = connection.execute(_PHOTOS_OF_FILES, (ids,)).fetchall()
    connection.execute(_MARK_MISSING, (when, ids))
    for photo_id, single_id in shown:
        if single_id is not None:  # it may return elsewhere, where it is no longer behind the other
            _leave(connection, photo_id, single_id)
    _pair_all(connection, ids)
    photo_ids = list({photo_id for row in shown for photo_id in row})
    return [photo_id for (photo_id,) in connection.execute(_HIDDEN_OF, (json.dumps(photo_ids),))]


def mark_returned(connection: sqlite3.Connection, file_ids: Iterable[int]) -> None:
    """Records that missing files are back as they were."""
    ids = json.dumps(list(file_ids))
    connection.execute(_MARK_RETURNED, (ids,))
    _pair_all(connection, ids)


def _pair_all(connection: sqlite3.Connection, ids: str) -> None:
    for folder_id, name in connection.execute(_NAMES, (ids,)).fetchall():
        pair(connection, folder_id, name)


def show_picture(connection: sqlite3.Connection, file: NewFile) -> None:
    """Stores that a picture is at this path now. The one that was there leaves its pair; this one brings what it was given in
    pairs elsewhere.
    """
    replaced = connection.execute(_REPLACED, (file.folder_id, file.name, file.photo_id)).fetchone()
    if replaced is not None:
        _leave(connection, *replaced)
    put_file(connection, file)
    if file.photo_id is not None:
        share_with_copies(connection, [file.photo_id])


def share_with_copies(connection: sqlite3.Connection, photo_ids: Iterable[int]) -> None:
    """Gives these photos the same decisions as those that show a copy of the file behind, alone or in another pair."""
    ids = json.dumps(list(photo_ids))
    links = connection.execute(_LINKS, (ids, ids)).fetchall()
    for front, single in links:
        share_decisions(connection, front, single)
    for single in {single for _, single in links}:
        _share_with_fronts(connection, single)


def share_taught(connection: sqlite3.Connection, tags: Iterable[Definition]) -> None:
    """Makes the examples of tags, and the photos that pairs and copies connect with them, examples of the same tags."""
    photo_ids = {photo for tag in tags for photo in (*tag.examples, *tag.against)}
    ids = json.dumps(list(photo_ids))
    for front, single in connection.execute(_PAIRS, (ids, ids)).fetchall():
        share_examples(connection, front, single)
    share_with_copies(connection, photo_ids)


def _leave(connection: sqlite3.Connection, front: int, single: int) -> None:
    """Copies the decisions about a pair to the photo of a file that leaves it, and to the other pairs of that photo; if it is
    missing now, then from now on.
    """
    connection.execute(_MISSING_FROM_NOW, (single,))
    share_decisions(connection, front, single)
    _share_with_fronts(connection, single)


def _share_with_fronts(connection: sqlite3.Connection, single: int) -> None:
    for (front,) in connection.execute(_IN_FRONT, (single,)).fetchall():
        share_decisions(connection, single, front)


def photos_behind(connection: sqlite3.Connection, photo_ids: Iterable[int] | None = None) -> set[int]:
    """The photos, missing ones too, whose files all stand behind those of other photos: a person knows them as no photos. All, or
    those of pairs with these.
    """
    ids = () if photo_ids is None else (json.dumps(list(photo_ids)),) * 2
    return {photo_id for (photo_id,) in connection.execute(_BEHIND_THESE if ids else _BEHIND, ids)}


def pair(connection: sqlite3.Connection, folder_id: int, name: bytes, unread: Container[int] = ()) -> None:
    """Pairs and parts the present files of the shot that a file belongs to, after that file came, changed or went.

    Leaves out files that changed and are still `unread`, by id: they may show another shot now.
    """
    stems = _stems(name)
    files = [
        _ShotFile(*row)
        for stem in stems
        for row in connection.execute(_BESIDE, (folder_id, stem + b".", stem + b"/"))
        if row[0] not in unread and os.path.splitext(row[1])[0] == stem  # noqa: PTH122 -- a.b.jpg lies between a. and a/, too
    ]
    first = _firsts(files, edit=stems[-1] if len(stems) > 1 else None)
    for file in files:
        before = first.get(file.id)
        if file.single_id is not None and file.photo_id != before:
            connection.execute(_SHOW, (file.single_id, None, file.id))
            _leave(connection, file.photo_id, file.single_id)
        if before is not None and file.photo_id != before:
            connection.execute(_SHOW, (before, file.itself, file.id))
            share_decisions(connection, file.itself, before)
            share_with_copies(connection, [before, file.itself])


def _stems(name: bytes) -> list[bytes]:
    """The names without suffix that files of a shot have: of an iPhone's those of the original and of its edit, in the package
    of Apple Photos those of the still and of its film, else one.
    """
    stem = os.path.splitext(name)[0]  # noqa: PTH122 -- pathlib cannot hold bytes
    if packed := _IN_PACKAGE.fullmatch(stem):
        return [packed["name"], packed["name"] + b"_3"]
    phone = _PHONE.fullmatch(stem)
    if phone is None:
        return [stem]
    return [phone["letters"] + edit + phone["number"] for edit in (b"", b"E")]


def _firsts(files: Sequence[_ShotFile], edit: bytes | None) -> dict[int, int]:
    """The photo behind which each file stands, by the file's id; files that stand alone or first are absent."""
    shown = sorted(
        (file for file in files if suffix_of(file.name) in SHOWN_SUFFIXES),
        key=lambda file: not _is_edit(file, edit),
    )
    found: dict[int, int] = {}
    for file in (*shown, *(file for file in files if suffix_of(file.name) in RAW_SUFFIXES)):
        may_lead = [
            each for each in shown if file not in shown or _is_edit(each, edit) > _is_edit(file, edit)
        ]
        lead = next((each for each in may_lead if is_same_time(each.taken, file.taken)), None)
        if lead is not None:
            found[file.id] = found.get(lead.id, lead.itself)
    for film in files if shown else ():
        if film.live and suffix_of(film.name) in VIDEO_SUFFIXES:
            found[film.id] = found.get(shown[0].id, shown[0].itself)
    return found


def _is_edit(file: _ShotFile, edit: bytes | None) -> bool:
    return edit is not None and file.name.startswith(edit + b".")
