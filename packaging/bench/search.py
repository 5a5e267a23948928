"""Measures the scan beside other vector searches of the same size: numpy, and faiss and usearch where they are
installed (`.venv/bin/pip install faiss-cpu usearch`), each with one thread; and beside reading the eight-bit matrix once.

With --panoramas DATA, it measures what the squares of long pictures find, among photos of DATA's flickr8k-dev.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import itertools
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from report import interleaved, machine, table

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.assets import find_asset
from picsight_engine.library import Library
from picsight_engine.store.derived.vectors import ensure_space, put_vector
from picsight_engine.store.files import NewFile, put_file
from picsight_engine.store.folders import add_folder
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.vectors.matrix import Matrix, Rows
from picsight_engine.vectors.scan import scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

DIM = 512
SPACE = "0123456789abcdef"
BEST = 20
BATCH = 4096
ASKED_FOR_RECALL = 24
MOST_FOR_GRAPH = 100_000  # a graph of a million takes ten minutes to build
READING = "reading the int8 matrix once"
ORDINARY, STRIPS, RATIOS, SIDE = (
    300,
    30,
    (3, 5),
    224,
)  # photos; strips of each ratio, made of squares of this side
STARTER = open_bundle(find_asset("starter"))

Search = Callable[["NDArray[np.float32]"], "NDArray[np.int64]"]


@dataclass(frozen=True)
class Candidate:
    """A search for the best rows, among those in `allowed` [n]."""

    search: Search
    allowed: NDArray[np.bool_] | None = None


def clustered(count: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors [count, 512] around 200 centres, as photos lie."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((200, DIM), dtype=np.float32)
    vectors = centres[random.integers(0, len(centres), count)]
    vectors += 1.5 * random.standard_normal((count, DIM), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def fill(folder: Path, count: int, space: str = SPACE) -> None:
    """Makes a library of `count` photos, each with a file and a vector."""
    with closing(open_database(folder)) as db:
        root = add_folder(db, folder)
        for start in range(0, count, BATCH):
            with db.writer() as connection:
                ensure_space(connection, space, DIM, active=True)
                for number, vector in enumerate(clustered(min(BATCH, count - start), seed=start + 1), start):
                    identity = hashlib.md5(str(number).encode(), usedforsecurity=False).digest()
                    photo = put_photo(connection, NewPhoto(identity, 4000, 3000))
                    put_file(connection, NewFile(root.id, f"{number}.jpg".encode(), 1, 1, identity, photo))
                    put_vector(connection, photo, space, vector)


def ours(rows: Rows) -> dict[str, Candidate]:
    """The scan, as it is and with filters."""
    half = np.random.default_rng(3).random(len(rows.ids)) < 0.5
    few = np.zeros(len(rows.ids), dtype=np.bool_)
    few[: len(few) // 20] = True  # as the photos of one folder lie

    def found(allowed: NDArray[np.bool_] | None = None) -> Candidate:
        # Ids are 1 to n.
        return Candidate(lambda query: scan(rows, query[None], BEST, allowed)[0] - 1, allowed)

    return {
        "Picsight": found(),
        "Picsight, every second photo allowed": found(half),
        "Picsight, one folder of a twentieth": found(few),
    }


def theirs(rows: Rows) -> dict[str, Candidate]:
    """The other searches that are installed."""
    vectors = rows.originals.astype(np.float32)

    def plain(query: NDArray[np.float32]) -> NDArray[np.int64]:
        scores = vectors @ query
        best = np.argpartition(scores, -BEST)[-BEST:]
        return best[np.argsort(-scores[best])]

    candidates = {"numpy float32": Candidate(plain)}
    if importlib.util.find_spec("faiss"):
        candidates |= _faiss(vectors)
    if importlib.util.find_spec("usearch") and len(vectors) <= MOST_FOR_GRAPH:
        candidates |= _usearch(vectors)
    return candidates


def _faiss(vectors: NDArray[np.float32]) -> dict[str, Candidate]:
    import faiss

    faiss.omp_set_num_threads(1)
    flat = faiss.IndexFlatIP(DIM)
    eight = faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    for index in (flat, eight):
        index.train(vectors[:100_000])
        index.add(vectors)
    return {
        name: Candidate(lambda query, index=index: index.search(query[np.newaxis], BEST)[1][0])
        for name, index in (("faiss Flat", flat), ("faiss SQ8", eight))
    }


def _usearch(vectors: NDArray[np.float32]) -> dict[str, Candidate]:
    from usearch.index import Index

    index = Index(ndim=DIM, metric="ip", dtype="i8", expansion_search=128)
    begun = time.perf_counter()
    index.add(np.arange(len(vectors)), vectors, threads=1)
    name = f"usearch HNSW i8, built in {time.perf_counter() - begun:.0f} s"
    return {name: Candidate(lambda query: index.search(query, BEST, threads=1).keys.astype(np.int64))}


def exact_scores(rows: Rows, queries: NDArray[np.float32]) -> NDArray[np.float64]:
    """The dot products [m, n] of queries and rows in float64."""
    columns = queries.T.astype(np.float64)
    scores = np.empty((len(queries), len(rows.ids)))
    for start in range(0, scores.shape[1], BATCH):
        block = rows.originals[start : start + BATCH].astype(np.float64)
        scores[:, start : start + BATCH] = (block @ columns).T
    return scores


def recall(exact: NDArray[np.float64], candidate: Candidate, queries: NDArray[np.float32]) -> float:
    """The share of the best rows by float64 that a candidate finds."""
    found = 0
    for scores, query in zip(exact, queries, strict=True):
        allowed = scores if candidate.allowed is None else np.where(candidate.allowed, scores, -np.inf)
        wanted = np.argpartition(allowed, -BEST)[-BEST:]
        found += len(np.intersect1d(wanted, candidate.search(query)))
    return found / (BEST * len(queries))


def measure(rows: Rows, rounds: int) -> Iterator[list[str]]:
    """The table's rows for one library."""
    queries = clustered(64, seed=0)
    candidates = ours(rows) | theirs(rows)
    calls: dict[str, Callable[[], object]] = {READING: lambda: rows.codes.view(np.int64).sum()}
    for name, candidate in candidates.items():
        calls[name] = _asking(candidate.search, itertools.cycle(queries))
    seconds = interleaved(calls, rounds)
    reading = statistics.median(seconds[READING])
    asked = queries[:ASKED_FOR_RECALL]
    exact = exact_scores(rows, asked)
    for name, values in seconds.items():
        each = candidates.get(name)
        found = "" if each is None else f"{recall(exact, each, asked):.4f}"
        middle = statistics.median(values)
        late = float(np.percentile(values, 99))
        yield [
            f"{len(rows.ids):,}",
            name,
            _milliseconds(middle),
            _milliseconds(late),
            f"{middle / reading:.2f}",
            found,
        ]


def _asking(search: Search, queries: Iterator[NDArray[np.float32]]) -> Callable[[], object]:
    return lambda: search(next(queries))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f}" if seconds < 0.01 else f"{seconds * 1e3:,.0f}"


def start(folder: Path) -> None:
    """Prints, for the measuring process, how long a new process takes to answer once."""
    with closing(open_database(folder)) as db:
        begun = time.perf_counter()
        with closing(Matrix(folder / "cache", db, SPACE, DIM)) as matrix:
            opened = time.perf_counter()
            scan(matrix.rows, clustered(1, seed=0), BEST)
            answered = time.perf_counter()
            status = Path("/proc/self/status")
            lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
            memory = {
                name: int(words.split()[0]) >> 10 for name, _, words in map(_parted, lines) if "Rss" in name
            }
    print(json.dumps({"open": opened - begun, "first": answered - opened, "memory": memory}))


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def account(folder: Path, count: int, built: float) -> list[str]:
    """The cost of a library on disk, and of the start of a process."""
    command = [sys.executable, __file__, "--start", str(folder)]
    runs = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(5)]
    memory: Mapping[str, int] = runs[-1]["memory"]
    return [
        f"{count:,}",
        f"{sum(path.stat().st_size for path in (folder / 'cache').iterdir()) / 1e6:,.0f}",
        f"{(folder / 'library.db').stat().st_size / 1e6:,.0f}",
        f"{built:.1f}",
        _milliseconds(statistics.median(each["open"] for each in runs)),
        _milliseconds(statistics.median(each["first"] for each in runs)),
        f"{memory.get('RssAnon', 0)} + {memory.get('RssFile', 0)}" if memory else "",
    ]


def panoramas(data: Path) -> Iterator[list[str]]:
    """Rows, without and with squares: how often a caption finds its strip, and how often a rare thing has a strong match."""
    with tarfile.open(next(data.glob("flickr8k-dev-*.tar"))) as shard:
        members = {member.name: shard.extractfile(member) for member in shard}
        content = {name: file.read() for name, file in members.items() if file is not None}
    names = sorted(name for name in content if name.endswith(".jpg"))
    photos, asked = names[:ORDINARY], dict[str, list[tuple[str, str]]]()
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library", STARTER) as library:
        for name in photos:
            (Path(folder) / name).write_bytes(content[name])
        rest = itertools.islice(names, ORDINARY, None)
        for ratio, number in itertools.product(RATIOS, range(STRIPS)):
            strip = Image.new("RGB", (ratio * SIDE, SIDE))
            for place, name in enumerate(itertools.islice(rest, ratio)):
                photo = Image.open(io.BytesIO(content[name]))
                strip.paste(photo.resize((SIDE, SIDE)), (place * SIDE, 0))
                caption = json.loads(content[name.replace(".jpg", ".json")])["captions"][0]
                asked.setdefault(f"{ratio} : 1", []).append((caption, f"{ratio}-{number}.png"))
            strip.save(Path(folder) / f"{ratio}-{number}.png")
        for _ in library.index([Path(folder)]):
            pass
        things = json.loads((data / "classnames.json").read_text(encoding="utf-8"))["imagenet"]
        strange = [*things[:80], *things[290:400:2], *things[400::4]]  # without dogs
        with_squares = _shares(library, asked, strange)
        with closing(open_database(library.folder)) as db, db.writer() as connection:
            connection.execute("DELETE FROM vectors WHERE part > 0")
        for name, share in _shares(library, asked, strange).items():
            yield [name, share, with_squares[name]]


def _shares(
    library: Library, asked: Mapping[str, Sequence[tuple[str, str]]], strange: Sequence[str]
) -> dict[str, str]:
    shares = {}
    for ratio, some in asked.items():
        found = [
            name in {result.path.name for result in library.search(text, limit=10).results}
            for text, name in some
        ]
        shares[f"{len(some)} captions, recall@10, {ratio}"] = f"{statistics.mean(found):.1%}"
    strong = [bool(library.search(text, least="strong").results) for text in strange]
    shares[f"{len(strange)} strange things, strong"] = f"{statistics.mean(strong):.1%}"
    return shares


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], metavar="N")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--panoramas", type=Path, metavar="DATA")
    arguments = parser.parse_args()
    if arguments.panoramas:
        headings = ["", "without squares", "with squares"]
        print(table(headings, list(panoramas(arguments.panoramas))))
        return
    if arguments.start:
        start(arguments.start)
        return
    times, accounts = [], []
    for count in arguments.photos:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            fill(folder, count)
            with closing(open_database(folder)) as db:
                begun = time.perf_counter()
                with closing(Matrix(folder / "cache", db, SPACE, DIM)) as matrix:
                    built = time.perf_counter() - begun
                    times += list(measure(matrix.rows, arguments.rounds))
            accounts.append(account(folder, count, built))
    print(f"{machine()}; {arguments.rounds} interleaved rounds, one thread each\n")
    headings = [
        "photos",
        f"best {BEST} of N x {DIM}",
        "median ms",
        "99 of 100 ms",
        "x reading",
        f"recall@{BEST}",
    ]
    print(table(headings, times))
    print("\nOne library, and a new process that opens it (memory: its own + mapped files)\n")
    headings = ["photos", "cache MB", "library.db MB", "built s", "opened ms", "first search ms", "memory MB"]
    print(table(headings, accounts))


if __name__ == "__main__":
    main()
