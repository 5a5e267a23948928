"""Films: their tags, and the frames by which they are found, decoded by OpenCV's FFmpeg.

OpenCV comes with the extra `video`. Most films are read through, decoding only key frames; large ones are looked at in places.
"""

from __future__ import annotations

import math
import os
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from picsight_engine.photos.decode import DecodedPhoto, check_size, xmp_facts
from picsight_engine.photos.film_tags import PACKET, film_facts, lacks_index
from picsight_engine.photos.reading import problem, read_file
from picsight_engine.photos.tag_precedence import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.errors import ImageError
    from picsight_engine.photos.exif import Fact
    from picsight_engine.photos.reading import Limits

MOST_FRAMES = 40  # of a film
_MOST_GAP = 10.0  # seconds between frames, while `MOST_FRAMES` suffice
_LEAST_GAP = 2.0  # seconds between key frames that are looked at
_LOOKS = 60  # into a film
_READ_THROUGH = 1_200.0  # megapixels times seconds: two minutes of 4K, ten of 1080p
_READ_THROUGH_BYTES = 1_000_000_000
_MOST_SECONDS = 20.0  # for each way to look into a film, on a slow machine
_SKETCH = (16, 16)  # pixels, by which frames are compared
# Mean differences of sketches, in parts of the range: from one on, frames show different scenes; below the other, the same.
_OTHER_SCENE, _SAME_SCENE = 0.12, 0.04
_BLANK = 8.0  # the standard deviation of a frame that shows something
_ODD_PIXELS = 0.25, 4.0  # widths of a pixel, in heights, beyond which a file is wrong
_PROPERTIES = (
    "FRAME_COUNT", "FPS", "FRAME_WIDTH", "FRAME_HEIGHT", "SAR_NUM", "SAR_DEN", "ORIENTATION_META", "FOURCC",
)  # fmt: skip
_UNKNOWN_CODING = b"AV01"  # which OpenCV's FFmpeg opens and cannot decode
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

    def picture(self) -> Image.Image:
        """The frame as a picture."""
        return Image.fromarray(np.ascontiguousarray(self.pixels[:, :, ::-1]))


def read_film_facts(path: Path) -> dict[str, Fact]:
    """The facts of a film; raises ImageError like `read_photo`."""
    facts = read_file(path, film_facts)
    return {FILE_NAME: path.name, **xmp_facts(facts.pop(PACKET, None)), **facts}


def film_reader(path: Path) -> Any:
    """OpenCV, of the extra `video`; raises ImageError `not_read` about the film at `path` without it."""
    os.environ.update(_QUIET)
    try:
        import cv2  # 23 MB, and many libraries hold no film
    except ImportError:
        reason = "is a video, which Picsight reads with the package opencv-python-headless: install that, and index again"
        raise problem("not_read", path, reason) from None
    cv2.setNumThreads(1)
    return cv2


def film_seconds(path: Path) -> float:
    """How long a film lasts, as OpenCV reads or estimates it, 0 if unknown; raises ImageError like `decode_film`."""
    return _Film(path, 1).seconds


def decode_film(
    path: Path, *, min_side: int, limits: Limits, moment: float | None = None, is_poster: bool = False
) -> DecodedPhoto:
    """Decodes the frames by which a film is found: the first that shows something is its poster, the others are `parts`.

    With `is_poster` only the poster, with `moment` only the frame at these seconds. The short side of a frame is reduced to
    `min_side` pixels.

    Raises:
        ImageError: `not_read` without the extra `video`, `unsupported`, `damaged`, `truncated` or `too_large`.
    """
    film = _Film(path, min_side)
    check_size((film.width, film.height), path, limits)
    if moment is not None:
        frames = [*film.frames_at([moment])]
    elif is_poster:
        frames = film.poster()
    else:
        frames = choose_frames(_looks(film), film.seconds)
    if not frames:
        raise _unreadable(path, film.coding)
    (poster, seconds), *parts = ((frame.picture(), frame.seconds) for frame in frames)
    return DecodedPhoto(poster, film.width, film.height, seconds, tuple(parts))


def _looks(film: _Film) -> list[FilmFrame]:
    """Frames in order of time: key frames of a film that can be read through, and others where those leave gaps."""
    megapixel_seconds = film.seconds * film.width * film.height / 1e6
    is_read_through = megapixel_seconds <= _READ_THROUGH and film.bytes <= _READ_THROUGH_BYTES
    looks = list(film.key_frames()) if is_read_through else film.poster()
    step = _step(film.seconds)
    grid = [place * step for place in range(math.ceil(film.seconds / step))]
    gaps = [at for at in grid if all(abs(look.seconds - at) > step / 2 for look in looks)]
    # In this order, a slow machine that runs out of time has looked all over the film.
    gaps.sort(key=lambda at: f"{grid.index(at):06b}"[::-1])
    return sorted([*looks, *film.frames_at(gaps)], key=lambda look: look.seconds)


def _step(seconds: float) -> float:
    return max(_MOST_GAP, seconds / MOST_FRAMES)


def choose_frames(looks: Sequence[FilmFrame], seconds: float) -> list[FilmFrame]:
    """Of frames in order of time: the first, each new scene, and one every ten seconds, or in each fortieth of a longer film.

    Blank frames and those that look like a chosen one are left out, unless all are blank.
    """
    chosen: list[FilmFrame] = []
    following = [*(look.seconds for look in looks[1:]), seconds]
    for look, after in zip(looks, following, strict=False):  # without looks nothing follows
        if look.is_blank:
            continue
        if chosen:
            is_due = after - chosen[-1].seconds > _step(seconds)
            if not is_due and look.difference(chosen[-1]) < _OTHER_SCENE:
                continue
            if min(map(look.difference, chosen)) < _SAME_SCENE:
                continue
        chosen.append(look)
    most = min(len(chosen), MOST_FRAMES)
    return [chosen[place * len(chosen) // most] for place in range(most)] or [*looks[:1]]


class _Film:
    """A film file that OpenCV opens: upright size in square pixels, bytes, and `seconds`, 0 if unknown."""

    def __init__(self, path: Path, min_side: int) -> None:
        """Frames are reduced to a short side of `min_side`; raises ImageError like `decode_film`."""
        self._cv2 = film_reader(path)
        self._path = path
        self._min_side = min_side
        self.bytes = read_file(path, lambda _file, size: size)
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
        """Key frames at least two seconds apart; in a long film fewer."""
        gap, last = max(_LEAST_GAP, self.seconds / _LOOKS), -math.inf
        looks, until = 0, time.monotonic() + _MOST_SECONDS
        with self._opened(keys_only=True) as film:
            while looks < 2 * _LOOKS and time.monotonic() < until and film.grab():
                seconds = self._position(film)
                if seconds - last >= gap and (frame := self._frame(film, seconds)):
                    last, looks = seconds, looks + 1
                    yield frame

    def frames_at(self, moments: Sequence[float]) -> Iterator[FilmFrame]:
        """The frames at these seconds."""
        if not moments:
            return
        until = time.monotonic() + _MOST_SECONDS
        with self._opened(keys_only=False) as film:
            for moment in moments:
                film.set(self._cv2.CAP_PROP_POS_MSEC, 1000 * moment)
                if film.grab() and (frame := self._frame(film, self._position(film))):
                    yield frame
                if time.monotonic() > until:
                    return

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
            film = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
            stack.callback(film.release)
            if not film.isOpened():
                raise _unreadable(self._path)
            try:
                yield film
            except cv2.error as fault:
                raise _unreadable(self._path) from fault


def _unreadable(path: Path, coding: bytes = b"") -> ImageError:
    """Why OpenCV reads no frame of a film."""
    if coding == _UNKNOWN_CODING:
        reason = "cannot be shown: its coding, AV1, is not known to OpenCV's FFmpeg; save it in another, such as H.264"
        return problem("unsupported", path, reason)
    if read_file(path, lacks_index):
        reason = "cannot be shown: it has no index, so its recording or its copy was cut off; copy it again from where it came"
        return problem("truncated", path, reason)
    return problem("damaged", path, "cannot be shown: no frame of it can be read; open it in another program")
