"""Folders of img2dataset (`files`): photos, texts and JSON side by side under one name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from mctrain.data.joining.holder import Entry, Fetched, parse_facts, text_of, uid_of
from mctrain.data.shards import PHOTO_SUFFIXES, split_name
from mctrain.places import files_of, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mctrain.places import Place


@dataclass(frozen=True, slots=True)
class FolderHolder:
    """One of its folders, `00000`; a sample is known by its place in the order of the names."""

    place: Place

    def version(self) -> str:
        """As `Holder`: by the names of its files."""
        names = "\n".join(str(file) for _, files in _list(self.place) for file in files.values())
        return hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()

    def entries(self) -> Iterator[Entry]:
        """As `Holder`."""
        for at, (key, files) in enumerate(_list(self.place)):
            facts = parse_facts(read(files["json"])) if "json" in files else {}
            uid = uid_of(facts, key)
            if uid is not None:
                text = "txt" in files or bool(facts.get("caption"))
                yield Entry(uid, at, 0, bool(PHOTO_SUFFIXES & files.keys()), text)

    def fetch(self, at: int, size: int) -> Fetched:  # noqa: ARG002 (a folder's samples have none)
        """As `Holder`."""
        _, files = _listed(self.place)[at]
        found = {suffix: read(file) for suffix, file in files.items()}
        facts = parse_facts(found.get("json", b""))
        photo = next((content for suffix, content in found.items() if suffix in PHOTO_SUFFIXES), b"")
        return Fetched(photo, text_of(found.get("txt"), facts), facts)


def _list(folder: Place) -> tuple[tuple[str, Mapping[str, Place]], ...]:
    """The files of each sample by suffix, in the order of the keys."""
    found: dict[str, dict[str, Place]] = {}
    for file in files_of(folder, "*"):
        key, suffix = split_name(file.name)
        found.setdefault(key, {})[suffix] = file
    return tuple(sorted(found.items()))


_listed = lru_cache(maxsize=64)(_list)
