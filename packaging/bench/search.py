"""Measures one search over a library's vectors (eight-bit scan and re-rank) beside numpy in float32."""

from __future__ import annotations

import argparse
import hashlib
import itertools
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from report import interleaved, machine, milliseconds, table

from picsight_engine.store.database import Database
from picsight_engine.store.files import put_file
from picsight_engine.store.folders import add_folder
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.store.vectors import activate_space, put_vector
from picsight_engine.vectors.matrix import Matrix
from picsight_engine.vectors.scan import scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIM = 512
SPACE = "0123456789abcdef"
BEST = 20


def clustered(count: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors [count, 512] around 200 centres, as photos lie."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((200, DIM), dtype=np.float32)
    vectors = centres[random.integers(0, len(centres), count)]
    vectors += 1.5 * random.standard_normal((count, DIM), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def fill(db: Database, folder: Path, vectors: NDArray[np.float32]) -> None:
    """Stores a photo, a file and a vector for each row."""
    root = add_folder(db, folder)
    with db.writer() as connection:
        activate_space(connection, SPACE, DIM)
        for number, vector in enumerate(vectors):
            identity = hashlib.md5(str(number).encode(), usedforsecurity=False).digest()
            photo = put_photo(connection, NewPhoto(identity, 4000, 3000))
            put_file(connection, root.id, f"{number}.jpg".encode(), 1, 1, identity, photo)
            put_vector(connection, photo, SPACE, vector)


def measure(count: int, rounds: int, folder: Path) -> list[list[str]]:
    """The table's rows for a library of so many photos."""
    vectors = clustered(count, seed=1)
    db = Database.open(folder)
    fill(db, folder, vectors)
    matrix = Matrix.open(folder / "cache", db, SPACE, DIM)
    stored = matrix.rows.originals.astype(np.float32)
    queries = clustered(64, seed=2)
    ours, theirs, read = (itertools.cycle(queries) for _ in range(3))

    def plain(query: NDArray[np.float32]) -> NDArray[np.intp]:
        scores = stored @ query
        best = np.argpartition(scores, -BEST)[-BEST:]
        found: NDArray[np.intp] = best[np.argsort(-scores[best])]
        return found

    candidates = {
        "Picsight: int8 scan, float16 re-rank": lambda: scan(matrix, next(ours), BEST),
        "numpy float32, argpartition": lambda: plain(next(theirs)),
        "reading the int8 matrix once": lambda: (next(read), matrix.rows.codes.view(np.int64).sum()),
    }
    seconds = interleaved(candidates, rounds)
    recall = _recall(matrix, stored, queries)
    fastest = statistics.median(seconds["numpy float32, argpartition"])
    matrix.close()
    db.close()
    return [
        [
            f"{count:,}",
            name,
            milliseconds(values),
            f"{fastest / statistics.median(values):.1f}x",
            f"{recall:.4f}" if name.startswith("Picsight") else "",
        ]
        for name, values in seconds.items()
    ]


def _recall(matrix: Matrix, stored: NDArray[np.float32], queries: NDArray[np.float32]) -> float:
    """The share of float64's best 20 that the scan finds."""
    exact = stored.astype(np.float64)
    found = 0
    for query in queries[:12]:
        ids, _ = scan(matrix, query, BEST)
        wanted = np.argsort(-(exact @ query.astype(np.float64)))[:BEST]
        found += len(set(ids.tolist()) & set(matrix.rows.ids[wanted].tolist()))
    return found / (12 * BEST)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="*", default=[10_000, 100_000], metavar="N")
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    rows = []
    for count in arguments.photos:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(count, arguments.rounds, Path(folder))
    headings = ["photos", f"best {BEST} of N x {DIM}", "ms, median (range)", "against numpy", "recall@20"]
    print(f"{machine()}; {arguments.rounds} interleaved rounds, one thread each\n")
    print(table(headings, rows))


if __name__ == "__main__":
    main()
