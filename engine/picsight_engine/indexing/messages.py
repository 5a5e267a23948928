"""What the indexer and its worker processes say to each other: two steps a file, small and without numpy."""

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
    """To a worker: read this file and those of these names beside it, say who it is, and wait for the order."""

    path: Path
    companions: tuple[str, ...] = ()


class WorkerOrder(Enum):
    """To a worker that has identified its file: what to do with it."""

    SKIP = "skip"  # the picture is known
    DESCRIBE = "describe"  # its thumbnail is wanted, its vector is there
    EMBED = "embed"
    PREPARE = "prepare"  # as EMBED, but its pixels go to the encoder process, which makes the vector


@dataclass(frozen=True, slots=True)
class Ready:
    """From a worker: its model is loaded."""


@dataclass(frozen=True, slots=True)
class Broken:
    """From a worker: it cannot start, for a reason that is not a photo's."""

    error: PicsightError


@dataclass(frozen=True, slots=True)
class Identified:
    """From a worker: who the file is, how many pixels its header claims (0 if that cannot be told), the rule since which its
    picture is decoded as it is now, and what it and the files beside it say of the picture.
    """

    bytes_hash: bytes
    fingerprint: bytes
    pixels: int
    picture_rule: int
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Described:
    """From a worker: the picture as it will be stored.

    Width and height are those of the upright full picture, `vector` is float16 little-endian (None unless it was
    ordered), `thumbnail` a JPEG. `pixels` are the image tower's input, float32 little-endian [3, size, size], for the
    encoder process alone.
    """

    width: int
    height: int
    phash: int
    thumbnail: bytes
    vector: bytes | None
    pixels: bytes | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """From a worker: the file cannot be indexed; `detail` is a traceback for the log where the fault may be ours."""

    code: ProblemCode
    message: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """From the crew: the worker that held the file died or hung, and was replaced."""

    code: ProblemCode


News = Identified | Described | Failed | Lost
