"""Makes smaller sets from a reinforced one, beside it: a quarter of its photos, its first views alone, or names alone as texts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import sys
from typing import TYPE_CHECKING

from mctrain.data.reading.index import open_shard
from mctrain.data.reinforced.bank import BANK
from mctrain.data.reinforced.manifest import MANIFEST, Storage, load_manifest
from mctrain.data.reinforced.sample import REINFORCED, members_of, parse_sample
from mctrain.data.shards import write_archive
from mctrain.data.views import Slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Members = dict[str, bytes]

_ONE_IN = 4


def quarter(source: Path, target: Path) -> Path:
    """A quarter of the photos, by their keys."""
    return _made(source, target, lambda key, members: members if _number(key) % _ONE_IN == 0 else None)


def first_views(source: Path, target: Path, count: int) -> Path:
    """All photos with their first `count` views."""
    widths = load_manifest(source / MANIFEST).widths

    def cut(key: str, members: Members) -> Members:
        each = parse_sample(key, members, widths)
        fewer = dataclasses.replace(
            each, views=each.views[:count], image_embeddings=each.image_embeddings[:count]
        )
        return members_of(fewer, Storage.NPZ, Slots(flip=False, operations=True))

    return _made(source, target, cut)


def names_alone(source: Path, target: Path) -> Path:
    """The photos that have labels or names of objects, with these as their only text, which comes closest to alt text."""

    def rename(_: str, members: Members) -> Members | None:
        about = json.loads(members["json"])
        names = about.get("labels") or about.get("objects") or [about.get("label")]
        if not names[0]:
            return None
        facts = json.dumps({**about, "texts": []}).encode()
        rows = {name: rest for name, rest in members.items() if name not in {"txt", "json", "syn.json"}}
        return {**rows, "txt": ", ".join(names).encode(), "json": facts, "syn.json": b"{}"}

    return _made(source, target, rename)


def count_photos(folder: Path) -> int:
    """The number of samples in the shards of a set."""
    return sum(open_shard(path, folder / "index", REINFORCED).whole for path in folder.glob("*.tar"))


def _made(source: Path, target: Path, change: Callable[[str, Members], Members | None]) -> Path:
    """Writes shards of the samples that `change` returns; the manifest comes last, so a set that has one is complete."""
    whole, made = source / MANIFEST, target / MANIFEST
    if made.exists():
        if made.read_bytes() != whole.read_bytes():
            sys.exit(f"{target} was made of another set than {source}; give another folder of runs.")
        return target
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.tar")):
        write_archive(target / path.name, _samples(path, target / "index", change))
    if (source / BANK).exists():
        shutil.copy(source / BANK, target / BANK)
    shutil.copy(whole, made)
    return target


def _samples(
    path: Path, cache: Path, change: Callable[[str, Members], Members | None]
) -> Iterator[tuple[str, Members]]:
    shard = open_shard(path, cache, REINFORCED)
    for number in range(shard.whole):
        key = shard.key(number)
        if (members := change(key, shard.members(number))) is not None:
            yield key, members


def _number(key: str) -> int:
    return int(hashlib.sha256(f"quarter/{key}".encode()).hexdigest(), 16)
