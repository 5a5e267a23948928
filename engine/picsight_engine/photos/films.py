"""Films: their tags, and the frames by which they are found, decoded by OpenCV's FFmpeg.

OpenCV comes with the extra `video`. Most films are read through, decoding key frames and looking between those that are far
apart; large ones are looked at in places.
"""

from __future__ import annotations

import math
import os
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from picsight_engine.photos.decode import DecodedPhoto, check_size, xmp_facts
from picsight_engine.photos.film_tags import PACKET, film_facts, is_sound, lacks_index
from picsight_engine.photos.reading import problem, read_file
from picsight_engine.photos.tag_precedence import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.errors import ImageError
    from picsight_engine.photos.exif import Fact
    from picsight_engine.photos.reading import Limits

FILM_RULE = 2  # raise it when films give other frames or moments: they are read again
MOST_FRAMES = 40  # of a film
_MOST_GAP = 10.0  # seconds between frames, while `MOST_FRAMES` suffice
_LEAST_GAP = 2.0  # seconds between key frames that are looked at
_OPEN_GAP = 3.0  # seconds between key frames from which on there are looks between them
_MOST_KEY_GAP = 30.0  # seconds; further apart, there are key frames that were not looked at
_MOST_LOOKS = 200  # into a film
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
# Of other codings a key frame comes out when the next one is read, with the moment of that one.
_READ_BY_KEYS = frozenset([b"H264", b"AVC1", b"HEVC", b"HVC1", b"HEV1", b"VP80", b"VP90", b"VP09", b"MJPG"])
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
        ImageError: `not_read` without the extra `video`, `not_an_image`, `unsupported`, `damaged`, `truncated` or `too_large`.
    """
    film = _Film(path, min_side)
    check_size((film.width, film.height), path, limits)
    if moment is not None:
        frames = [*film.frames_at([[moment]])]
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
    gap = max(_OPEN_GAP, film.seconds / _MOST_LOOKS)
    ends = [0.0, *(look.seconds for look in looks), film.seconds]
    rows = list(chain.from_iterable(_between(start, end, gap) for start, end in pairwise(ends)))
    # In this order, a slow machine that runs out of time has looked all over the film.
    order = sorted(range(len(rows)), key=lambda place: f"{place:08b}"[::-1])
    found = film.frames_at([rows[place] for place in order], seconds=_MOST_SECONDS)
    return sorted([*looks, *found], key=lambda look: look.seconds)


def _between(start: float, end: float, gap: float) -> list[list[float]]:
    """Moments between two looks, at most `gap` seconds apart, in rows that are read in one go."""
    steps = max(1, math.ceil((end - start) / gap))
    moments = [start + (end - start) * step / steps for step in range(1, steps)]
    return [moments] if end - start <= _MOST_KEY_GAP else [[moment] for moment in moments]


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
    return _forty(chosen, seconds) if len(chosen) > MOST_FRAMES else chosen or [*looks[:1]]


def _forty(chosen: list[FilmFrame], seconds: float) -> list[FilmFrame]:
    """The frames that show most of a film of so many seconds. One goes that has the colours of another and whose neighbours
    are close: a camera that moves changes places more than colours.
    """
    colours = np.array([look.colours() for look in chosen])  # [n, 512]
    differences = np.array([np.abs(colours - each).sum(axis=1) for each in colours], np.float32)  # [n, n]
    np.fill_diagonal(differences, np.inf)
    times, kept = np.array([*(look.seconds for look in chosen), seconds]), [*range(len(chosen))]
    while len(kept) > MOST_FRAMES:
        spans = times[[*kept[2:], len(chosen)]] - times[kept[:-1]]
        losses = differences[np.ix_(kept, kept)].min(axis=1)[1:] * spans
        del kept[1 + int(losses.argmin())]
    return [chosen[place] for place in kept]


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
        """Key frames at least two seconds apart; in a long film fewer. Of some codings, any frames."""
        gap, last = max(_LEAST_GAP, self.seconds / _MOST_LOOKS), -math.inf
        looks, until = 0, time.monotonic() + _MOST_SECONDS
        with self._opened(keys_only=self.coding in _READ_BY_KEYS) as film:
            while looks < _MOST_LOOKS and time.monotonic() < until and film.grab():
                seconds = self._position(film)
                if not looks and seconds > gap:  # HEVC's decoder may drop the first one
                    yield from self.frames_at([[0.0]])
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
    if read_file(path, is_sound):
        return problem("not_an_image", path, "cannot be shown: it has sound and no picture")
    return problem("damaged", path, "cannot be shown: no frame of it can be read; open it in another program")
