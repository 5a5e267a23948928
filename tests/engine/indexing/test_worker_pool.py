"""Real worker processes: their work, how they die, and what remains when the indexer itself dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.engine.conftest import has_ended

from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.foundation.errors import BundleError, PicsightError
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.indexing.messages import Described, Identified, WorkerLost
from picsight_engine.indexing.worker_pool import WorkerPool
from picsight_engine.photos.decoding.decode import Limits
from picsight_engine.photos.identity import bytes_hash, fingerprint
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.store.derived.vectors import vectors_in

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.indexing.messages import WorkerReply

PATIENCE = 600.0  # seconds; only a failing test waits so long
VECTORS = vectors_in(f"{1:016x}")
PICTURE = frozenset({"thumbnail", "likeness"})
KINDS = PICTURE | {VECTORS}


@pytest.fixture
def pool(bundle):
    with closing(WorkerPool(bundle, Limits(seconds=PATIENCE))) as started:
        yield started


def ready(pool: WorkerPool, workers: int = 1) -> None:
    pool.start_workers(workers)
    end = time.monotonic() + PATIENCE
    while pool.idle < workers:
        assert time.monotonic() < end, "the workers did not start"
        assert pool.wait(1.0) == []


def gather_news(pool: WorkerPool, number: int) -> list[tuple[int, WorkerReply]]:
    end = time.monotonic() + PATIENCE
    news: list[tuple[int, WorkerReply]] = []
    while len(news) < number:
        assert time.monotonic() < end, "no news"
        news += pool.wait(1.0)
    return news


def next_news(pool: WorkerPool) -> tuple[int, WorkerReply]:
    (only,) = gather_news(pool, 1)
    return only


def only_worker() -> int:
    (process,) = multiprocessing.active_children()
    return process.pid


def test_a_worker_identifies_a_file_and_describes_it_on_order(pool, bundle, tmp_path, draw):
    photo = tmp_path / "photo.png"  # lossless and small: no decoder reduces it
    draw(photo, 7)
    ready(pool)
    pool.assign(1, photo)
    key, identified = next_news(pool)
    data = photo.read_bytes()
    assert (key, identified) == (
        1,
        Identified(bytes_hash(data), fingerprint(data), 96 * 64, 1, Metadata(bits=8)),
    )
    pool.order(1, KINDS)
    key, described = next_news(pool)
    assert isinstance(described, Described)
    assert (key, described.width, described.height) == (1, 96, 64)
    jpeg, _ = described.things["thumbnail"]
    assert jpeg[:2] == b"\xff\xd8"
    with Image.open(photo) as image:
        pixels = preprocess(image.convert("RGB"), bundle.image_spec())
    expected = load_image_encoder(bundle).encode(pixels[None])[0].astype("<f2")
    assert np.array_equal(np.frombuffer(described.things[VECTORS][0][0], "<f2"), expected)


def test_a_skipped_file_frees_its_worker_and_a_described_one_has_no_vector(pool, tmp_path, draw):
    draw(tmp_path / "a.jpg", 1)
    draw(tmp_path / "b.jpg", 2)
    ready(pool)
    pool.assign(1, tmp_path / "a.jpg")
    next_news(pool)
    pool.order(1, frozenset())
    assert pool.idle == 1
    pool.assign(2, tmp_path / "b.jpg")
    next_news(pool)
    pool.order(2, PICTURE)
    key, described = next_news(pool)
    assert (key, described.things.keys()) == (2, PICTURE)


def test_a_worker_that_dies_loses_its_file_and_is_replaced(pool, tmp_path, draw):
    draw(tmp_path / "a.jpg", 1)
    ready(pool)
    pool.assign(1, tmp_path / "a.jpg")
    next_news(pool)
    os.kill(only_worker(), signal.SIGKILL)
    pool.order(1, KINDS)
    assert next_news(pool) == (1, WorkerLost("crashed"))
    ready(pool)
    pool.assign(2, tmp_path / "a.jpg")
    assert isinstance(next_news(pool)[1], Identified)


def test_a_hanging_worker_is_killed_and_its_file_reported_as_lost(pool, tmp_path, clock):
    Image.new("RGB", (96, 64), "white").save(tmp_path / "endless.png")  # the tiny model never ends on it
    ready(pool)
    pool.assign(1, tmp_path / "endless.png")
    next_news(pool)
    pool.order(1, KINDS)
    assert pool.wait(0.1) == []
    clock.ahead += PATIENCE
    assert pool.wait(0.0) == [(1, WorkerLost("timeout"))]
    assert multiprocessing.active_children() == []


def test_of_two_huge_pictures_the_second_waits_for_the_first(pool, tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("1", (7200, 7200)).save(tmp_path / name)
    ready(pool, workers=1)
    first = only_worker()
    ready(pool, workers=2)
    pool.assign(1, tmp_path / "a.png")
    pool.assign(2, tmp_path / "b.png")
    assert {key for key, _ in gather_news(pool, 2)} == {1, 2}
    os.kill(first, signal.SIGSTOP)  # the first one cannot finish until it continues
    pool.order(1, PICTURE)
    pool.order(2, PICTURE)
    assert pool.wait(0.4) == []  # time enough for the second one, if it did not wait
    os.kill(first, signal.SIGCONT)
    assert [key for key, _ in gather_news(pool, 2)] == [1, 2]


def test_a_model_that_cannot_be_loaded_ends_the_run_with_its_error(bundle, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "image.onnx").write_bytes(b"no graph at all")
    with (
        closing(WorkerPool(type(bundle)(broken, bundle.manifest), Limits())) as pool,
        pytest.raises(BundleError, match=r"image\.onnx"),
    ):
        ready(pool)


def kill_new_workers(pool: WorkerPool) -> None:
    for _ in range(100):
        pool.start_workers(1)
        os.kill(only_worker(), signal.SIGKILL)
        pool.wait(PATIENCE)


def test_workers_that_die_before_they_are_ready_are_given_up(pool):
    with pytest.raises(PicsightError, match="end as soon as they start"):
        kill_new_workers(pool)


ORPHANAGE = """
import sys, multiprocessing, time
from pathlib import Path
from picsight_engine.indexing.worker_pool import WorkerPool
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.photos.decoding.decode import Limits

if __name__ == "__main__":
    time.monotonic = lambda: 0.0  # no worker is late, even on a busy machine
    bundle, photo = open_bundle(Path(sys.argv[1])), Path(sys.argv[2])
    pool = WorkerPool(bundle, Limits(seconds=1.0))
    pool.start_workers(2)
    while pool.idle < 2:
        pool.wait(1.0)
    pool.assign(1, photo)
    pool.wait(60.0)
    pool.order(1, frozenset({"thumbnail"}))
    print(*(process.pid for process in multiprocessing.active_children()), flush=True)
    sys.stdin.read()
"""


def orphaned_workers(bundle, folder: Path, photo: Path) -> list[int]:
    """Starts two workers, one of them with a photo, and kills their indexer."""
    script = folder / "orphanage.py"
    script.write_text(textwrap.dedent(ORPHANAGE))
    with subprocess.Popen(
        [sys.executable, script, bundle.folder, photo],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as indexer:
        pids = [int(pid) for pid in indexer.stdout.readline().split()]
        indexer.kill()
    assert len(pids) == 2
    return pids


def test_no_worker_survives_a_killed_indexer(bundle, tmp_path, draw):
    draw(tmp_path / "a.jpg", 1)
    pids = orphaned_workers(bundle, tmp_path, tmp_path / "a.jpg")
    end = time.monotonic() + PATIENCE
    while not all(has_ended(pid) for pid in pids):
        assert time.monotonic() < end, "orphans are left"
        os.sched_yield()
