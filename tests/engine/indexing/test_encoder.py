"""The encoder process between real workers and the pool, with ONNX Runtime in the place of Core ML."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import closing

import numpy as np
import pytest
from PIL import Image
from tests.engine.miniature import all_vectors

from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.indexing.batch import Batch
from picsight_engine.indexing.dispatcher import Dispatcher, PictureTracker
from picsight_engine.indexing.encoder import Encoder
from picsight_engine.indexing.messages import Described, Identified, WorkerLost
from picsight_engine.indexing.plan import folder_view, make_plan
from picsight_engine.indexing.scan import scan
from picsight_engine.indexing.worker_pool import WorkerPool
from picsight_engine.kinds import kinds_of
from picsight_engine.photos.decoding.decode import Limits
from picsight_engine.photos.metadata.tag_precedence import METADATA_RULE
from picsight_engine.runtime.backend import Backend, load_image_encoder
from picsight_engine.store.derived.vectors import vectors_in

PATIENCE = 600.0  # seconds; only a failing test waits so long
SPACE = f"{1:016x}"
VECTORS = vectors_in(SPACE)
KINDS = frozenset({"thumbnail", "likeness", VECTORS})


@pytest.fixture
def pool(bundle):
    with closing(WorkerPool(bundle, Limits(seconds=PATIENCE), Backend.ONNX)) as started:
        yield started


def until(done, pool, news):
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "no news"
        news += pool.wait(1.0)


def prepare(pool, photos, workers=1):
    """Orders a vector of each photo, and yields the news until the last one is there."""
    pool.start_workers(workers)
    news, queue, answered = [], dict(enumerate(photos)), set()
    while len(answered) < len(photos):
        until(lambda: (pool.idle and queue) or news, pool, news)
        for _ in range(min(pool.idle, len(queue))):
            key = next(iter(queue))
            pool.assign(key, queue.pop(key))
        for key, message in news:
            if isinstance(message, Identified):
                pool.order(key, KINDS)
            else:
                answered.add(key)
                yield key, message
        news.clear()


def encoder_pid():
    return next(each.pid for each in multiprocessing.active_children() if each.name == "picsight-encoder")


def run_album(library, album, pool, limits):
    """The working part of a run, as the indexer does it."""
    folder = library.add(album)
    batch = Batch(library.db, library.thumbnails, kinds_of(SPACE), photos=64)
    view = folder_view(library.db, folder, list(scan(folder.path)))
    plan = make_plan([view], set(), METADATA_RULE)
    tracker = PictureTracker(library.db, dict.fromkeys(KINDS, ()), plan.moving)
    dispatcher = Dispatcher(pool, tracker, batch, plan.tasks, limits=limits, workers=2)
    end = time.monotonic() + PATIENCE
    while not dispatcher.finished:
        assert time.monotonic() < end
        dispatcher.step()
        yield dispatcher
    while not batch.empty:
        batch.commit()


def vectors_by_name(library, album, bundle):
    """The vectors that the workers alone would make, by the name of the photo."""
    encoder = load_image_encoder(bundle)
    return {
        path.name: encoder.encode(preprocess(Image.open(path), bundle.image_spec())[None])[0].astype("<f2")
        for path in sorted(album.iterdir())
    }


def test_vectors_of_the_encoder_process_are_those_of_the_workers(pool, bundle, album):
    photos = sorted(album.iterdir())
    described = dict(prepare(pool, photos, workers=2))
    with closing(WorkerPool(bundle, Limits())) as alone:
        wanted = dict(prepare(alone, photos))
    assert described == wanted  # thumbnails, dates, vectors: bit for bit in any batch
    assert all(description.things[VECTORS] and not description.pixels for description in described.values())


def test_a_dead_encoder_gives_its_photos_back_and_the_workers_embed(pool, bundle, album):
    photos = sorted(album.iterdir())
    first = dict(prepare(pool, photos[:1]))
    pid = encoder_pid()
    os.kill(pid, signal.SIGKILL)
    news = dict(prepare(pool, photos))
    lost = [key for key, message in news.items() if message == WorkerLost("crashed")]
    rest = {key: message for key, message in news.items() if key not in lost}
    assert all(isinstance(message, Described) and message.things[VECTORS] for message in rest.values())
    assert dict(prepare(pool, photos[:1])) == first
    assert [each.name for each in multiprocessing.active_children()] == ["picsight-worker"]


def test_a_hung_encoder_is_ended_after_the_time_of_a_photo(pool, album, clock):
    photos = sorted(album.iterdir())
    dict(prepare(pool, photos[:1]))
    os.kill(encoder_pid(), signal.SIGSTOP)
    news = []
    pool.assign(1, photos[1])
    until(lambda: news, pool, news)
    pool.order(1, KINDS)
    until(lambda: pool.idle, pool, news)  # the encoder has it
    clock.ahead += PATIENCE
    assert pool.wait(0.0) == [(1, WorkerLost("timeout"))]
    assert isinstance(dict(prepare(pool, photos[1:2]))[0], Described)


@pytest.mark.parametrize(
    "backend", [Backend.ONNX, Backend.PROVIDER, pytest.param(Backend.COREML, marks=pytest.mark.soak)]
)
def test_a_run_loses_no_photo_to_an_encoder_that_fails(library, bundle, album, backend):
    """The encoder is killed, or Core ML has no package or provider: workers make the vectors."""
    limits = Limits(seconds=PATIENCE)
    for path in sorted(album.iterdir())[6:] if backend is not Backend.ONNX else []:
        path.unlink()  # each of the others costs a process
    with closing(WorkerPool(bundle, limits, backend)) as pool:
        killed = backend is not Backend.ONNX
        for dispatcher in run_album(library, album, pool, limits):
            if not killed and dispatcher.tally.indexed >= 3:
                os.kill(encoder_pid(), signal.SIGKILL)
                killed = True
    assert (dispatcher.tally.indexed, dispatcher.tally.problems) == (len(list(album.iterdir())), 0)
    _, matrix = all_vectors(library.db, SPACE)
    wanted = np.stack(list(vectors_by_name(library, album, bundle).values()))
    assert sorted(map(bytes, matrix)) == sorted(map(bytes, wanted))


def test_waiting_photos_are_the_next_batch_and_a_photo_stays_whole(bundle):
    """Each picture has the vector that it would have alone; pixels are numbers from 0 to 1."""
    draw = np.random.default_rng(3)
    pixels = draw.random((11, 3, 32, 32), np.float32)
    with closing(Encoder(bundle, Backend.ONNX, PATIENCE)) as encoder:
        for key, some in enumerate(np.split(pixels, [1, 6, 9])):  # a photo and its parts
            encoder.put(
                key,
                Described(
                    1,
                    1,
                    pixels=tuple(picture.astype("<f4").tobytes() for picture in some),
                    moments=(None,) * len(some),
                ),
            )
        answers = []
        while sum(map(len, answers)) < 4:
            assert encoder.connection.poll(PATIENCE)
            answers.append(encoder.receive())
    assert [len(answer) for answer in answers] == [0, 2, 2]
    made = [picture.things[VECTORS] for answer in answers for _, picture in answer]
    assert [len(each) for each in made] == [1, 5, 3, 2]
    found = [np.frombuffer(vector, "<f2") for each in made for vector, _ in each]
    tower = load_image_encoder(bundle)
    assert (
        np.stack(found) == np.stack([tower.encode(picture[None])[0].astype("<f2") for picture in pixels])
    ).all()
