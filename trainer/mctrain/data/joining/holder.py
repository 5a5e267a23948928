"""Files in which a downloader, or a publisher of captions, has left samples: which uids they hold, and one of them read.

A uid is DataComp's name of a sample, 128 bits in hex: it stands in the sample's JSON, and where there is none it is the key.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mctrain.places import Place

_UID = re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample in a file: its uid as 16 bytes, where and how large it is, and whether it has a photo and a text."""

    uid: bytes
    at: int
    size: int
    photo: bool
    text: bool


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a file has of a sample: the photo's bytes, empty where there is none; the text; and what the downloader says of it."""

    photo: bytes
    text: str
    facts: Mapping[str, Any]


class Holder(Protocol):
    """One file of samples; of photos in a folder, the folder."""

    @property
    def place(self) -> Place:
        """Where it lies."""

    def version(self) -> str:
        """A text that is another one as soon as it holds others."""

    def entries(self) -> Iterator[Entry]:
        """Its samples that have a uid.

        Raises:
            DataError: it is missing, or damaged: what came before the damage was whole.
        """

    def fetch(self, at: int, size: int) -> Fetched:
        """One of them.

        Raises:
            DataError: it is no longer there as it was.
        """


def parse_uid(text: object) -> bytes | None:
    """The 16 bytes of a uid in hex, in capitals or not; None for anything else."""
    return bytes.fromhex(text) if isinstance(text, str) and _UID.fullmatch(text) else None


def uid_of(facts: Mapping[str, Any], key: str) -> bytes | None:
    """Of a sample by its JSON, or else by its key."""
    return parse_uid(facts.get("uid")) or parse_uid(key.rpartition("/")[2])


def parse_facts(content: bytes) -> Mapping[str, Any]:
    """A downloader's JSON of a sample; of one that is broken nothing is known."""
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def text_of(content: bytes | None, facts: Mapping[str, Any]) -> str:
    """The caption in its own file, or else in the JSON."""
    text = content.decode(errors="replace") if content is not None else facts.get("caption")
    return text if isinstance(text, str) else ""
