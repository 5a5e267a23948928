"""Shards of img2dataset (`webdataset`) and of mlfoundations, whose samples have a text and no photo."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mctrain.data.joining.holder import Entry, Fetched, parse_facts, text_of, uid_of
from mctrain.data.shards import PHOTO_SUFFIXES, demand_end, split_name
from mctrain.errors import DataError
from mctrain.places import opened, read_part, size_of, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mctrain.places import Place


@dataclass(slots=True)
class _Group:
    """The members of one sample as they pass: where the first begins, and where the last ends."""

    key: str
    start: int
    end: int = 0
    suffixes: set[str] = field(default_factory=set)
    record: bytes = b""

    def take(self, suffix: str, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        """One more member; of its content only the JSON is read."""
        self.suffixes.add(suffix)
        self.end = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        if suffix == "json":
            content = archive.extractfile(member)
            self.record = content.read() if content else b""

    def entry(self) -> Entry | None:
        """What an index keeps of it, if it has a uid."""
        facts = parse_facts(self.record)
        uid = uid_of(facts, self.key)
        if uid is None:
            return None
        text = "txt" in self.suffixes or bool(facts.get("caption"))
        return Entry(uid, self.start, self.end - self.start, bool(PHOTO_SUFFIXES & self.suffixes), text)


@dataclass(frozen=True, slots=True)
class TarHolder:
    """One tar archive, not zipped."""

    place: Place

    def version(self) -> str:
        """As `Holder`."""
        return version_of(self.place)

    def entries(self) -> Iterator[Entry]:
        """As `Holder`; photos are passed over unread."""
        whole = size_of(self.place)
        for group in self._groups():
            if group.end <= whole and (entry := group.entry()):
                yield entry

    def fetch(self, at: int, size: int) -> Fetched:
        """As `Holder`."""
        found: dict[str, bytes] = {}
        try:
            with tarfile.open(fileobj=io.BytesIO(read_part(self.place, at, size)), mode="r:") as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isfile() else None
                    if content is not None:
                        found[split_name(member.name)[1]] = content.read()
        except tarfile.TarError as fault:
            raise DataError(f"The shard {self.place} has changed while it was read; join again.") from fault
        facts = parse_facts(found.get("json", b""))
        photo = next((content for suffix, content in found.items() if suffix in PHOTO_SUFFIXES), b"")
        return Fetched(photo, text_of(found.get("txt"), facts), facts)

    def _groups(self) -> Iterator[_Group]:
        """The samples; where the archive is damaged, the one that it ends in may lack its end."""
        group: _Group | None = None
        damage: DataError | None = None
        try:
            with opened(self.place) as file, tarfile.open(fileobj=file, mode="r:") as archive:
                for member in archive:
                    if not member.isfile():
                        continue
                    key, suffix = split_name(member.name)
                    if group is None or key != group.key or suffix in group.suffixes:
                        if group is not None:
                            yield group
                        group = _Group(key, member.offset)
                    group.take(suffix, member, archive)
                demand_end(archive, self.place)
        except tarfile.TarError:
            damage = DataError(f"The shard {self.place} is damaged, cut off or no tar archive.")
        except DataError as fault:
            damage = fault
        if group is not None:
            yield group
        if damage is not None:
            raise damage
