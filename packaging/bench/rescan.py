"""Measures another scan of a large folder in which nothing has changed: files in folders of three thousand, RAW files
paired with JPEGs, side-cars. The library holds what a first run would have stored; the files hold a byte each.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from report import machine, table

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.assets import find_asset
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.indexing.scan import scan
from picsight_engine.kinds import kinds_of
from picsight_engine.library import Library
from picsight_engine.photos.metadata.tag_precedence import METADATA_RULE
from picsight_engine.store.derived.states import record_derived
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.derived.vectors import ensure_space, put_vector
from picsight_engine.store.files import NewFile, put_file, put_metadata
from picsight_engine.store.folders import add_folder
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.store.tagging.pairs import pair

if TYPE_CHECKING:
    from collections.abc import Callable

# Of each suffix in a folder; those with one number have one name.
KINDS = {".JPG": 1800, ".DNG": 900, ".png": 200, ".JPG.xmp": 100}
BATCH = 64
QUERIES = (
    "a dog on a beach", "red bicycle", '"IMG_0042"', "in:2020", "in:2019..2020 dog", "sunset format:png", "at:Cologne", "folder:7 dog",
)  # fmt: skip
WORDS = [
    "dog", "cat", "beach", "snow", "bicycle", "car", "red", "blue", "old", "small", "street", "tree", "house", "boat", "horse", "child", "river",
]  # fmt: skip
ROUNDS, IDLE_SECONDS = 3, 15.0


def write_files(folder: Path, count: int) -> None:
    """Writes `count` files of one byte, in folders of three thousand."""
    for number in range(-(-count // sum(KINDS.values()))):
        place = folder / str(number)
        place.mkdir(parents=True)
        for suffix, files in KINDS.items():
            for each in range(files):
                (place / f"IMG_{each:04}{suffix}").write_bytes(b"x")


def fill(library: Path, pictures: Path, space: str, dim: int) -> tuple[int, float]:
    """Stores what a first run would store; returns the files, and the CPU seconds of pairing."""
    random, paired = np.random.default_rng(0), 0.0
    files = [file for listing in scan(pictures) for file in listing.files]
    with closing(open_database(library)) as db, closing(ThumbnailStore.open(library)) as thumbnails:
        root = add_folder(db, pictures)
        with db.writer() as connection:
            ensure_space(connection, space, dim, active=True)
        for start in range(0, len(files), BATCH):
            pictured: dict[int, bytes] = {}
            with db.writer() as connection:
                for number, file in enumerate(files[start : start + BATCH], start):
                    identity = number.to_bytes(16, "big")
                    photo = put_photo(connection, NewPhoto(identity, 4000, 3000))
                    vector = random.standard_normal(dim, dtype=np.float32)
                    put_vector(connection, photo, space, vector / np.linalg.norm(vector))
                    pictured[photo] = b"x"
                    here = NewFile(root.id, file.name, file.size, file.mtime_ns, identity, photo, file.device)
                    put_file(connection, here)
                    taken = Metadata(
                        taken=f"20{number % 20:02}-{number % 12 + 1:02}-14T06:03:09",
                        lat=30 + number % 3000 / 100,
                        lon=number % 4000 / 100,
                    )
                    raw = file.name.endswith(b".DNG")
                    metadata = Metadata() if raw else taken
                    put_metadata(connection, root.id, file.name, metadata, METADATA_RULE, beside=file.beside)
                    begun = time.process_time()
                    pair(connection, root.id, file.name)
                    paired += time.process_time() - begun
                for kind in kinds_of(space):
                    record_derived(connection, kind.name, kind.rule, pictured, "done")
            thumbnails.put(pictured)
    return len(files), paired


def latencies(library: Library, go_on: Callable[[], bool]) -> list[float]:
    """The seconds of searches that differ each time, one in four with a year, twenty a second, in order."""
    random, taken = np.random.default_rng(0), []
    while go_on():
        first, second, third = random.choice(WORDS, 3)
        year = f" in:20{random.integers(20):02}" if not len(taken) % 4 else ""
        begun = time.perf_counter()
        library.search(f"a {first} {second} near a {third}{year}")
        taken.append(time.perf_counter() - begun)
        time.sleep(0.05)
    return sorted(taken)


def search_while_indexing(library: Library, photos: Path) -> list[list[str]]:
    """Rows about searches on the idle library, and while two workers index `photos`."""
    library.warm_up()
    begun = time.monotonic()
    idle = latencies(library, lambda: time.monotonic() < begun + IDLE_SECONDS)
    settings = IndexSettings(workers=2)
    run = threading.Thread(target=lambda: list(library.index([photos], settings=settings)))
    run.start()
    busy = latencies(library, run.is_alive)
    return [
        [name, str(len(taken)), *(f"{taken[int(share * len(taken))] * 1e3:.1f}" for share in (0.5, 0.95))]
        for name, taken in (("idle", idle), ("indexing", busy))
    ]


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200_000, metavar="N")
    parser.add_argument("--while", type=Path, dest="photos", help="Also search while this folder is indexed.")
    arguments = parser.parse_args()
    bundle = open_bundle(find_asset("starter"))
    with tempfile.TemporaryDirectory() as folder:
        pictures, place = Path(folder) / "pictures", Path(folder) / "library"
        write_files(pictures, arguments.files)
        files, paired = fill(place, pictures, bundle.manifest.space_id, bundle.manifest.dim)
        size = (place / "library.db").stat().st_size
        with Library.open(place, bundle) as library:
            runs, partial = [], []
            for _ in range(ROUNDS):
                begun = time.process_time()
                *_, last = library.index([pictures])
                runs.append(time.process_time() - begun)
                assert last.summary.unchanged == files
            for _ in range(ROUNDS):
                begun = time.process_time()
                *_, last = library.index(places={pictures: {b"0"}})
                partial.append(time.process_time() - begun)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            rows = []
            for name, act in (
                ("the first screen of the wall", lambda: library.newest_photos(limit=500)),
                ("the whole wall", library.all_photos),
                ("the numbers of photos by directory", library.folders.directories),
                ("the numbers of the library", library.status),
            ):
                begun = time.process_time()
                act()
                rows.append([name, f"{(time.process_time() - begun) * 1e3:.0f} (the first time)"])
            for query in QUERIES:
                taken = []
                for _ in range(5):
                    begun = time.process_time()
                    library.search(query)
                    taken.append(time.process_time() - begun)
                rows.append([query, f"{statistics.median(taken) * 1e3:.1f}"])
            busy = search_while_indexing(library, arguments.photos) if arguments.photos else []
    print(f"{machine()}; {files:,} photo files\n")
    print(f"Looking again: {statistics.median(runs):.1f} s of CPU time, at most {peak:.0f} MB.")
    print(f"The database has {size / 1e6:,.0f} MB, vectors and all.")
    print(f"At one directory: {statistics.median(partial):.2f} s.")
    print(f"Pairing in the first run: {paired / files * 1e6:.0f} microseconds a file.\n")
    print(table(["", "CPU ms, of searches the median of 5"], rows))
    if busy:
        print("\n" + table(["", "searches", "median ms", "95th percentile"], busy))


if __name__ == "__main__":
    main()
