"""Photos for a screen, decoded in separate processes: a file that crashes or hangs a decoder costs only itself.

The processes are started by "spawn" and stay warm between photos.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.errors import CancelledError, ImageError, PicsightError
from picsight_engine.photos.reading import problem, read_photo
from picsight_engine.processes import START_SECONDS, bury, settle, silence_decoders, start, time_limit

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from PIL import Image

    from picsight_engine.errors import ProblemCode
    from picsight_engine.photos.reading import Limits


_PIECE_BYTES = 8_000_000  # pixels pass in pieces of about this size, so that no large picture is copied whole
_LEAST_SIDE = 64  # pixels of a reduced decode, however small the picture is wanted
_ALL = 1 << 30


@dataclass(frozen=True, slots=True)
class PhotoRequest:
    """To the process: this photo, to fit into `fit` pixels, or with all its own where that is None."""

    path: Path
    fit: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Exposed:
    """From the process: the photo is decoded, `width` by `height` in full; of `size` pixels the RGB bytes follow."""

    width: int
    height: int
    size: tuple[int, int]


def serve(connection: Connection, limits: Limits) -> None:
    """The process's whole life: answer wishes until the other side is gone."""
    settle()
    from picsight_engine.photos import decode  # Pillow and numpy, 100 ms; `_expose` finds it loaded

    _ = decode
    silence_decoders()
    with suppress(EOFError, OSError):  # the other side is gone: there is nobody to tell
        connection.send(None)  # ready
        while True:
            _answer(connection, connection.recv(), limits)


def _answer(connection: Connection, wish: PhotoRequest, limits: Limits) -> None:
    """Sends what the photo is, then its RGB bytes in pieces; or the ImageError."""
    try:
        with time_limit(limits.seconds):
            facts, image = _expose(wish, limits)
    except ImageError as fault:
        connection.send(fault)
        return
    except MemoryError:
        connection.send(
            ImageError("too_large", f"{wish.path} needs more memory to be shown than there is.", wish.path)
        )
        return
    connection.send(facts)
    rows = max(1, _PIECE_BYTES // (3 * image.width))
    for top in range(0, image.height, rows):
        connection.send_bytes(image.crop((0, top, image.width, min(top + rows, image.height))).tobytes())


def _expose(wish: PhotoRequest, limits: Limits) -> tuple[Exposed, Image.Image]:
    from picsight_engine.photos.decode import decode

    side = _ALL if wish.fit is None else max(min(wish.fit), _LEAST_SIDE)
    picture = decode(read_photo(wish.path, limits), wish.path, min_side=side, limits=limits)
    image = picture.image
    if wish.fit is not None:
        image = _fitted(image, (picture.width, picture.height), wish.fit)
    return Exposed(picture.width, picture.height, image.size), image


def _fitted(image: Image.Image, full: tuple[int, int], fit: tuple[int, int]) -> Image.Image:
    """The picture reduced to fit; it is never enlarged, and no side becomes zero."""
    from PIL import Image as Pillow

    scale = min(fit[0] / full[0], fit[1] / full[1])
    size = max(1, round(full[0] * scale)), max(1, round(full[1] * scale))
    if size[0] >= image.width and size[1] >= image.height:
        return image
    return image.resize(size, Pillow.Resampling.HAMMING)


MOST_PROCESSES = 2  # the photo that is looked at, and the next one
_GRACE_SECONDS = 1.0  # what is no longer wanted may take so long: that is cheaper than a new process
_GLANCE_SECONDS = 0.1  # how often is asked whether it is still wanted
_UNWANTED = "This photo is not wanted any more."


@dataclass(frozen=True, slots=True)
class Developed:
    """A photo upright in sRGB, `width` by `height` in full; `pixels` are the RGB bytes of `size`, rows without gaps."""

    width: int
    height: int
    size: tuple[int, int]
    pixels: bytearray


class Darkroom:
    """A few processes behind one call; any thread may make it."""

    def __init__(self, limits: Limits) -> None:
        """Starts nothing yet; `limits` hold for each photo."""
        self._limits = limits
        self._enlargers: list[_Enlarger] = []
        self._idle: list[_Enlarger] = []
        self._changed = threading.Condition()
        self._closed = False

    def warm_up(self) -> None:
        """Starts what the first photo would wait for."""
        with self._changed:
            if not self._closed and not self._enlargers:
                self._idle.append(self._start())

    def develop(
        self, path: Path, fit: tuple[int, int] | None, is_wanted: Callable[[], bool] = lambda: True
    ) -> Developed:
        """Decodes a photo to fit into `fit` pixels, never enlarged, or whole where that is None.

        A photo that takes long is given up once `is_wanted` says so, and everything when the room is closed.

        Raises:
            ImageError: the file cannot be shown; `crashed` and `timeout` where it took its process along.
            CancelledError: it was given up.
            PicsightError: no process can be started.
        """
        enlarger = self._take(is_wanted)
        try:
            return enlarger.develop(PhotoRequest(path, fit), self._limits.seconds, is_wanted)
        except (EOFError, OSError) as fault:
            raise self._explain(fault, enlarger, path) from fault
        finally:
            self._give_back(enlarger)

    def close(self) -> None:
        """Ends the processes, whatever they are doing."""
        with self._changed:
            self._closed = True
            while self._idle:
                self._remove(self._idle.pop())
            for enlarger in self._enlargers:  # who uses one puts it away
                enlarger.kill()
            self._changed.notify_all()

    def _take(self, is_wanted: Callable[[], bool]) -> _Enlarger:
        """A process for one photo: the one used last, a new one, or the next to become free."""
        with self._changed:
            while not self._closed:
                while self._idle:
                    enlarger = self._idle.pop()
                    if enlarger.is_alive():
                        return enlarger
                    self._remove(enlarger)
                if len(self._enlargers) < MOST_PROCESSES:
                    return self._start()
                if not is_wanted():
                    raise CancelledError(_UNWANTED)
                self._changed.wait(_GLANCE_SECONDS)
        raise CancelledError("Picsight is being closed.")

    def _give_back(self, enlarger: _Enlarger) -> None:
        """Takes a process back; one that was lost over its photo is replaced at once, so that the next need not wait."""
        with self._changed:
            if not enlarger.is_lost and not self._closed:
                self._idle.append(enlarger)
            else:
                self._remove(enlarger)
                if enlarger.is_ready and not self._closed:
                    self._idle.append(self._start())
            self._changed.notify()

    def _start(self) -> _Enlarger:
        enlarger = _Enlarger(self._limits)
        self._enlargers.append(enlarger)
        return enlarger

    def _remove(self, enlarger: _Enlarger) -> None:
        self._enlargers.remove(enlarger)
        enlarger.close()

    def _explain(self, fault: Exception, enlarger: _Enlarger, path: Path) -> PicsightError:
        """The error for a process that died or hung."""
        if self._closed:
            return CancelledError("Picsight is being closed.")
        if not enlarger.is_ready:
            return PicsightError(
                "The process that reads photos does not start. Free some memory and try again."
            )
        code: ProblemCode = "crashed"
        reason = "makes the program that reads pictures crash, so it cannot be shown"
        if isinstance(fault, TimeoutError):
            code = "timeout"
            reason = f"took longer than {self._limits.seconds:g} seconds to read, so it cannot be shown"
        return problem(code, path, f"{reason}. Save it again in another program")


class _Enlarger:
    """One process from our side; used from one thread at a time, but for `kill`."""

    def __init__(self, limits: Limits) -> None:
        self._process, self._connection = start(serve, limits, name="picsight-photo")
        self.is_ready = False  # whether it was ever at work
        self.is_lost = False

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    def develop(self, wish: PhotoRequest, seconds: float, is_wanted: Callable[[], bool]) -> Developed:
        """What the process makes of a wish.

        Raises:
            ImageError: what it says of the file.
            CancelledError: it took long and was not wanted any more; this, and what follows, loses the process.
            EOFError, OSError: it died.
            TimeoutError: it took longer than `seconds` (one of Python's OSErrors).
        """
        try:
            if not self.is_ready:
                self._wait_for(START_SECONDS)
                self._connection.recv()
                self.is_ready = True
            self._connection.send(wish)
            return self._receive(time.monotonic(), seconds, is_wanted)
        except ImageError:
            raise
        except BaseException:
            self.is_lost = True
            raise

    def kill(self) -> None:
        """Ends the process, whatever it is doing; any thread may call."""
        self._process.kill()

    def close(self) -> None:
        """Puts the process away."""
        self._process.kill()
        bury(self._process, self._connection)

    def _wait_for(self, seconds: float) -> None:
        if not self._connection.poll(max(seconds, 0.0)):
            raise TimeoutError

    def _receive(self, since: float, seconds: float, is_wanted: Callable[[], bool]) -> Developed:
        while not self._connection.poll(_GLANCE_SECONDS):
            waited = time.monotonic() - since
            if waited > seconds:
                raise TimeoutError
            if waited > _GRACE_SECONDS and not is_wanted():
                raise CancelledError(_UNWANTED)
        answer = self._connection.recv()
        if isinstance(answer, ImageError):
            raise answer
        assert isinstance(answer, Exposed)
        pixels = bytearray(3 * answer.size[0] * answer.size[1])
        filled = 0
        while filled < len(pixels):
            self._wait_for(since + seconds - time.monotonic())
            filled += self._connection.recv_bytes_into(pixels, filled)
        return Developed(answer.width, answer.height, answer.size, pixels)
