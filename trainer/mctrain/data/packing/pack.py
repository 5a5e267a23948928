"""`manifest.json` of a folder of packed shards: how they were made, what is in each, and what was kept out.

No path and no name of a photo's file stands in it: a folder of shards may be passed on.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from mctrain.data.packing.plan import Plan, Settings, content_key, digest, make_plan
from mctrain.data.packing.prepare import LIMITS, Prepared, prepare
from mctrain.data.refusal import shipped
from mctrain.data.shards import file_digest, write_archive
from mctrain.data.sources.folder import read_folder
from mctrain.data.sources.library import read_library
from mctrain.data.sources.listing import Listing
from mctrain.data.sources.table import SUFFIX, read_tables, tables_of
from mctrain.data.words import CAPTIONS, members_of
from mctrain.errors import DataError
from mctrain.whole_files import write_whole
from picsight_engine.bundles.destination import demand_writable
from picsight_engine.errors import ImageError
from picsight_engine.photos.reading import read_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mctrain.data.packing.plan import Planned, Settings
    from mctrain.data.words import Words


MANIFEST = "manifest.json"
_FORMAT = 1
_KIND = "packed photos"


@dataclass(frozen=True, slots=True)
class PackedShard:
    """One shard: its file, what it was made of, what it holds, and photos that could not be packed, by key with a code.

    `human` and `synthetic` count the photos by their first caption; a shard of which nothing could be packed has no bytes.
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


@dataclass(frozen=True, slots=True)
class PackingManifest:
    """What holds for all shards of a folder: settings, evaluation photos by key with the reason, and counts of what was left out."""

    settings: Settings
    refused: dict[str, str]
    copies: int
    faults: int

    def write(self, folder: Path, shards: Mapping[str, PackedShard]) -> None:
        """Writes it with the records of the shards that are finished, in one step."""
        records = [asdict(shards[name]) for name in sorted(shards)]
        photos = sum(record["photos"] for record in records)
        content = {"format": _FORMAT, "kind": _KIND, "photos": photos, **asdict(self), "shards": records}
        with write_whole(folder / MANIFEST) as file:
            file.write(json.dumps(content, indent=1).encode())


def finished_shards(folder: Path) -> dict[str, PackedShard]:
    """The shards that an earlier run finished in a folder, by the digest of what they were made of.

    Raises:
        DataError: the folder holds something else, which is never written over.
    """
    content = _read(folder)
    if content is None:
        if folder.is_dir() and any(path.suffix != ".part" for path in folder.iterdir()):
            raise DataError(
                f"{folder} holds other files; choose an empty folder, or one that was packed into before."
            )
        return {}
    try:
        if (content["format"], content["kind"]) != (_FORMAT, _KIND):
            raise DataError(f"{folder / MANIFEST} is not one of packed photos; choose another folder.")
        return {record["plan"]: PackedShard(**record) for record in content["shards"]}
    except (KeyError, TypeError) as fault:
        raise DataError(f"{folder / MANIFEST} is damaged; remove the folder and pack again.") from fault


def is_whole(record: PackedShard, folder: Path, name: str) -> bool:
    """Whether a finished shard still lies in the folder under this name, byte for byte."""
    if record.name != name:
        return False
    path = folder / name
    return file_digest(path) == record.sha256 if path.is_file() else not record.photos


def clear(folder: Path, kept: Mapping[str, PackedShard]) -> None:
    """Removes shards that belong to other settings or photos, and what a killed run left half written."""
    for path in (*folder.glob("shard-*.tar"), *folder.glob(".*.part")):
        if path.name not in kept and path.is_file():
            path.unlink()


def _read(folder: Path) -> Any:
    try:
        return json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as fault:
        raise DataError(f"{folder / MANIFEST} cannot be read: {fault}.") from fault


# why a photo is skipped, beside the engine's own codes
EVALUATION, CHANGED = "evaluation", "changed"

_THREADS = min(
    os.cpu_count() or 1, 4
)  # decoders leave Python's lock; a picture of 250 megapixels takes 0.75 GB


class ShardMaker:
    """Writes the shards of one run into a folder; its threads end with it."""

    def __init__(self, folder: Path, settings: Settings, progress: Callable[[int, str], None]) -> None:
        self._folder = folder
        self._settings = settings
        self._progress = progress
        self._pool = ThreadPoolExecutor(_THREADS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def make(self, name: str, shard: tuple[Planned, ...]) -> PackedShard:
        """Writes a shard of those of its photos that can be packed; without any there is no file."""
        samples: list[tuple[str, Mapping[str, bytes]]] = []
        skipped: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for own, made in zip(shard, self._pool.map(self._prepared, shard), strict=True):
            self._progress(1, name)
            if isinstance(made, str):
                skipped[own.key] = made
                continue
            samples.append((own.key, members_of(self._licensed(own.words), made.photo)))
            counts["unchanged"] += made.unchanged
            counts["human"] += bool(own.words.human)
            counts["synthetic"] += not own.words.human and CAPTIONS in own.words.synthetic
        path = self._folder / name
        if samples:
            write_archive(path, samples)
        return PackedShard(
            name=name,
            plan=digest(shard, self._settings),
            bytes=path.stat().st_size if samples else 0,
            sha256=file_digest(path) if samples else "",
            photos=len(samples),
            unchanged=counts["unchanged"],
            human=counts["human"],
            synthetic=counts["synthetic"],
            skipped=skipped,
        )

    def _prepared(self, own: Planned) -> Prepared | str:
        """A photo for its shard, or the code of why there is none."""
        try:
            data = read_photo(own.path, LIMITS)
            if content_key(data) != own.key:
                return CHANGED
            made = prepare(data, own.path, self._settings.side)
        except ImageError as fault:
            return fault.code
        return EVALUATION if shipped().holds_photo(made.photo.content) else made

    def _licensed(self, words: Words) -> Words:
        """Every sample names its licence and its source, if only as unknown."""
        about = {"source": "", **words.about}
        return replace(words, about={**about, "license": about.get("license") or self._settings.license})


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
