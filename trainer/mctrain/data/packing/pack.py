"""Packs photos into shards: a plan, then one shard after the other, each kept where an earlier run finished it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mctrain.data.packing.packed import PackedShard, PackingManifest, clear, finished_shards, is_whole
from mctrain.data.packing.plan import Plan, Settings, digest, make_plan
from mctrain.data.packing.shard_maker import CHANGED, EVALUATION, ShardMaker
from mctrain.data.sources.folder import read_folder
from mctrain.data.sources.library import read_library
from mctrain.data.sources.listing import Listing
from mctrain.data.sources.table import SUFFIX, read_tables, tables_of
from mctrain.errors import DataError
from picsight_engine.bundles.destination import demand_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mctrain.data.packing.plan import Planned

_SPOOL = ".photos.part"
_REASONS = {
    "empty": "is empty",
    "not_an_image": "is no picture",
    "unsupported": "is a kind of picture that cannot be read yet",
    "damaged": "is damaged",
    "truncated": "ends before its picture does",
    "too_large": "is far too large, or too long and thin",
    "no_permission": "may not be read",
    "vanished": "is no longer there",
    CHANGED: "was changed while it was packed; pack again",
}


@dataclass(slots=True)
class Packed:
    """What a run did: the shards, how many of them were there already, and sentences about photos that were left out."""

    shards: list[PackedShard] = field(default_factory=list)
    kept: int = 0
    refused: list[str] = field(default_factory=list)
    copies: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)


def pack(
    source: Path, folder: Path, settings: Settings, bar: Callable[[str, int], Callable[[int, str], None]]
) -> Packed:
    """Packs a folder of photos, those of Parquet files, or those that a library's export names; a killed run continues with the same call.

    Raises:
        DataError: the source cannot be read, the folder holds something else, or no photo could be packed.
        StorageError: the folder cannot be written.
    """
    demand_writable(folder)
    finished_shards(folder)  # a folder that holds something else is told before all photos are read
    with _laid_out(source, folder) as listing:
        plan = make_plan(listing, settings, bar("photos read", len(listing.entries)))
        packed = Packed(copies=plan.copies, faults=list(plan.faults))
        packed.refused += [f"{own.path} is one by its {own.by}" for own in plan.refused.values()]
        _make_shards(plan, folder, settings, packed, bar)
    packed.faults.sort()
    if not any(shard.photos for shard in packed.shards):
        told = [*packed.faults, *packed.refused, f"{source} holds no photo"]
        raise DataError(f"No photo could be packed: {told[0].removesuffix('.')}.")
    return packed


@contextmanager
def _laid_out(source: Path, folder: Path) -> Iterator[Listing]:
    """The photos of a source as files; those of tables lie beside the shards as long as these are made."""
    if source.is_file() and source.suffix.lower() != SUFFIX:
        yield read_library(source)
        return
    listing = read_folder(source) if source.is_dir() else Listing((), ())
    spool = folder / _SPOOL
    shutil.rmtree(spool, ignore_errors=True)  # of a run that was killed
    try:
        more = read_tables(tables_of(source), spool)
        yield Listing((*listing.entries, *more.entries), (*listing.faults, *more.faults))
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _make_shards(
    plan: Plan,
    folder: Path,
    settings: Settings,
    packed: Packed,
    bar: Callable[[str, int], Callable[[int, str], None]],
) -> None:
    """Makes the shards that are missing; after each one the manifest names it."""
    shards = {f"shard-{number:06}.tar": shard for number, shard in enumerate(plan.shards)}
    finished = finished_shards(folder)
    marks = {name: digest(shard, settings) for name, shard in shards.items()}
    known = {
        name: finished[mark]
        for name, mark in marks.items()
        if mark in finished and is_whole(finished[mark], folder, name)
    }
    packed.kept = len(known)
    refused = {key: f"by {own.by}" for key, own in plan.refused.items()}
    manifest = PackingManifest(settings, refused, len(plan.copies), len(plan.faults))
    manifest.write(folder, known)
    clear(folder, known)
    missing = sum(len(shard) for name, shard in shards.items() if name not in known)
    progress = bar("photos packed", missing) if missing else lambda *_: None
    with ShardMaker(folder, settings, progress) as maker:
        for name, shard in shards.items():
            if name not in known:
                known[name] = maker.make(name, shard)
                manifest.write(folder, known)
            packed.shards.append(known[name])
            _tell(shard, known[name], packed)


def _tell(shard: tuple[Planned, ...], record: PackedShard, packed: Packed) -> None:
    """Sentences about what a shard, made now or before, had to leave out."""
    paths = {own.key: own.path for own in shard}
    for key, code in record.skipped.items():
        if code == EVALUATION:
            packed.refused.append(f"{paths[key]} is one by its bytes")
        else:
            packed.faults.append(f"{paths[key]} {_REASONS[code]}.")
