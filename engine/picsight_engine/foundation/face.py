"""Faces in pictures, and whether two boxes show the same one."""

from __future__ import annotations

from typing import Literal, NamedTuple

SAME_OVERLAP = 0.5  # from which two boxes of one picture are the same face
NAMED_OVERLAP = 0.2  # the same for the box of another program, which may hold the whole head
# Which network makes the vectors; they are compared by Euclidean distance, not normalised.
FACE_SPACE, FACE_DIM = "dlib-resnet-v1", 128

PutAway = Literal["no face", "nobody"]  # what looks like a face and is none; a face that nobody wants to name


class Box(NamedTuple):
    """A rectangle in the upright picture: `x` and `width` are shares of its width, `y` and `height` of its height."""

    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: Box) -> float:
        """The area that both share, as a share of the area that they cover together."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(across, 0.0) * max(down, 0.0)
        return shared / max(self.width * self.height + other.width * other.height - shared, 1e-12)


class FoundFace(NamedTuple):
    """A face as the networks see it.

    `score` is the detector's, from 0 to 1. `pixels` is the shorter side of its box in the picture as it was taken, `misfit` how
    far its points lie from those of a face that looks into the camera, in pixels of the aligned crop. `vector` is float16
    little-endian [128] in bytes. `name` is the one that another program wrote into the file; a face that only that program saw has no vector.
    """

    box: Box
    score: float
    pixels: float
    misfit: float
    vector: bytes
    name: str | None = None
