"""Reads the words in pictures with PP-OCRv6: one network finds lines, another reads them.

`assets/reader/README.md` says where the networks come from. Finding follows "Real-time Scene Text Detection with Differentiable
Binarization" (Liao et al., AAAI 2020), reading is greedy decoding of a CTC output. A small copy of the picture comes first: most
photos show no words, and cost no more than that.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import contourpy
import numpy as np
from PIL import Image

from picsight_engine.foundation.assets import find_asset
from picsight_engine.foundation.written_line import WrittenLine
from picsight_engine.runtime.onnx import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

GATE_SIDE, SIDE = 480, 1280  # pixels of the long side: to see whether anything is written, and where
_STEP = 32  # the detector's sides are multiples of this
_MEAN = np.array([0.485, 0.456, 0.406], np.float32) * 255
_STD = np.array([0.229, 0.224, 0.225], np.float32) * 255
_EDGE, _LEAST_SCORE, _SHORTEST = (
    0.3,
    0.5,
    3.0,
)  # of the detector's map: a line's edge, its mean, its height in pixels
_EQUAL = 1.01  # times the smallest area: an outline is too rough to tell such rectangles apart
_GROWTH = 1.6  # the detector's map shows lines shrunk; they grow by this share of area / perimeter
_UPRIGHT_RATIO = 1.5  # a rectangle that is taller than this times its width holds a line that runs up or down
_LONGEST_RATIO, _OVERLAP = 2.5, 0.1  # a longer picture is read in overlapping tiles
_LOWEST = 8  # pixels of the short side in which a line could stand
_HEIGHT = 48  # pixels of a line for the recogniser
_WIDTHS = (160, 320, 640, 1280, 2560)
_AT_ONCE = 8  # lines
_DOUBTFUL, _LEAST = 0.85, 0.6  # confidence: of a line that is read upside down, too, and of one that is kept
_FEWEST, _FEW = (
    2,
    3,
)  # letters: of a line that is kept, since patterns look like one; of one that may not be doubtful
_ALIKE = 0.97  # the cosine between directions of lines that run side by side
MOST_LINES, MOST_SECONDS = 300, 10.0


class _Box(NamedTuple):
    """A turned rectangle in pixels: its centre, its size, and the direction of its line in radians, clockwise."""

    x: float
    y: float
    width: float
    height: float
    angle: float


@dataclass(frozen=True, slots=True)
class _Line:
    """What was read in a box."""

    box: _Box
    text: str
    confidence: float


class WordReader:
    """Reads pictures with one thread; the recogniser is loaded with the first picture that shows words."""

    def __init__(self, folder: Path | None = None) -> None:
        """Loads the detector from `assets/reader`; raises BundleError if it is missing or damaged."""
        self._folder = folder or find_asset("reader")
        self._detector = Graph(self._folder / "detector.onnx")

    @cached_property
    def _recogniser(self) -> Graph:
        return Graph(self._folder / "recogniser.onnx")

    @cached_property
    def _letters(self) -> list[str]:
        letters = (self._folder / "letters.txt").read_text("utf-8").splitlines()
        return ["", *letters, " "]  # as the recogniser numbers them; the first stands for no letter

    def read(self, image: Image.Image) -> list[WrittenLine]:
        """The lines in an upright RGB picture, in reading order; what takes more than 10 s or 300 lines is left out.

        Raises:
            BundleError: the recogniser is missing, damaged or cannot be run.
        """
        end = time.monotonic() + MOST_SECONDS
        lines: list[_Line] = []
        for left, top, tile in _tiles(image):
            if time.monotonic() > end or len(lines) >= MOST_LINES:
                break
            if not self._find(tile, GATE_SIDE):
                continue
            boxes = [
                box._replace(x=box.x + left, y=box.y + top)
                for box in self._find(tile, SIDE)[: MOST_LINES - len(lines)]
            ]
            lines += _without_doubles(self._read(image, boxes, end), lines)
        kept = [line for line in lines if _is_text(line)]
        return [_placed(line, image.size) for line in in_reading_order(kept)]

    def _find(self, image: Image.Image, side: int) -> list[_Box]:
        """The lines of a picture that is reduced to this long side, in the picture's pixels, largest first."""
        scale = min(1.0, side / max(image.size))
        width, height = (max(_STEP, round(length * scale / _STEP) * _STEP) for length in image.size)
        small = np.asarray(
            image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0), np.float32
        )
        pixels = ((small[:, :, ::-1] - _MEAN) / _STD).transpose(2, 0, 1)  # it was trained on BGR
        shown = self._detector.run(pixels[np.newaxis])[0, 0]
        across, down = image.width / width, image.height / height
        boxes = [box for outline in _outlines(shown) if (box := _box(outline, shown)) is not None]
        return sorted(
            (_scaled(box, across, down) for box in boxes),
            key=lambda box: box.width * box.height,
            reverse=True,
        )

    def _read(self, image: Image.Image, boxes: Sequence[_Box], end: float) -> list[_Line]:
        """Reads the lines in these boxes, doubtful ones also upside down, until the time is over."""
        lines: list[_Line] = []
        by_width = sorted(boxes, key=lambda box: box.width / box.height)
        for start in range(0, len(by_width), _AT_ONCE):
            if time.monotonic() > end:
                break
            some = by_width[start : start + _AT_ONCE]
            crops = [_crop(image, box) for box in some]
            read = self._recognise(crops)
            doubtful = [row for row, (_, confidence) in enumerate(read) if confidence < _DOUBTFUL]
            turned = self._recognise([crops[row][::-1, ::-1] for row in doubtful])
            for row, other in zip(doubtful, turned, strict=True):
                if other[1] > read[row][1]:
                    read[row] = other
                    some[row] = some[row]._replace(angle=some[row].angle + np.pi)
            lines += [_Line(box, *found) for box, found in zip(some, read, strict=True)]
        return lines

    def _recognise(self, crops: Sequence[NDArray[np.uint8]]) -> list[tuple[str, float]]:
        """The text of each crop [48, w, 3] with its confidence."""
        if not crops:
            return []
        longest = max(crop.shape[1] for crop in crops)
        width = next(width for width in _WIDTHS if width >= longest)
        pixels = np.zeros((len(crops), _HEIGHT, width, 3), np.float32)
        for row, crop in enumerate(crops):
            pixels[row, :, : crop.shape[1]] = crop[:, :, ::-1] / np.float32(127.5) - 1
        return [self._decode(steps) for steps in self._recogniser.run(pixels.transpose(0, 3, 1, 2))]

    def _decode(self, steps: NDArray[np.float32]) -> tuple[str, float]:
        """The most likely letter of each step [t, letters], once for each run of equal ones; the confidence is their mean."""
        best = steps.argmax(axis=1)
        is_letter = (best != 0) & (np.diff(best, prepend=0) != 0)
        if not is_letter.any():
            return "", 0.0
        text = "".join(self._letters[letter] for letter in best[is_letter])
        return " ".join(text.split()), float(steps.max(axis=1)[is_letter].mean())


def _is_text(line: _Line) -> bool:
    """Whether a line has enough letters or digits to be no pattern of the picture."""
    letters = sum(map(str.isalnum, line.text))
    return letters >= _FEWEST and line.confidence >= (_DOUBTFUL if letters <= _FEW else _LEAST)


def _tiles(image: Image.Image) -> Iterator[tuple[int, int, Image.Image]]:
    """The picture, or the overlapping tiles of a long one, each after its left upper corner; none of one that is too low."""
    short, long = sorted(image.size)
    if short < _LOWEST:
        return
    if long <= _LONGEST_RATIO * short:
        yield 0, 0, image
        return
    is_wide, side = image.width > image.height, 2 * short
    number = -(-(long - side) // round(side * (1 - _OVERLAP))) + 1
    for start in np.linspace(0, long - side, number).round().astype(int).tolist():
        left, top = (start, 0) if is_wide else (0, start)
        size = (side, short) if is_wide else (short, side)
        yield left, top, image.crop((left, top, left + size[0], top + size[1]))


def _outlines(shown: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """The outer outlines [n, 2] of what lies above the edge, in pixels of the map whose centres are at whole numbers."""
    if shown.max() <= _EDGE:
        return []
    generator = contourpy.contour_generator(
        z=np.pad(shown, 1), fill_type=contourpy.FillType.OuterOffset, name="serial"
    )
    found: Any = generator.filled(_EDGE, np.inf)  # points and where each outline ends, the outer one first
    return [points[: ends[1]] - 1 for points, ends in zip(*found, strict=True)]


_ANGLES = np.radians(np.arange(-45, 45))


def _box(outline: NDArray[np.float64], shown: NDArray[np.float32]) -> _Box | None:
    """The smallest rectangle around an outline, grown to the size of its letters; None if it is small or pale."""
    angles = _ANGLES
    for _ in range(2):  # whole degrees, then tenths
        along = np.stack([np.cos(angles), np.sin(angles)])  # [2, angles]
        across = np.stack([-along[1], along[0]])
        first, second = outline @ along, outline @ across
        least, most = np.stack([first.min(0), second.min(0)]), np.stack([first.max(0), second.max(0)])
        areas = np.prod(most - least, axis=0)
        at = int(
            np.where(areas < _EQUAL * areas.min(), np.abs(angles), np.inf).argmin()
        )  # the one that is most level
        angle, low, high = float(angles[at]), least[:, at], most[:, at]
        axes = np.stack([along[:, at], across[:, at]])
        angles = angle + np.radians(np.linspace(-0.9, 0.9, 19))
    width, height = (high - low).tolist()
    if min(width, height) < _SHORTEST:
        return None
    centre = (low + high) / 2
    grid = np.linspace(0.05, 0.95, 24)[:, np.newaxis] * (high - low) + low
    spots = np.stack(np.meshgrid(grid[:, 0], grid[:, 1]), axis=-1).reshape(-1, 2) @ axes
    columns, rows = (spots.round().astype(int).clip(0, np.array(shown.shape[::-1]) - 1)).T
    if shown[rows, columns].mean() < _LEAST_SCORE:
        return None
    growth = width * height * _GROWTH / (width + height)
    x, y = (centre @ axes).tolist()
    if height > _UPRIGHT_RATIO * width:
        width, height, angle = height, width, angle + np.pi / 2
    return _Box(x + 0.5, y + 0.5, width + growth, height + growth, angle)


def _scaled(box: _Box, across: float, down: float) -> _Box:
    """A box of the map in the picture, whose scales differ a little since its sides are multiples of 32."""
    cos, sin = np.cos(box.angle), np.sin(box.angle)
    return _Box(
        box.x * across,
        box.y * down,
        box.width * float(np.hypot(cos * across, sin * down)),
        box.height * float(np.hypot(sin * across, cos * down)),
        float(np.arctan2(sin * down, cos * across)),
    )


def _crop(image: Image.Image, box: _Box) -> NDArray[np.uint8]:
    """The line turned level [48, w, 3]."""
    width = min(max(round(box.width * _HEIGHT / box.height), 1), _WIDTHS[-1])
    cos, sin = np.cos(box.angle), np.sin(box.angle)
    centre = np.array([box.x, box.y])
    half = (np.abs([box.width * cos, box.width * sin]) + np.abs([box.height * sin, box.height * cos])) / 2 + 2
    left, top = np.floor(np.maximum(centre - half, 0)).astype(int).tolist()
    right, bottom = np.ceil(np.minimum(centre + half, image.size)).astype(int).tolist()
    part = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    factor = max(
        1, int(box.height / _HEIGHT / 1.2)
    )  # `transform` looks at few pixels, so large letters are reduced first
    part = part.reduce(factor)
    x, y = (box.x - left) / factor, (box.y - top) / factor
    step_x, step_y = box.width / factor / width, box.height / factor / _HEIGHT
    turn = (
        cos * step_x, -sin * step_y, x - cos * step_x * width / 2 + sin * step_y * _HEIGHT / 2,
        sin * step_x, cos * step_y, y - sin * step_x * width / 2 - cos * step_y * _HEIGHT / 2,
    )  # fmt: skip
    level = part.transform((width, _HEIGHT), Image.Transform.AFFINE, turn, Image.Resampling.BICUBIC)
    return np.asarray(level)


def _without_doubles(lines: list[_Line], known: Sequence[_Line]) -> list[_Line]:
    """The lines of a tile that no earlier tile has read: whose centre lies in none of their boxes."""
    return [line for line in lines if not any(_holds(other.box, line.box) for other in known)]


def _holds(box: _Box, other: _Box) -> bool:
    cos, sin = np.cos(box.angle), np.sin(box.angle)
    x, y = other.x - box.x, other.y - box.y
    return bool(abs(x * cos + y * sin) < box.width / 2 and abs(y * cos - x * sin) < box.height / 2)


def in_reading_order(lines: Sequence[_Line]) -> list[_Line]:
    """The lines from top to bottom, those of one row from left to right, as seen when most of their length is level."""
    if not lines:
        return []
    angles = np.array([line.box.angle for line in lines])
    alike = np.cos(angles[:, np.newaxis] - angles) > _ALIKE
    angle = angles[(alike @ np.array([line.box.width for line in lines])).argmax()]
    cos, sin = np.cos(angle), np.sin(angle)
    left = {id(line): line.box.x * cos + line.box.y * sin - line.box.width / 2 for line in lines}
    middle = {id(line): line.box.y * cos - line.box.x * sin for line in lines}
    rows: list[list[_Line]] = []
    for line in sorted(lines, key=lambda line: middle[id(line)]):
        near = rows[-1][0] if rows else None
        if (
            near is not None
            and middle[id(line)] - middle[id(near)] < min(near.box.height, line.box.height) / 2
        ):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: left[id(line)])]


def _placed(line: _Line, size: tuple[int, int]) -> WrittenLine:
    box, (width, height) = line.box, size
    angle = 180 - (180 - np.degrees(box.angle)) % 360
    place = (box.x - box.width / 2) / width, (box.y - box.height / 2) / height
    measures = (*place, box.width / width, box.height / height, angle)
    return WrittenLine(line.text, round(line.confidence, 3), *(round(float(each), 4) for each in measures))
