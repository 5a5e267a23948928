"""Writes tags and stars to side-cars beside photos, for other programs.

Photo files are never written. A side-car has the full name of its photo ("photo.jpg.xmp"), because a short name belongs to
the raw file and the JPEG together. Programs that know both prefer the long name. So a photo that has only a short side-car
gets a long one with the same content; otherwise these programs would lose the content of the short one.
"""

from __future__ import annotations

import errno
import math
import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lxml import etree

from picsight_engine.exchange.replacement import DRAFTS, ChangedMeanwhileError, exchange
from picsight_engine.exchange.sidecar_reading import with_later_changes
from picsight_engine.exchange.tagged_photo import CHANGED, TaggedPhoto
from picsight_engine.exchange.xmp_writing import strip_notes, update_packet
from picsight_engine.foundation.errors import Message, StorageError
from picsight_engine.foundation.other_programs import package_of
from picsight_engine.foundation.private_files import sweep_drafts
from picsight_engine.photos.identity import bytes_hash
from picsight_engine.photos.metadata.keyword_lists import keyword_of
from picsight_engine.photos.metadata.sidecars import belongs_to, long_sidecar, read_sidecar, short_sidecar
from picsight_engine.photos.metadata.tag_precedence import read_metadata
from picsight_engine.photos.metadata.xmp import read_facts, read_packet
from picsight_engine.photos.metadata.xmp_tree import PacketError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Find = Callable[[bytes, "TaggedPhoto | None"], list["TaggedPhoto"] | None]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_CLOSED = Message(
    "{files} got no side-car: nothing may be written into that folder. Change its permissions and export again."
)
_LATER = Message(
    "{files} changed later in another program, so nothing was written. Import the side-cars, or decide again, and export again."
)
_PACKAGED = Message(
    "{files} got no side-car: Picsight writes nothing into another program's library. Export a file of decisions instead."
)


@dataclass(frozen=True, slots=True)
class Exported:
    """The number of side-cars written so far and of photos that needed none; at the end, a sentence per skipped file."""

    written: int
    unchanged: int
    left_alone: tuple[Message, ...] = ()


class _LeftAloneError(Exception):
    """A file was skipped; `why` is the sentence about the `{files}`. A reason for a whole folder is given once."""

    def __init__(self, what: Path, why: Message, *, of_folder: bool = False) -> None:
        super().__init__(why)
        self.what, self.why, self.of_folder = what, why, of_folder


def export_sidecars(photos: Iterable[TaggedPhoto], find: Find = lambda *_: None) -> Iterator[Exported]:
    """Writes changed side-cars of photos; for a photo without tags and stars, removes only entries of an earlier export.

    `find` returns the files that show the picture with a hash; None if the library knows none, or if the given photo is an
    edit of it. What other programs wrote for another picture is put beside one of its files, with its hash; then the side-car
    belongs to the photo that has its name now.

    Yields the progress after each photo, and the result last. The caller may stop between two files.

    Raises:
        StorageError: the disk is full; written side-cars stay, and the next export continues.
    """
    written = unchanged = 0
    alone: dict[tuple[Path, Message], list[Path]] = defaultdict(list)
    swept: set[Path] = set()
    for photo in photos:
        folder = photo.path.parent
        if package := package_of(photo.path):
            if photo.tags or photo.stars is not None:
                alone[package, _PACKAGED].append(package)
            continue
        if folder not in swept:
            swept.add(folder)
            sweep_drafts(folder, DRAFTS)
        try:
            is_written = _export(photo, find)
        except _LeftAloneError as fault:
            alone[folder if fault.of_folder else fault.what, fault.why].append(fault.what)
        except OSError as fault:
            if fault.errno in _FULL:
                raise StorageError(
                    "The disk is full: {written} side-cars were written, the others not. Free some space and export again.",
                    written=written,
                ) from fault
            words = "{files} got no side-car ({reason}). Look at the disk and export again."
            failed = Message(words, reason=fault.strerror)
            place, why = (folder, _CLOSED) if fault.errno in _REFUSED else (photo.path, failed)
            alone[place, why].append(photo.path)
        else:
            written, unchanged = written + is_written, unchanged + (not is_written)
        yield Exported(written, unchanged)
    yield Exported(written, unchanged, tuple(_sentence(*each) for each in alone.items()))


def _export(photo: TaggedPhoto, find: Find, before_it: frozenset[Path] = frozenset()) -> bool:
    """Updates one photo's side-car; returns whether anything was written. Those of the photos `before_it` wait for this one."""
    is_there, has_content = photo.path.is_file(), bool(photo.tags) or photo.stars is not None
    if not is_there and has_content:
        words = "{files} could not be found, so nothing was written. Connect the disk, or look for new photos, and export again."
        raise _LeftAloneError(photo.path, Message(words), of_folder=True)
    sidecar = long_sidecar(photo.path)
    is_due = has_content or (bool(photo.history) and os.path.lexists(sidecar))
    if is_there and is_due and not photo.is_as_indexed():
        raise _LeftAloneError(photo.path, CHANGED)
    try:
        before = read_sidecar(sidecar)
        is_others = bool(before and _give_away(photo, before, find, before_it, is_there=is_there))
        after = _content(photo, None if is_others else before, is_there=is_there, is_due=is_due)
    except PacketError as fault:
        if not is_there or not is_due:
            return False
        words = "{files} was left as it is: {fault}. Repair it or move it elsewhere, and export again."
        raise _LeftAloneError(sidecar, Message(words, fault=fault)) from fault
    if after != before:
        _put(sidecar, before, after)
    return after != before


def _content(photo: TaggedPhoto, before: bytes | None, *, is_there: bool, is_due: bool) -> bytes | None:
    """The new content of a photo's side-car, None if there should be none; raises PacketError."""
    if not is_there:
        return before
    if not before:  # an empty side-car counts as missing
        base = _short_content(photo)
        copied = bytes_hash(base) if base else None
        return update_packet(base, replace(photo.sidecar, copied=copied)) or before
    content, *times = with_later_changes(photo.path, before, long_sidecar(photo.path).stat().st_mtime)
    after = update_packet(content, photo.sidecar) or (content if is_due else before)
    if after != before and _has_changed_later(photo, content, *times):
        raise _LeftAloneError(photo.path, _LATER, of_folder=True)
    return after


def _has_changed_later(photo: TaggedPhoto, content: bytes, written_at: float, rated_at: float) -> bool:
    """Whether another program or library removed a tag or changed stars after the user's word: the later change counts."""
    packet = read_packet(content)
    is_echo = packet.rating == packet.rated and photo.history.gave(packet.rated)
    is_starred = packet.rated is not None and packet.rating not in {None, photo.stars} and not is_echo
    return (photo.stars is not None and is_starred and photo.rated_at < rated_at) or any(
        keyword_of(tag, "/") in packet.gone and photo.since.get(tag, math.inf) < written_at
        for tag in photo.tags
    )


def _give_away(
    photo: TaggedPhoto, content: bytes, find: Find, before_it: frozenset[Path], *, is_there: bool
) -> bool:
    """Whether a side-car was written for another picture, and now holds nothing that is not beside a file of that, too.

    Raises:
        PacketError: the side-car cannot be read.
        _LeftAloneError: what other programs wrote for that picture is nowhere else; without a photo, that is no fault.
    """
    owners = _files_of_another(photo, content, find)
    if owners is None or not (owners or is_there):
        return False
    rest, sidecar = strip_notes(content), long_sidecar(photo.path)
    why = Message(
        "{files} was left as it is: another program wrote it for a photo that is not there now. "
        "Put it beside that photo, or remove it, and export again."
    )
    for owner in owners if rest is not None else ():
        try:
            _give(owner, content, sidecar, find, before_it | {photo.path})
        except _LeftAloneError as fault:
            words = "{files} was left as it is: it belongs to what is now {owner}. {then}"
            why = Message(words, owner=owner.path, then=_sentence((fault.what, fault.why), [fault.what]))
        else:
            return True
    if rest is not None and is_there:
        raise _LeftAloneError(sidecar, why)
    return rest is None


def _files_of_another(photo: TaggedPhoto, content: bytes, find: Find) -> list[TaggedPhoto] | None:
    """The files of the picture for which a side-car was written, if that is another photo of the library.

    A photo that was taken in the second that the side-car names, or else looks alike, is the same one after an edit.
    """
    known = [digest for digest in (photo.fingerprint, photo.bytes_hash) if digest]
    if any(digest.hex().encode() in content for digest in known):
        return None
    noted = read_packet(content).original
    if noted is None or noted in known:
        return None
    dates = {photo.taken, read_metadata({}, read_facts(content)).taken if photo.taken else None}
    if None in dates or any(str(date).endswith("T00:00:00") for date in dates):  # a day says too little
        return find(noted, photo)
    return find(noted, None) if len(dates) > 1 else None


def _give(owner: TaggedPhoto, content: bytes, sidecar: Path, find: Find, before_it: frozenset[Path]) -> None:
    """Writes a side-car beside another file, which shows its picture; raises _LeftAloneError."""
    if owner.path in before_it:
        words = "{files} has a side-car that is due elsewhere, too. Exchange their names, and export again."
        raise _LeftAloneError(owner.path, Message(words))
    if package := package_of(owner.path):
        raise _LeftAloneError(package, _PACKAGED)
    if not (owner.path.is_file() and owner.is_as_indexed()):
        raise _LeftAloneError(owner.path, CHANGED)
    target, written = long_sidecar(owner.path), sidecar.stat()
    try:
        _export(owner, find, before_it)  # what lies there may belong to yet another photo
        there = read_sidecar(target)
        if rest := strip_notes(there) if there else None:
            if _plain(rest) != _plain(strip_notes(content) or b""):
                why = Message("{files} holds something else. Keep one of them, and export again.")
                raise _LeftAloneError(target, why)
            return
        _put(target, there, content)
        os.utime(target, ns=(written.st_atime_ns, written.st_mtime_ns))  # later changes are those after it
    except PacketError as fault:
        why = Message("{files} cannot be read: {fault}. Repair it, and export again.", fault=fault)
        raise _LeftAloneError(target, why) from fault
    except OSError as fault:
        if fault.errno in _FULL:
            raise
        why = Message(
            "{files} cannot be written ({reason}). Export again when it can.", reason=fault.strerror
        )
        raise _LeftAloneError(target, why) from fault
    with suppress(_LeftAloneError):  # a later change of another program waits for an import
        _export(owner, find, before_it)


def _plain(content: bytes) -> str:
    """A packet without white space between its elements."""
    return str(etree.canonicalize(parse(content), strip_text=True))


def _put(sidecar: Path, before: bytes | None, after: bytes | None) -> None:
    """Writes a side-car, or removes it; raises _LeftAloneError, OSError."""
    if sidecar.is_symlink():
        why = Message(
            "{files} is a link, which may lead anywhere, so it was left as it is. Put the file itself there, and export again."
        )
        raise _LeftAloneError(sidecar, why)
    if before is not None and not os.access(sidecar, os.W_OK):
        why = Message(
            "{files} may not be changed, so it was left as it is. Change its permissions and export again."
        )
        raise _LeftAloneError(sidecar, why)
    try:
        exchange(sidecar, before, after)
    except ChangedMeanwhileError as fault:
        why = Message("{files} was being changed by another program, so it was left as it is. Export again.")
        raise _LeftAloneError(sidecar, why) from fault


def _short_content(photo: TaggedPhoto) -> bytes | None:
    """The content of a short-named side-car, unless it names another picture, Adobe wrote it for another kind of file, or it
    is unreadable.
    """
    short = short_sidecar(photo.path)
    try:
        content = None if short is None else read_sidecar(short)
        if content is None:
            return None
        packet = read_packet(content)
    except PacketError:
        return None
    is_its = packet.original in {None, photo.bytes_hash, photo.fingerprint}
    return content if is_its and belongs_to(packet.for_suffix, photo.path) else None


def _sentence(key: tuple[Path, Message], what: list[Path]) -> Message:
    place, why = key
    many = Message.counted(
        len(what), "{number:,} photo in {place}", "{number:,} photos in {place}", place=place
    )
    return why.about(files=many if len(what) > 1 else what[0])
