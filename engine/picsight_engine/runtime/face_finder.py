"""Finds faces with YuNet, cuts them out upright, and describes each with dlib's network, which tells people apart.

`assets/faces/README.md` says where the networks come from. Decoding is that of "YuNet: A Tiny Millisecond-level Face Detector" (Wu et
al., MIR 2023). The points of a face are its eyes, nose and corners of the mouth, each pair from left to right in the picture.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from picsight_engine.foundation.assets import find_asset
from picsight_engine.foundation.face import Box, FoundFace
from picsight_engine.runtime.onnx import Graph

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

SIDE, CROWD_SIDE = 640, 960  # pixels of the long side: to find faces, and to find them where there are many
_CROWD = 6  # faces from which a picture is looked at again
MOST_FACES = 200  # of one picture
LEAST_SCORE = 0.8
_CHIP_SIDE = 150  # pixels of a face that is cut out
_STRIDES = (8, 16, 32)  # pixels of the picture for one cell of the detector's three maps
_OVERLAP = 0.3  # the share of the union of two boxes from which they show one face
_TEMPLATE = np.array([47.2 + 45.5j, 101.5 + 45.5j, 73.7 + 79j, 50.8 + 101.4j, 98.4 + 101.1j])  # x + iy


class FaceFinder:
    """Finds faces with one thread; the network that describes them is loaded with the first face."""

    def __init__(self, folder: Path | None = None) -> None:
        """Loads the detector from `assets/faces`; raises BundleError if it is missing or damaged."""
        self._folder = folder or find_asset("faces")
        self._detector = Graph(self._folder / "detector.onnx")

    @cached_property
    def _embedder(self) -> Graph:
        return Graph(self._folder / "embedder.onnx")

    def find(self, image: Image.Image, reduced: float = 1.0) -> list[FoundFace]:
        """The faces in an upright RGB picture that was `reduced` by this factor, surest first, at most 200.

        Raises:
            BundleError: the network that describes faces is missing, damaged or cannot be run.
        """
        found = self._detect(image, SIDE)
        if len(found) >= _CROWD and max(image.size) > SIDE:
            found = self._detect(image, CROWD_SIDE)
        return [self._described(image, row, reduced) for row in found[:MOST_FACES]]

    def _detect(self, image: Image.Image, side: int) -> Numbers:
        """The faces [n, 15] in pixels of the picture: left, top, width, height, five points and the score."""
        scale = min(1.0, side / max(image.size))
        width, height = (max(1, round(length * scale)) for length in image.size)
        small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        step = _STRIDES[-1]
        rows, columns = -(-height // step) * step, -(-width // step) * step
        pixels = np.zeros((rows, columns, 3), np.float32)
        pixels[:height, :width] = np.asarray(small)[:, :, ::-1]  # it was trained on BGR from 0 to 255
        cells = np.concatenate([_cells(rows // stride, columns // stride, stride) for stride in _STRIDES])
        maps = self._detector.run(pixels.transpose(2, 0, 1)[np.newaxis])[0]
        scores = np.sqrt(maps[:, 0].clip(0, 1) * maps[:, 1].clip(0, 1))
        sure = scores >= LEAST_SCORE
        (corners, strides), maps = np.split(cells[sure], [2], axis=1), maps[sure]
        sizes = np.exp(maps[:, 4:6])
        starts = corners + maps[:, 2:4] - sizes / 2
        points = np.tile(corners, 5) + maps[:, 6:]
        shape = np.tile([image.width / width, image.height / height], 7)
        faces = np.hstack([np.hstack([starts, sizes, points]) * strides * shape, scores[sure, np.newaxis]])
        return faces[_distinct(faces)].astype(np.float32)

    def _described(self, image: Image.Image, face: Numbers, reduced: float) -> FoundFace:
        (left, top, width, height), score = face[:4].tolist(), float(face[14])
        chip, misfit = cut_out(image, face[4:14:2].astype(np.float64) + 1j * face[5:14:2])
        vector = self._embedder.run(chip[np.newaxis])[0].astype("<f2").tobytes()
        start = max(left, 0.0) / image.width, max(top, 0.0) / image.height
        end = min((left + width) / image.width, 1.0), min((top + height) / image.height, 1.0)
        box = Box(*start, end[0] - start[0], end[1] - start[1])
        return FoundFace(box, score, min(width, height) * reduced, misfit, vector)


def _cells(rows: int, columns: int, stride: int) -> Numbers:
    """The cells [n, 3] of a map, row by row: column, row and stride."""
    down, across = np.mgrid[:rows, :columns].reshape(2, -1)
    return np.stack([across, down, np.full(len(down), stride)], axis=1).astype(np.float32)


def _distinct(faces: NDArray[np.floating]) -> list[int]:
    """The rows of the faces that no surer one overlaps, surest first."""
    kept: list[int] = []
    starts, ends = faces[:, :2], faces[:, :2] + faces[:, 2:4]
    areas = faces[:, 2:4].prod(axis=1)
    for row in np.argsort(-faces[:, 14], kind="stable").tolist():
        common = (
            (np.minimum(ends[kept], ends[row]) - np.maximum(starts[kept], starts[row])).clip(0).prod(axis=1)
        )
        if not (common > _OVERLAP * (areas[kept] + areas[row] - common)).any():
            kept.append(row)
    return kept


def cut_out(image: Image.Image, points: NDArray[np.complex128]) -> tuple[NDArray[np.uint8], float]:
    """The face upright [3, 150, 150] in RGB, and how far its points lie from where a frontal face has them, in its pixels.

    `points` are the five, x + iy. The face is turned, scaled and moved so that the squares of these distances are least; the result is the
    root of their mean. What lies outside the picture is black.
    """
    centre, aim = points.mean(), _TEMPLATE.mean()
    turn = np.vdot(points - centre, _TEMPLATE - aim) / np.vdot(points - centre, points - centre).real
    misfit = np.abs(turn * (points - centre) + aim - _TEMPLATE)
    back = 1 / turn
    origin = centre - back * aim
    factor = max(1, int(abs(back)))  # a large face is reduced first, since the transform looks at four pixels
    corners = origin + back * np.array([0, _CHIP_SIDE, _CHIP_SIDE * 1j, _CHIP_SIDE * (1 + 1j)])
    left, right, top, bottom = (
        int(np.clip(edge(part) + margin, 0, length))
        for part, length in ((corners.real, image.width), (corners.imag, image.height))
        for edge, margin in ((np.min, -2 * factor), (np.max, 2 * factor))
    )
    near = image.reduce(factor, (left, top, max(right, left + 1), max(bottom, top + 1)))
    back, origin = back / factor, (origin - left - top * 1j) / factor
    turned = (back.real, -back.imag, origin.real, back.imag, back.real, origin.imag)
    size = _CHIP_SIDE, _CHIP_SIDE
    chip = near.transform(size, Image.Transform.AFFINE, turned, Image.Resampling.BILINEAR)
    return np.asarray(chip).transpose(2, 0, 1), float(np.sqrt((misfit**2).mean()))
