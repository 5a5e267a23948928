"""Reads frames of films, reduced, with their moments, by OpenCV's FFmpeg. OpenCV comes with the extra `video`."""

from __future__ import annotations

import math
import os
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from picsight_engine.photos.metadata.film_tags import is_high_range, is_sound, lacks_index
from picsight_engine.photos.reading import problem, read_file, unshowable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.foundation.errors import ImageError

MOST_LOOKS = 200  # into a film
MOST_SECONDS = 20.0  # for each way to look into a film, on a slow machine
_LEAST_GAP = 2.0  # seconds between key frames that are looked at
_SKETCH = (16, 16)  # pixels, by which frames are compared
_BLANK = 8.0  # the standard deviation of a frame that shows something
_ODD_PIXELS = 0.25, 4.0  # widths of a pixel, in heights, beyond which a file is wrong
_PROPERTIES = (
    "FRAME_COUNT", "FPS", "FRAME_WIDTH", "FRAME_HEIGHT", "SAR_NUM", "SAR_DEN", "ORIENTATION_META", "FOURCC",
)  # fmt: skip
_UNKNOWN_CODING = b"AV01"  # which OpenCV's FFmpeg opens and cannot decode
# Of other codings a key frame comes out when the next one is read, with the moment of that one.
_READ_BY_KEYS = frozenset([b"H264", b"AVC1", b"HEVC", b"HVC1", b"HEV1", b"VP80", b"VP90", b"VP09", b"MJPG"])
# OpenCV's FFmpeg maps PQ and HLG to the range of a television, whose light is this power (ITU-R BT.1886), not a screen's.
_LIGHT = np.linspace(0, 1, 256) ** 2.4
_SRGB = np.where(_LIGHT <= 0.0031308, 12.92 * _LIGHT, 1.055 * _LIGHT ** (1 / 2.4) - 0.055)
_TO_SCREEN = np.round(255 * _SRGB).astype(np.uint8)
_SAME_MOMENT = 0.001  # seconds
_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # read by OpenCV whenever it opens a film
_QUIET = {"OPENCV_LOG_LEVEL": "OFF", "OPENCV_FFMPEG_LOGLEVEL": "-8", "OPENCV_FFMPEG_DEBUG": "0"}


@dataclass(frozen=True, slots=True, eq=False)
class FilmFrame:
    """A frame of a film, reduced; `seconds` into the film, `pixels` are BGR [height, width, 3], `sketch` float [16, 16, 3]."""

    seconds: float
    pixels: NDArray[np.uint8]
    sketch: NDArray[np.float32]

    @property
    def is_blank(self) -> bool:
        """Whether it shows nothing, as in a fade from black."""
        return float(self.sketch.std(axis=(0, 1)).max()) < _BLANK

    def difference(self, other: FilmFrame) -> float:
        """How much two frames differ, from 0 to 1."""
        return float(np.abs(self.sketch - other.sketch).mean()) / 255

    def colours(self) -> NDArray[np.int64]:
        """How many pixels of the sketch have each of 512 colours, [512]."""
        steps = (self.sketch.reshape(-1, 3) // 32).astype(np.int64)
        return np.bincount(steps @ (64, 8, 1), minlength=512)

    def picture(self) -> Image.Image:
        """The frame as a picture."""
        return Image.fromarray(np.ascontiguousarray(self.pixels[:, :, ::-1]))


def film_reader(path: Path) -> Any:
    """OpenCV, of the extra `video`; raises ImageError `not_read` about the film at `path` without it."""
    os.environ.update(_QUIET)
    try:
        import cv2  # 23 MB, and many libraries hold no film
    except ImportError:
        reason = "is a video, which Picsight reads with the package opencv-python-headless: install that, and index again."
        raise problem("not_read", path, reason) from None
    cv2.setNumThreads(1)
    return cv2


class Film:
    """A film file that OpenCV opens: upright size in square pixels, bytes, and `seconds`, 0 if unknown."""

    def __init__(self, path: Path, min_side: int) -> None:
        """Frames are reduced to a short side of `min_side`; raises ImageError like `decode_film`."""
        self._cv2 = film_reader(path)
        self._path = path
        self._min_side = min_side
        self.bytes = read_file(path, lambda _file, size: size)
        self._is_high_range = read_file(path, is_high_range)
        with self._opened(keys_only=True) as film:
            count, rate, width, height, above, below, turned, coding = (
                film.get(getattr(self._cv2, f"CAP_PROP_{name}")) for name in _PROPERTIES
            )
        self.coding = int(coding).to_bytes(4, "little", signed=True).upper()
        self.seconds = count / rate if count > 0 and rate > 0 else 0.0
        shape = above / below if above and below and turned % 180 == 0 else 1.0
        self._pixel = shape if _ODD_PIXELS[0] < shape < _ODD_PIXELS[1] else 1.0
        self.width, self.height = round(width * self._pixel), int(height)

    def poster(self) -> list[FilmFrame]:
        """The first key frame that shows something, or the very first; none of a film without frames."""
        first: list[FilmFrame] = []
        for frame in self.key_frames():
            if not frame.is_blank:
                return [frame]
            first = first or [frame]
        return first

    def key_frames(self) -> Iterator[FilmFrame]:
        """Key frames at least two seconds apart; in a long film fewer. Of some codings, any frames."""
        gap, last = max(_LEAST_GAP, self.seconds / MOST_LOOKS), -math.inf
        looks, until = 0, time.monotonic() + MOST_SECONDS
        with self._opened(keys_only=self.coding in _READ_BY_KEYS) as film:
            while looks < MOST_LOOKS and time.monotonic() < until and film.grab():
                seconds = self._position(film)
                if last < 0 and seconds > gap:  # HEVC's decoder may drop the first one
                    yield from self.frames_at([[0.0]])
                    last = 0.0
                if seconds - last >= gap and (frame := self._frame(film, seconds)):
                    last, looks = seconds, looks + 1
                    yield frame

    def frames_at(self, rows: Sequence[Sequence[float]], seconds: float = math.inf) -> Iterator[FilmFrame]:
        """The frames at these moments, as many as can be read in so many seconds. A row of moments is read in one go."""
        until = time.monotonic() + seconds
        with self._opened(keys_only=False) as film:
            for row in rows:
                for place, moment in enumerate(row):
                    if not place:
                        self._seek(film, moment)
                    while film.grab() and self._position(film) < moment - _SAME_MOMENT:
                        if time.monotonic() > until:
                            return
                    if frame := self._frame(film, self._position(film)):
                        yield frame
                    if time.monotonic() > until:
                        return

    def _seek(self, film: Any, moment: float) -> None:
        """Goes to a frame before this moment, from which the frames that follow are read.

        OpenCV counts frames from a key frame on: it goes too far where their rate changes, and does not find the first ones of
        a transport stream.
        """
        back = 0.0
        while back < moment:
            film.set(self._cv2.CAP_PROP_POS_MSEC, 1000 * (moment - back))
            if self._position(film) < moment:
                return
            back = 2 * back + 1
        film.open(*self._source)

    def _position(self, film: Any) -> float:
        return max(0.0, float(film.get(self._cv2.CAP_PROP_POS_MSEC)) / 1000)

    def _frame(self, film: Any, seconds: float) -> FilmFrame | None:
        """The grabbed frame; None if its colours cannot be converted."""
        found, pixels = film.retrieve()
        if not found:
            return None
        area = self._cv2.INTER_AREA
        height, width = pixels.shape[0], pixels.shape[1] * self._pixel
        scale = min(1.0, self._min_side / min(width, height))
        if scale < 1 or width != pixels.shape[1]:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            pixels = self._cv2.resize(pixels, size, interpolation=area)
        if self._is_high_range:
            pixels = self._cv2.LUT(pixels, _TO_SCREEN)
        sketch = self._cv2.resize(pixels, _SKETCH, interpolation=area).astype(np.float32)
        return FilmFrame(seconds, pixels, sketch)

    @contextmanager
    def _opened(self, *, keys_only: bool) -> Iterator[Any]:
        """OpenCV's reader of the film, with one thread and without the network."""
        cv2 = self._cv2
        os.environ[_OPTIONS] = "protocol_whitelist;file" + "|avdiscard;nonkey" * keys_only
        name = str(self._path)
        with ExitStack() as stack:
            if not name.isprintable() and os.name == "posix":  # OpenCV takes no bytes outside UTF-8
                name = f"/dev/fd/{stack.enter_context(self._path.open('rb')).fileno()}"
            self._source = name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]
            film = cv2.VideoCapture(*self._source)
            stack.callback(film.release)
            if not film.isOpened():
                raise unreadable(self._path)
            try:
                yield film
            except cv2.error as fault:
                raise unreadable(self._path) from fault


def unreadable(path: Path, coding: bytes = b"") -> ImageError:
    """Why OpenCV reads no frame of a film."""
    if coding == _UNKNOWN_CODING:
        reason = "its coding, AV1, is not known to OpenCV's FFmpeg; save it in another, such as H.264."
        return unshowable("unsupported", path, reason)
    if read_file(path, lacks_index):
        reason = (
            "it has no index, so its recording or its copy was cut off; copy it again from where it came."
        )
        return unshowable("truncated", path, reason)
    if read_file(path, is_sound):
        return unshowable("not_an_image", path, "it has sound and no picture.")
    return unshowable("damaged", path, "no frame of it can be read; open it in another program.")
