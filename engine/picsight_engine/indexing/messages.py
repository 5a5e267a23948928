"""The messages between the indexer and its worker processes: two steps per file, small and without numpy.

A worker that cannot start or go on sends its PicsightError, if no photo is the cause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from picsight_engine.foundation.errors import Message, ProblemCode
    from picsight_engine.foundation.metadata import Metadata


@dataclass(frozen=True, slots=True)
class Job:
    """To a worker: read this file and the named companions beside it, identify it, and wait for the order."""

    path: Path
    companions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """To a worker that has identified its file: the `kinds` to make, by name; none if the picture lacks nothing.

    With `pixels`, it also prepares the image tower's inputs, from which the encoder process makes the vectors.
    """

    kinds: frozenset[str] = frozenset()
    pixels: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """From a worker: its model is loaded."""


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
    """From a worker: width and height of the upright full picture, and one thing of each kind that was ordered, by its name.

    `things` is empty for a file that is only stored behind another. For the encoder process, `pixels` are the inputs of the
    image tower, float32 little-endian [3, size, size], and `moments` theirs in a film.
    """

    width: int
    height: int
    things: Mapping[str, Any] = field(default_factory=dict)
    pixels: tuple[bytes, ...] = ()
    moments: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """From a worker: the file cannot be indexed; `detail` is a traceback for the log if Picsight may be the cause."""

    code: ProblemCode
    message: Message
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """From the worker pool: the worker that held the file died or hung, and was replaced."""

    code: ProblemCode


WorkerReply = Identified | Described | Failed | WorkerLost
