"""Decodes photos for the screen in separate processes: a file that crashes or hangs a decoder affects no other.

The processes are started by "spawn" and are reused for later photos.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import CancelledError, ImageError, PicsightError
from picsight_engine.foundation.processes import (
    START_SECONDS,
    release,
    set_up,
    silence_decoders,
    start,
    time_limit,
)
from picsight_engine.photos.formats import is_film
from picsight_engine.photos.reading import lost_photo, problem, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from PIL import Image

    from picsight_engine.foundation.errors import ProblemCode
    from picsight_engine.photos.reading import Limits


_PIECE_BYTES = 8_000_000  # pixels are sent in pieces of about this size, to avoid a large copy
_LEAST_SIDE = 64  # pixels: the minimum of a reduced decode
_ALL = 1 << 30


@dataclass(frozen=True, slots=True)
class PhotoRequest:
    """To the process: decode this photo to fit `fit` pixels (None: full size); of a film its poster, or the `moment`."""

    path: Path
    fit: tuple[int, int] | None
    moment: float | None = None


@dataclass(frozen=True, slots=True)
class DecodedPixels:
    """An upright photo in sRGB, with full size `width` by `height`; `pixels` are RGB bytes of `size`, rows without gaps.

    It comes from the process without pixels, which follow in pieces.
    """

    width: int
    height: int
    size: tuple[int, int]
    pixels: bytearray = field(default_factory=bytearray)


def serve(connection: Connection, limits: Limits) -> None:
    """The process's main function: answers requests until the other side is gone."""
    set_up()
    from picsight_engine.photos.decoding import decode  # preloads Pillow and numpy (100 ms) for `_decode`

    _ = decode
    silence_decoders()
    with suppress(EOFError, OSError):  # the other side is gone
        connection.send(None)  # ready
        while True:
            _answer(connection, connection.recv(), limits)


def _answer(connection: Connection, request: PhotoRequest, limits: Limits) -> None:
    """Sends the photo's sizes, then its RGB bytes in pieces; or the ImageError."""
    try:
        with time_limit(limits.seconds_for(request.path)):
            decoded, image = _decode(request, limits)
    except ImageError as fault:
        connection.send(fault)
        return
    except MemoryError:  # while the file is read, or after its picture was decoded
        connection.send(problem("too_large", request.path, "needs more memory to be shown than there is."))
        return
    connection.send(decoded)
    rows = max(1, _PIECE_BYTES // (3 * image.width))
    for top in range(0, image.height, rows):
        connection.send_bytes(image.crop((0, top, image.width, min(top + rows, image.height))).tobytes())


def _decode(request: PhotoRequest, limits: Limits) -> tuple[DecodedPixels, Image.Image]:
    from picsight_engine.photos.decoding.decode import decode

    side = _ALL if request.fit is None else max(min(request.fit), _LEAST_SIDE)
    if is_film(request.path):
        from picsight_engine.photos.decoding.films import decode_film  # 20 ms

        picture = decode_film(
            request.path, min_side=side, limits=limits, moment=request.moment, is_poster=True
        )
    else:
        picture = decode(read_photo(request.path, limits), request.path, min_side=side, limits=limits)
    image = picture.image
    if request.fit is not None:
        image = _fitted(image, (picture.width, picture.height), request.fit)
    return DecodedPixels(picture.width, picture.height, image.size), image


def _fitted(image: Image.Image, full: tuple[int, int], fit: tuple[int, int]) -> Image.Image:
    """The picture reduced to fit; never enlarged, and no side becomes zero."""
    from PIL import Image as Pillow

    scale = min(fit[0] / full[0], fit[1] / full[1])
    size = max(1, round(full[0] * scale)), max(1, round(full[1] * scale))
    if size[0] >= image.width and size[1] >= image.height:
        return image
    return image.resize(size, Pillow.Resampling.HAMMING)


MOST_PROCESSES = 2  # the photo on screen, and the next one
_GRACE_SECONDS = 1.0  # an unwanted photo may take this long, because a new process costs more
_GLANCE_SECONDS = 0.1  # how often to check whether a photo is still wanted
_UNWANTED = "This photo is not wanted any more."


class ScreenDecoder:
    """A small pool of decoding processes; thread-safe."""

    def __init__(self, limits: Limits) -> None:
        """Starts no process yet; `limits` apply to each photo."""
        self._limits = limits
        self._workers: list[_DecoderProcess] = []
        self._idle: list[_DecoderProcess] = []
        self._changed = threading.Condition()
        self._closed = False

    def warm_up(self) -> None:
        """Starts a process, so that the first photo need not wait."""
        with self._changed:
            if not self._closed and not self._workers:
                self._idle.append(self._start())

    def decode(
        self,
        path: Path,
        fit: tuple[int, int] | None,
        is_wanted: Callable[[], bool] = lambda: True,
        moment: float | None = None,
    ) -> DecodedPixels:
        """Decodes a photo to fit into `fit` pixels, never enlarged, or at full size if that is None; of a film its poster, or
        its frame at `moment` seconds.

        A slow photo is cancelled once `is_wanted` returns False; `close` cancels all.

        Raises:
            ImageError: the file cannot be shown; `crashed` or `timeout` if its process ended.
            CancelledError: it was cancelled.
            PicsightError: no process can be started.
        """
        worker = self._take(is_wanted)
        try:
            request = PhotoRequest(path, fit, moment)
            return worker.decode(request, self._limits.seconds_for(path), is_wanted)
        except (EOFError, OSError) as fault:
            raise self._explain(fault, worker, path) from fault
        finally:
            self._give_back(worker)

    def close(self) -> None:
        """Kills the processes."""
        with self._changed:
            self._closed = True
            while self._idle:
                self._remove(self._idle.pop())
            for worker in self._workers:  # the thread that uses one releases it
                worker.process.kill()
            self._changed.notify_all()

    def _take(self, is_wanted: Callable[[], bool]) -> _DecoderProcess:
        """A process for one photo: the one used last, a new one, or the next to become free."""
        with self._changed:
            while not self._closed:
                while self._idle:
                    worker = self._idle.pop()
                    if worker.process.is_alive():
                        return worker
                    self._remove(worker)
                if len(self._workers) < MOST_PROCESSES:
                    return self._start()
                if not is_wanted():
                    raise CancelledError(_UNWANTED)
                self._changed.wait(_GLANCE_SECONDS)
        raise CancelledError("Picsight is being closed.")

    def _give_back(self, worker: _DecoderProcess) -> None:
        """Returns a process to the pool; replaces a dead one at once, so that the next photo need not wait."""
        with self._changed:
            if not worker.is_lost and not self._closed:
                self._idle.append(worker)
            else:
                self._remove(worker)
                if worker.is_ready and not self._closed:
                    self._idle.append(self._start())
            self._changed.notify()

    def _start(self) -> _DecoderProcess:
        worker = _DecoderProcess(self._limits)
        self._workers.append(worker)
        return worker

    def _remove(self, worker: _DecoderProcess) -> None:
        self._workers.remove(worker)
        worker.close()

    def _explain(self, fault: Exception, worker: _DecoderProcess, path: Path) -> PicsightError:
        """The error for a process that died or hung."""
        if self._closed:
            return CancelledError("Picsight is being closed.")
        if not worker.is_ready:
            return PicsightError(
                "The process that reads photos does not start. Free some memory and try again."
            )
        code: ProblemCode = "timeout" if isinstance(fault, TimeoutError) else "crashed"
        return lost_photo(code, path, self._limits, "cannot be shown")


class _DecoderProcess:
    """Our side of one process; used from one thread at a time, except to kill it."""

    def __init__(self, limits: Limits) -> None:
        self.process, self._connection = start(serve, limits, name="picsight-photo")
        self.is_ready = False  # whether it has ever started to work
        self.is_lost = False

    def decode(self, request: PhotoRequest, seconds: float, is_wanted: Callable[[], bool]) -> DecodedPixels:
        """The photo that the process decodes for a request.

        Raises:
            ImageError: the file cannot be shown.
            CancelledError: it was slow and no longer wanted; after this and the following errors the process is lost.
            EOFError, OSError: it died.
            TimeoutError: it took longer than `seconds` (one of Python's OSErrors).
        """
        try:
            if not self.is_ready:
                self._wait_for(START_SECONDS)
                self._connection.recv()
                self.is_ready = True
            self._connection.send(request)
            return self._receive(time.monotonic(), seconds, is_wanted)
        except ImageError:
            raise
        except BaseException:
            self.is_lost = True
            raise

    def close(self) -> None:
        """Puts the process away."""
        self.process.kill()
        release(self.process, self._connection)

    def _wait_for(self, seconds: float) -> None:
        if not self._connection.poll(max(seconds, 0.0)):
            raise TimeoutError

    def _receive(self, since: float, seconds: float, is_wanted: Callable[[], bool]) -> DecodedPixels:
        while not self._connection.poll(_GLANCE_SECONDS):
            waited = time.monotonic() - since
            if waited > seconds:
                raise TimeoutError
            if waited > _GRACE_SECONDS and not is_wanted():
                raise CancelledError(_UNWANTED)
        answer = self._connection.recv()
        if isinstance(answer, ImageError):
            raise answer
        assert isinstance(answer, DecodedPixels)
        pixels = bytearray(3 * answer.size[0] * answer.size[1])
        filled = 0
        while filled < len(pixels):
            self._wait_for(since + seconds - time.monotonic())
            filled += self._connection.recv_bytes_into(pixels, filled)
        return replace(answer, pixels=pixels)
