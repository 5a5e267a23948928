"""The resident matrix: it follows the library, survives kills and damage, and is shared by processes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import replace

import numpy as np
import pytest
from tests.engine.miniature import all_vectors

from picsight_engine.foundation.errors import LibraryError
from picsight_engine.store.migrations import MIGRATIONS
from picsight_engine.store.opening import back_up, open_database
from picsight_engine.vectors.scan import scan

SPACE = "0123456789abcdef"
DIM = 64


def shown_ids(matrix):
    rows = matrix.rows
    return rows.ids.tolist() if rows.hidden is None else rows.ids[~rows.hidden].tolist()


def cache_files(album, suffix):
    return sorted(album.cache.glob(f"*{suffix}"))


def assert_true_copy(matrix, album):
    ids, vectors = all_vectors(album.db, SPACE)
    assert matrix.is_true_copy()
    rows = matrix.rows
    alive = rows.ids != 0
    assert rows.ids[alive].tolist() == ids.tolist()
    assert rows.originals[alive].tobytes() == vectors.tobytes()
    if not len(ids):  # then they have no dimension either
        return
    near = rows.codes[alive] * rows.scales[alive][:, None] - vectors.astype(np.float32)
    assert np.all(np.abs(near) <= rows.scales[alive][:, None] * 0.51)


def test_batches_are_appended_and_the_cache_grows_past_its_room(album, make_vectors):
    with closing(album.matrix()) as matrix:
        for batch in range(18):
            album.add(make_vectors(batch, 64))
            matrix.refresh()
        assert matrix.rows.photos == 18 * 64
        assert_true_copy(matrix, album)
        assert len(cache_files(album, ".int8")) == 1


def test_a_snapshot_stays_as_it_was_while_the_cache_grows(album, make_vectors):
    album.add(make_vectors(1, 100))
    with closing(album.matrix()) as matrix:
        before = matrix.rows
        ids, vectors = before.ids.copy(), before.originals.copy()
        album.add(make_vectors(2, 3000))
        matrix.refresh()
    assert np.array_equal(before.ids, ids)
    assert np.array_equal(before.originals, vectors)


def test_a_second_start_maps_the_cache_and_writes_nothing(album, make_vectors):
    album.add(make_vectors(1, 200))
    album.matrix().close()
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in album.cache.iterdir()}
    with closing(album.matrix()) as matrix:
        assert_true_copy(matrix, album)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in album.cache.iterdir()} == before


def test_a_missing_photo_is_hidden_and_shown_again(album, make_vectors):
    ids = album.add(make_vectors(1, 10))
    with closing(album.matrix()) as matrix:
        album.lose(ids[3])
        matrix.refresh()
        assert shown_ids(matrix) == ids[:3] + ids[4:]
        assert matrix.rows.photos == 9
        album.find_again(ids[3])
        matrix.refresh()
        assert shown_ids(matrix) == ids


def test_forgotten_and_replaced_vectors_are_deleted(album, make_vectors):
    ids = album.add(make_vectors(1, 50))
    with closing(album.matrix()) as matrix:
        album.forget(ids[0], ids[49])
        new = make_vectors(9, 1)[0]
        album.replace(ids[7], new)
        matrix.refresh()
        assert_true_copy(matrix, album)
        found, scores, _ = scan(matrix.rows, new[None], 50)
        assert found[0] == ids[7]
        assert scores[0] == pytest.approx(1.0, abs=1e-3)
        assert sorted(found.tolist()) == ids[1:49]
    with closing(album.matrix()) as again:
        assert_true_copy(again, album)
        assert again.rows.photos == 48


def test_a_forgotten_vector_leaves_no_bytes_in_the_cache(album, make_vectors):
    vectors = make_vectors(1, 20)
    ids = album.add(vectors)
    with closing(album.matrix()) as matrix:
        codes = matrix.rows.codes[4].tobytes()
        album.forget(ids[4])
        matrix.refresh()
        assert_true_copy(matrix, album)
    assert vectors[4].astype("<f2").tobytes() not in cache_files(album, ".float16")[0].read_bytes()
    assert codes not in cache_files(album, ".int8")[0].read_bytes()


def test_a_cache_that_is_mostly_deleted_is_built_anew(album, make_vectors):
    album.add_many(make_vectors(1, 5000))
    with closing(album.matrix()) as matrix:
        album.forget(*range(1, 4501))
        matrix.refresh()
        assert len(matrix.rows.ids) == 500
        assert_true_copy(matrix, album)
    assert len(cache_files(album, ".rows")) == 1


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [(".rows", "garbled head"), (".rows", "cut"), (".int8", "gone"), (".float16", "empty")],
)
def test_a_torn_cache_is_built_anew(album, make_vectors, suffix, damage):
    album.add(make_vectors(1, 1500))
    album.matrix().close()
    [path] = cache_files(album, suffix)
    if damage == "gone":
        path.unlink()
    elif damage == "garbled head":
        path.write_bytes(b"\x5a" * 64 + path.read_bytes()[64:])
    else:
        with path.open("r+b") as file:
            file.truncate(0 if damage == "empty" else path.stat().st_size // 2)
    with closing(album.matrix()) as matrix:
        assert_true_copy(matrix, album)
    assert cache_files(album, suffix) != [path]


def test_a_power_failure_loses_no_row_that_the_header_counts(album, make_vectors, monkeypatch):
    """The header may reach the disk at once; of the rest, only what was synced counts."""
    synced, sync = {}, os.fsync

    def note(number):
        sync(number)
        node = os.fstat(number).st_ino
        synced[node] = next(path for path in album.cache.iterdir() if path.stat().st_ino == node).read_bytes()

    monkeypatch.setattr(os, "fsync", note)
    with closing(album.matrix()) as matrix:
        ids = album.add(make_vectors(1, 200))
        matrix.refresh()
        album.forget(ids[5])
        matrix.refresh()
    files = [*cache_files(album, ".rows"), *cache_files(album, ".int8"), *cache_files(album, ".float16")]
    for path in files:
        head = path.read_bytes()[: 64 * (path.suffix == ".rows")]
        path.write_bytes(head + synced[path.stat().st_ino][len(head) :])
    with closing(album.matrix()) as again:
        assert_true_copy(again, album)
    assert cache_files(album, ".rows") == files[:1]


def test_a_cache_of_another_version_or_length_is_built_anew(album, make_vectors):
    album.add(make_vectors(1, 20))
    album.matrix().close()
    with pytest.raises(LibraryError, match="the model gives 32"):
        album.matrix(dim=32)
    [path] = cache_files(album, ".rows")
    path.write_bytes(path.read_bytes().replace(b"PSMX\x03", b"PSMX\x02"))
    beside = path.with_name(f"{path.stem}-70000.leading")  # earlier versions wrote such files
    beside.touch()
    with closing(album.matrix()) as matrix:
        assert_true_copy(matrix, album)
    assert not beside.exists()


def test_a_library_that_went_back_and_grew_to_the_same_size_is_noticed(album, make_vectors):
    album.add(make_vectors(1, 100))
    back_up(album.db.reader(), album.cache.parent / "earlier.db", len(MIGRATIONS))
    album.add(make_vectors(2, 50))
    album.matrix().close()
    album.db.close()
    (album.cache.parent / "earlier.db").replace(album.db.path)
    restored = replace(album, db=open_database(album.cache.parent))
    with closing(restored.db):
        restored.add(make_vectors(3, 50))
        with closing(restored.matrix()) as matrix:
            assert_true_copy(matrix, restored)


def test_where_the_cache_cannot_be_written_a_private_copy_serves(album, make_vectors):
    ids = album.add(make_vectors(1, 30))
    album.cache.write_text("in the way")
    with closing(album.matrix()) as matrix:
        assert_true_copy(matrix, album)
        ids += album.add(make_vectors(2, 30))
        matrix.refresh()
        assert shown_ids(matrix) == ids
    assert not cache_files(album, ".rows")


FULL_DISK = """
import resource, sys
from pathlib import Path
import filelock
from picsight_engine.foundation.errors import StorageError
from picsight_engine.store.opening import open_database
from picsight_engine.vectors.matrix import Matrix
db = open_database(Path(sys.argv[1]))
db.reader().execute("SELECT 1")
limit = int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    Matrix(Path(sys.argv[1]) / "cache", db, sys.argv[2], int(sys.argv[3]))
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="no limit of file sizes there")
@pytest.mark.parametrize("limit", [20_000])
def test_a_full_disk_is_an_error_that_names_it(album, make_vectors, limit):
    album.add(make_vectors(1, 500))
    command = [sys.executable, "-c", FULL_DISK, str(album.cache.parent), SPACE, str(DIM), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "can be written" in done.stdout, done.stderr
    assert not cache_files(album, ".rows")
    with closing(album.matrix()) as matrix:
        assert_true_copy(matrix, album)


APPENDER = """
import sys
from pathlib import Path
import numpy as np
from picsight_engine.store.opening import open_database
from picsight_engine.store.migrations import MIGRATIONS
from picsight_engine.store.files import NewFile, put_file
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.store.derived.vectors import put_vector
from picsight_engine.vectors.matrix import Matrix
library, space, dim, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
db = open_database(library)
matrix = Matrix(library / "cache", db, space, dim)
rng = np.random.default_rng(seed)
print("ready", flush=True)
while True:
    with db.writer() as connection:
        for vector in rng.normal(size=(int(rng.integers(1, 65)), dim)).astype(np.float32):
            key = rng.bytes(16)
            photo_id = put_photo(connection, NewPhoto(key, 4, 3))
            put_file(connection, NewFile(1, key.hex().encode(), 1, 2, key, photo_id))
            put_vector(connection, photo_id, space, vector)
        if sys.argv[5] == "mixed":
            for photo_id in rng.integers(1, photo_id, size=int(rng.integers(0, 30))).tolist():
                if rng.random() < 0.5:
                    connection.execute("DELETE FROM photos WHERE id = ?", (photo_id,))
                elif connection.execute("SELECT 1 FROM photos WHERE id = ?", (photo_id,)).fetchone():
                    put_vector(connection, photo_id, space, rng.normal(size=dim).astype(np.float32))
    matrix.refresh()
"""


def start_appender(album, seed, kind="appending"):
    command = [sys.executable, "-c", APPENDER, str(album.cache.parent), SPACE, str(DIM), str(seed), kind]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"ready\n"
    return child


def kill(child):
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=120)
    child.stdout.close()


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(100, 160))]
)
def test_a_killed_appender_leaves_a_cache_that_is_sound(album, seed):
    """It also replaces and deletes vectors in half of the cases."""
    rng = random.Random(seed)
    for _ in range(2):
        child = start_appender(album, rng.randrange(2**20), rng.choice(["appending", "mixed"]))
        with suppress(subprocess.TimeoutExpired):
            child.wait(rng.uniform(0.0, 0.15))  # killed somewhere inside its batches
        kill(child)
        with closing(album.matrix()) as matrix:
            assert_true_copy(matrix, album)


def test_a_process_sees_rows_while_others_append_them(album):
    children = [start_appender(album, seed) for seed in (1, 2)]
    try:
        with closing(album.matrix()) as matrix:
            seen = 0
            while matrix.rows.photos < 800:
                rows = matrix.refresh()
                assert rows.photos >= seen
                assert np.all(np.diff(rows.ids) > 0)
                seen = rows.photos
    finally:
        for child in children:
            kill(child)
    with closing(album.matrix()) as matrix:
        assert_true_copy(matrix, album)
        [rows] = cache_files(album, ".rows")
        assert rows.name.startswith(f"{SPACE}-1-")  # no process rebuilt it


def test_a_false_copy_is_noticed_and_built_anew(album, make_vectors):
    album.add(make_vectors(1, 50))
    album.matrix().close()
    [path] = cache_files(album, ".float16")
    data = bytearray(path.read_bytes())
    data[1000:1010] = bytes(10)
    path.write_bytes(data)
    with closing(album.matrix()) as matrix:
        assert not matrix.is_true_copy()
        matrix.rebuild()
        assert_true_copy(matrix, album)
