"""What the head of a server's answer says of a file, as far as it says it in earnest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

    from picsight_engine.installation.transfer.partial_file import Notes

_SHA256 = re.compile("[0-9a-f]{64}")
_COMMIT = re.compile("[0-9a-f]{40}")
_LENGTH = re.compile("[0-9]{1,18}")
_CONTENT_RANGE = re.compile("bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})")


def note_repository(headers: Message, notes: Notes) -> None:
    """The hash and the commit that a model repository states; the servers behind its redirects state neither."""
    stated = headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"').lower()
    if _SHA256.fullmatch(stated):
        notes.stated_sha256 = stated
    commit = headers.get("X-Repo-Commit", "").lower()
    if _COMMIT.fullmatch(commit):
        notes.revision = commit


def length(headers: Message) -> int | None:
    """The length of the body in bytes, as far as the server says it in earnest."""
    said = headers.get("Content-Length", "").strip()
    return int(said) if _LENGTH.fullmatch(said) else None


def rest(headers: Message) -> tuple[int, int] | None:
    """Where a part begins and how long the whole is, both in bytes; None where either is not said."""
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    return None if found is None else (int(found[1]), int(found[2]))


def validator(headers: Message) -> str | None:
    """What tells one version of the file from another; a weak tag does not, byte for byte."""
    tag = headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return tag
    return headers.get("Last-Modified")
