"""Packs photos into shards and keeps those that an earlier run finished; `manifest.json` records their content and settings.

The manifest contains no paths or file names of photos, so a folder of shards can be shared.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from mctrain.atomic_files import open_atomic
from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.packing.plan import PackingPlan, PackingSettings, content_key, digest, make_plan
from mctrain.data.packing.prepare import LIMITS, Prepared, prepare
from mctrain.data.shards import file_digest, write_archive
from mctrain.data.sources.folder import read_folder
from mctrain.data.sources.library import read_library
from mctrain.data.sources.listing import PARQUET, SourceListing
from mctrain.data.texts import CAPTIONS, members_of
from mctrain.errors import DataError
from picsight_engine.bundles.writable_folder import require_writable
from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.reading import read_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mctrain.data.packing.plan import Planned

    Progress = Callable[[int, str], None]

MANIFEST = "manifest.json"
_FORMAT = 1
_KIND = "packed photos"
_SPOOL = ".photos.part"
_EVALUATION, _CHANGED = "evaluation", "changed"  # reasons to skip a photo, besides the engine's codes
_REASONS = {
    "empty": "is empty",
    "not_an_image": "is not a picture",
    "unsupported": "is a kind of picture that cannot be read yet",
    "damaged": "is damaged",
    "truncated": "ends before its picture does",
    "too_large": "is far too large, or too long and thin",
    "no_permission": "may not be read",
    "vanished": "is no longer there",
    _CHANGED: "was changed while it was packed; pack again",
}
# decoders release the GIL; an image of 250 megapixels takes 0.75 GB
_THREADS = min(os.cpu_count() or 1, 4)


@dataclass(frozen=True, slots=True)
class PackedShard:
    """One shard: its file, the digest of its plan, its counts, and the code of each photo that was skipped, by key.

    `human` and `synthetic` count the photos by their first caption. A shard without a usable photo has 0 bytes and no file.
    """

    name: str
    plan: str
    bytes: int
    sha256: str
    photos: int
    unchanged: int
    human: int
    synthetic: int
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Packed:
    """The result of a run: the shards, how many of them were kept, and sentences about skipped photos."""

    shards: list[PackedShard] = field(default_factory=list)
    kept: int = 0
    refused: list[str] = field(default_factory=list)
    copies: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)


def pack(
    source: Path,
    folder: Path,
    settings: PackingSettings,
    bar: Callable[[str, int], Progress],
    read_tables: Callable[[Path, Path], SourceListing],
) -> Packed:
    """Packs the photos of a folder, of Parquet files or of a library export; the same call resumes a killed run.

    `read_tables` extracts the photos of the Parquet files in the source to a folder.

    Raises:
        DataError: the source cannot be read, the folder holds something else, or no photo could be packed.
        StorageError: the folder cannot be written.
    """
    require_writable(folder)
    finished = _finished_shards(folder)  # first: if the folder is refused, no photo is read in vain
    with _laid_out(source, folder, read_tables) as listing:
        plan = make_plan(listing, settings, bar("photos read", len(listing.entries)))
        packed = Packed(copies=plan.copies, faults=list(plan.faults))
        packed.refused += [f"{each.path} is one by its {each.by}" for each in plan.refused.values()]
        _make_shards(plan, folder, finished, packed, bar)
    packed.faults.sort()
    if not any(shard.photos for shard in packed.shards):
        reasons = [*packed.faults, *packed.refused, f"{source} holds no photo"]
        raise DataError(f"No photo could be packed: {reasons[0].removesuffix('.')}.")
    return packed


@contextmanager
def _laid_out(
    source: Path, folder: Path, read_tables: Callable[[Path, Path], SourceListing]
) -> Iterator[SourceListing]:
    """Lists the photos of a source; those of Parquet files are extracted to a temporary folder beside the shards."""
    if source.is_file() and source.suffix.lower() != PARQUET:
        yield read_library(source)
        return
    listing = read_folder(source) if source.is_dir() else SourceListing((), ())
    spool = folder / _SPOOL
    shutil.rmtree(spool, ignore_errors=True)  # left by a killed run
    try:
        more = read_tables(source, spool)
        yield SourceListing((*listing.entries, *more.entries), (*listing.faults, *more.faults))
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _make_shards(
    plan: PackingPlan,
    folder: Path,
    finished: Mapping[str, PackedShard],
    packed: Packed,
    bar: Callable[[str, int], Progress],
) -> None:
    """Makes the missing shards and updates the manifest after each."""
    shards = {f"shard-{number:06}.tar": shard for number, shard in enumerate(plan.shards)}
    records = {
        name: record
        for name, shard in shards.items()
        if (record := finished.get(digest(shard, plan.settings))) and _is_whole(record, folder, name)
    }
    packed.kept = len(records)
    _write_manifest(folder, plan, records)
    for path in (*folder.glob("shard-*.tar"), *folder.glob(".*.part")):
        if path.name not in records and path.is_file():
            path.unlink()  # made with other settings or photos, or half written by a killed run
    missing = sum(len(shard) for name, shard in shards.items() if name not in records)
    progress = bar("photos packed", missing) if missing else lambda *_: None
    pool = ThreadPoolExecutor(_THREADS)
    try:
        for name, shard in shards.items():
            if name not in records:
                prepared = pool.map(lambda each: _prepared(each, plan.settings.side), shard)
                records[name] = _make(folder / name, shard, prepared, plan.settings, progress)
                _write_manifest(folder, plan, records)
            packed.shards.append(records[name])
            _explain(shard, records[name], packed)
    finally:
        pool.shutdown(cancel_futures=True)


def _make(
    path: Path,
    shard: tuple[Planned, ...],
    prepared: Iterator[Prepared | str],
    settings: PackingSettings,
    progress: Progress,
) -> PackedShard:
    """Writes a shard of the usable photos; writes no file if there are none."""
    samples: list[tuple[str, Mapping[str, bytes]]] = []
    skipped: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for planned, made in zip(shard, prepared, strict=True):
        progress(1, path.name)
        if isinstance(made, str):
            skipped[planned.key] = made
            continue
        about = {"source": "", **planned.texts.about}
        about["license"] = about.get("license") or settings.license
        samples.append((planned.key, members_of(replace(planned.texts, about=about), made.photo)))
        counts["unchanged"] += made.unchanged
        counts["human"] += bool(planned.texts.human)
        counts["synthetic"] += not planned.texts.human and CAPTIONS in planned.texts.synthetic
    written = write_archive(path, samples) if samples else ""
    return PackedShard(
        name=path.name,
        plan=digest(shard, settings),
        sha256=written,
        bytes=path.stat().st_size if samples else 0,
        photos=len(samples),
        unchanged=counts["unchanged"],
        human=counts["human"],
        synthetic=counts["synthetic"],
        skipped=skipped,
    )


def _prepared(each: Planned, side: int) -> Prepared | str:
    """Prepares a photo for its shard, or returns the code of the reason to skip it."""
    try:
        data = read_photo(each.path, LIMITS)
        if content_key(data) != each.key:
            return _CHANGED
        made = prepare(data, each.path, side)
    except ImageError as fault:
        return fault.code
    return _EVALUATION if shipped_digests().holds_photo(made.photo.content) else made


def _explain(shard: tuple[Planned, ...], record: PackedShard, packed: Packed) -> None:
    """Adds sentences about the photos that a shard lacks, whether it was made now or earlier."""
    paths = {each.key: each.path for each in shard}
    for key, code in record.skipped.items():
        if code == _EVALUATION:
            packed.refused.append(f"{paths[key]} is one by its bytes")
        else:
            packed.faults.append(f"{paths[key]} {_REASONS[code]}.")


def _write_manifest(folder: Path, plan: PackingPlan, shards: Mapping[str, PackedShard]) -> None:
    """Replaces the manifest: it lists these shards, and the refused evaluation photos by key with the reason."""
    content = {
        "format": _FORMAT,
        "kind": _KIND,
        "photos": sum(record.photos for record in shards.values()),
        "settings": asdict(plan.settings),
        "refused": {key: f"by {each.by}" for key, each in plan.refused.items()},
        "copies": len(plan.copies),
        "faults": len(plan.faults),
        "shards": [asdict(shards[name]) for name in sorted(shards)],
    }
    with open_atomic(folder / MANIFEST) as file:
        file.write(json.dumps(content, indent=1).encode())


def _finished_shards(folder: Path) -> dict[str, PackedShard]:
    """The shards that an earlier run finished in a folder, by the digest of their plan.

    Raises:
        DataError: the folder holds other files, which are never overwritten.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        if folder.is_dir() and any(path.suffix != ".part" for path in folder.iterdir()):
            raise DataError(
                f"{folder} holds other files; choose an empty folder, or one that was packed into before."
            ) from None
        return {}
    except (OSError, ValueError) as fault:
        raise DataError(f"{path} cannot be read: {fault}.") from fault
    try:
        if (content["format"], content["kind"]) != (_FORMAT, _KIND):
            raise DataError(f"{path} is not a manifest of packed photos; choose another folder.")
        return {record["plan"]: PackedShard(**record) for record in content["shards"]}
    except (KeyError, TypeError) as fault:
        raise DataError(f"{path} is damaged; remove the folder and pack again.") from fault


def _is_whole(record: PackedShard, folder: Path, name: str) -> bool:
    """Whether a finished shard is still in the folder under this name, with the same bytes."""
    if record.name != name:
        return False
    path = folder / name
    return file_digest(path) == record.sha256 if path.is_file() else not record.photos
