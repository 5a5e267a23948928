"""Photos for a screen: decoded in other processes, exact to the pixel; a bad file spoils no other photo."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.engine.conftest import has_ended

from picsight_engine.foundation.errors import CancelledError, ImageError
from picsight_engine.photos.decoding.decode import decode
from picsight_engine.photos.decoding.screen_decoder import MOST_PROCESSES, ScreenDecoder
from picsight_engine.photos.formats import can_read_films
from picsight_engine.photos.reading import Limits

PATIENCE = 600.0  # seconds; only a failing test waits so long
SCREEN = (1920, 1080)


@pytest.fixture
def decoder():
    with closing(ScreenDecoder(Limits(seconds=PATIENCE))) as opened:
        yield opened


@pytest.fixture
def photo(tmp_path, make_image):
    path = tmp_path / "photo.png"
    make_image().save(path)
    return path


@pytest.fixture
def killer(shared, tmp_path):
    """A real HEIC file with one wrong byte, in the type of its metadata, that crashes pi-heif."""
    data = (shared / "formats" / "orient1.heic").read_bytes()
    path = tmp_path / "killer.heic"
    path.write_bytes(data.replace(b"Exif", b"\xffxif", 1))
    return path


def test_a_film_shows_its_poster_or_its_frame_at_a_moment(decoder, shared):
    if not can_read_films():
        pytest.skip("needs the extra video")
    film = shared / "camera" / "IMG_2927.MOV"
    poster, later = decoder.decode(film, None), decoder.decode(film, (100, 100), moment=3.0)
    assert (poster.width, poster.height, poster.size) == (320, 568, (320, 568))
    assert (later.width, later.size) == (320, (56, 100))
    small = Image.frombytes("RGB", poster.size, bytes(poster.pixels)).resize(later.size)
    assert (
        np.abs(np.asarray(small, int) - np.frombuffer(later.pixels, np.uint8).reshape(100, 56, 3)).mean() > 5
    )


def pids():
    return {process.pid for process in multiprocessing.active_children()}


def comes_true(condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        os.sched_yield()
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of another process")
def test_a_file_that_memory_cannot_hold_is_too_large_and_the_process_goes_on(decoder, photo, tmp_path):
    import resource  # not on Windows

    decoder.decode(photo, SCREEN)
    (process,) = pids()
    now = int(Path(f"/proc/{process}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(process, resource.RLIMIT_AS, (now + (1 << 26),) * 2)
    large = tmp_path / "large.png"
    large.write_bytes(photo.read_bytes())
    os.truncate(large, 1 << 28)
    with pytest.raises(ImageError, match="more memory") as refused:
        decoder.decode(large, SCREEN)
    assert refused.value.code == "too_large"
    assert decoder.decode(photo, SCREEN).pixels
    assert pids() == {process}


def pixels(decoded):
    width, height = decoded.size
    return np.frombuffer(decoded.pixels, np.uint8).reshape(height, width, 3)


def test_the_pixels_are_those_of_the_decoder(decoder, photo, tmp_path):
    whole = decoder.decode(photo, None)
    assert (whole.width, whole.height, whole.size) == (48, 32, (48, 32))
    assert np.array_equal(pixels(whole), np.asarray(Image.open(photo)))
    large = tmp_path / "large.png"  # more than one piece, and rows that do not divide one
    noise = np.random.default_rng(1).integers(0, 256, (1601, 2003, 3), dtype=np.uint8)
    Image.fromarray(noise).save(large, compress_level=0)
    assert np.array_equal(pixels(decoder.decode(large, None)), noise)


def test_a_photo_fits_its_place_and_is_never_enlarged(decoder, tmp_path):
    for size, fit, shown in (
        ((4000, 3000), SCREEN, (1440, 1080)),
        ((640, 480), SCREEN, (640, 480)),
        ((4000, 1), (100, 100), (100, 1)),
        ((4000, 3000), (1, 1), (1, 1)),
    ):
        Image.new("RGB", size, (200, 30, 40)).save(tmp_path / "photo.jpg")
        decoded = decoder.decode(tmp_path / "photo.jpg", fit)
        assert ((decoded.width, decoded.height), decoded.size) == (size, shown)
        assert np.abs(pixels(decoded).astype(int) - (200, 30, 40)).max() <= 3


def test_a_file_that_cannot_be_shown_costs_no_process(decoder, photo, tmp_path):
    decoder.decode(photo, SCREEN)
    before = pids()
    for name, content in (("empty.jpg", b""), ("text.jpg", b"plain text " * 20)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=name):
            decoder.decode(tmp_path / name, SCREEN)
    with pytest.raises(ImageError, match="no longer there"):
        decoder.decode(tmp_path / "gone.jpg", SCREEN)
    assert pids() == before


def test_a_file_that_crashes_its_decoder_is_reported_and_the_next_photo_opens(decoder, photo, killer):
    decoder.decode(photo, SCREEN)
    before = pids()
    with pytest.raises(
        ImageError, match=r"killer\.heic makes the program that reads pictures crash"
    ) as caught:
        decoder.decode(killer, SCREEN)
    assert caught.value.code == "crashed"
    assert decoder.decode(photo, SCREEN).size == (48, 32)
    assert len(pids()) == 1
    assert pids() != before


def test_a_process_that_hangs_over_a_photo_is_replaced(decoder, photo, clock):
    decoder.decode(photo, SCREEN)
    (pid,) = pids()
    os.kill(pid, signal.SIGSTOP)

    def is_wanted():
        clock.ahead += PATIENCE
        return True

    with pytest.raises(ImageError, match=r"photo\.png took longer than 600 seconds") as caught:
        decoder.decode(photo, SCREEN, is_wanted)
    assert caught.value.code == "timeout"
    assert decoder.decode(photo, SCREEN).size == (48, 32)
    assert pid not in pids()


def test_an_idle_process_that_died_costs_no_photo(decoder, photo):
    decoder.decode(photo, SCREEN)
    (process,) = multiprocessing.active_children()
    process.kill()
    process.join()
    assert decoder.decode(photo, SCREEN).size == (48, 32)


def test_a_photo_that_is_not_wanted_any_more_does_not_hold_up_the_next(decoder, photo):
    decoder.decode(photo, SCREEN)
    (pid,) = pids()
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(CancelledError):
        decoder.decode(photo, SCREEN, lambda: False)
    assert decoder.decode(photo, SCREEN).size == (48, 32)


def test_many_photos_at_once_take_few_processes(decoder, shared):
    names = [f"orient{turn}.{kind}" for turn in (1, 3, 6) for kind in ("jpg", "png", "heic", "avif", "webp")]
    paths = [shared / "formats" / name for name in names]
    alone = [decode(path.read_bytes(), path, min_side=1 << 30, limits=Limits()).image for path in paths]
    most = []

    def develop(path):
        decoded = decoder.decode(path, None)
        most.append(len(pids()))
        return pixels(decoded)

    with ThreadPoolExecutor(4) as threads:
        for found, image in zip(threads.map(develop, paths * 2), alone * 2, strict=True):
            assert np.array_equal(found, np.asarray(image))
    assert max(most) <= MOST_PROCESSES


def test_closing_ends_running_and_waiting_requests(photo):
    decoder = ScreenDecoder(Limits(seconds=PATIENCE))
    decoder.decode(photo, SCREEN)
    waiting = threading.Event()
    (pid,) = pids()
    os.kill(pid, signal.SIGSTOP)

    def is_wanted():
        waiting.set()
        return True

    with ThreadPoolExecutor(1) as thread:
        under_way = thread.submit(decoder.decode, photo, SCREEN, is_wanted)
        assert waiting.wait(PATIENCE)
        decoder.close()
        with pytest.raises(CancelledError):
            under_way.result(PATIENCE)
    with pytest.raises(CancelledError):
        decoder.decode(photo, SCREEN)
    decoder.close()
    assert pids() == set()


OWNER = """
import multiprocessing, os, signal, sys, threading
from pathlib import Path
from picsight_engine.photos.decoding.screen_decoder import ScreenDecoder
from picsight_engine.photos.reading import Limits

if __name__ == "__main__":
    photo, end = Path(sys.argv[1]), sys.argv[2]
    decoder = ScreenDecoder(Limits())
    decoder.decode(photo, None)
    (process,) = multiprocessing.active_children()
    print(process.pid, flush=True)
    if end == "killed over a photo":
        threading.Thread(target=decoder.decode, args=(photo, None)).start()
    if end.startswith("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "interrupted":
        try:
            os.killpg(0, signal.SIGINT)
        except KeyboardInterrupt:
            print(decoder.decode(photo, None).size)
"""


@pytest.mark.parametrize("end", ["left open", "killed over a photo", "interrupted"])
def test_no_process_and_no_message_is_left_however_the_program_ends(photo, tmp_path, end):
    script = tmp_path / "owner.py"
    script.write_text(textwrap.dedent(OWNER))
    done = subprocess.run(
        [sys.executable, script, photo, end],
        check=False,
        capture_output=True,
        text=True,
        start_new_session=True,
    )  # it returns once every process that holds its streams is gone
    assert done.stderr == ""
    assert done.stdout.splitlines()[1:] == (["(48, 32)"] if end == "interrupted" else [])
    assert comes_true(lambda: has_ended(int(done.stdout.split()[0])))
