"""The messages between the indexer and its worker processes: two steps per file, small and without numpy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.errors import PicsightError, ProblemCode
    from picsight_engine.metadata import Metadata


@dataclass(frozen=True, slots=True)
class Job:
    """To a worker: read this file and the named companions beside it, identify it, and wait for the order."""

    path: Path
    companions: tuple[str, ...] = ()


class WorkerOrder(Enum):
    """To a worker that has identified its file: what to do with it."""

    SKIP = "skip"  # the picture is already known
    DESCRIBE = "describe"  # only the thumbnail is missing
    EMBED = "embed"
    PREPARE = "prepare"  # like EMBED, but the encoder process makes the vector from the pixels


@dataclass(frozen=True, slots=True)
class Ready:
    """From a worker: its model is loaded."""


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """From a worker: it cannot start or go on, and no photo is the cause."""

    error: PicsightError


@dataclass(frozen=True, slots=True)
class Identified:
    """From a worker: the file's identity, the number of pixels in its header (0 if unknown), the rule since which its
    picture is decoded as now, and the metadata of the file and its companions.
    """

    bytes_hash: bytes
    fingerprint: bytes
    pixels: int
    picture_rule: int
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Described:
    """From a worker: the picture as it will be stored.

    Width and height are those of the upright full picture, `thumbnail` is a JPEG. `vectors` are those of the whole and of
    its parts, float16 little-endian (none unless they were ordered), `moments` theirs in a film. `frames` are the moments
    and JPEGs of a film's parts. `pixels` are the image tower's inputs, float32 little-endian [3, size, size], used by the
    encoder process only.
    """

    width: int
    height: int
    phash: int | None
    thumbnail: bytes
    vectors: tuple[bytes, ...] = ()
    moments: tuple[float | None, ...] = ()
    frames: tuple[tuple[float, bytes], ...] = ()
    pixels: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """From a worker: the file cannot be indexed; `detail` is a traceback for the log if Picsight may be the cause."""

    code: ProblemCode
    message: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """From the worker pool: the worker that held the file died or hung, and was replaced."""

    code: ProblemCode


News = Identified | Described | Failed | WorkerLost
