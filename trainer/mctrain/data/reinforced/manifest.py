"""The manifest of a reinforced set: how it was made, and the content of each shard."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from mctrain.errors import DataError
from mctrain.paths import read, write
from picsight_engine.bundles.json_records import read_record

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from mctrain.paths import AnyPath

MANIFEST = "manifest.json"
_FORMAT = 1  # version of the file
_KIND = "reinforced samples"
_Record = TypeVar("_Record", bound="DataclassInstance")


class Storage(StrEnum):
    """How a sample's arrays are stored; the public sets use the first and the last."""

    NPZ = "npz-fp32"
    PTH_FP32 = "pth-fp32"
    PTH_BF16 = "pth-bf16"

    @property
    def suffix(self) -> str:
        """The suffix of the member."""
        return "npz" if self is Storage.NPZ else "pth.gz"


@dataclass(frozen=True, slots=True)
class TeacherRecord:
    """One teacher: the width of its embeddings, its logit scale (1 / temperature) and the SHA-256 of its weights."""

    name: str
    width: int
    scale: float
    digest: str


@dataclass(frozen=True, slots=True)
class Replay:
    """The number of a view, and the SHA-256 of its pixels at size 224 when it was drawn."""

    view: int
    digest: str


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """One written shard; `faults` counts the samples of its source that were left out, by reason.

    `replays` has a view of every hundredth sample, by the sample's key.
    """

    name: str
    samples: int
    sha256: str
    faults: dict[str, int]
    replays: dict[str, Replay]


@dataclass(frozen=True, slots=True)
class ReinforcedManifest:
    """`teachers` are in the order of their embeddings; `refused` are keys of evaluation photos in the source.

    `configuration` is that of the job, as JSON; `versions` are those of torch, of this package, and of the libraries that
    determine pixels (`mctrain.data.replay.versions`).
    """

    configuration: dict[str, Any]
    teachers: tuple[TeacherRecord, ...]
    shards: tuple[ShardRecord, ...]
    refused: tuple[str, ...]
    versions: dict[str, str]

    @property
    def widths(self) -> tuple[int, ...]:
        """The embedding widths of the teachers, in order."""
        return tuple(teacher.width for teacher in self.teachers)

    @property
    def samples(self) -> int:
        """The number of samples in all shards."""
        return sum(shard.samples for shard in self.shards)


def save_manifest(path: AnyPath, manifest: ReinforcedManifest) -> None:
    """Replaces the file; equal manifests give equal bytes."""
    content = {"format": _FORMAT, "kind": _KIND, **asdict(manifest)}
    write(path, (json.dumps(content, indent=1) + "\n").encode())


def load_manifest(path: AnyPath) -> ReinforcedManifest:
    """Reads a manifest that `save_manifest` wrote.

    Raises:
        DataError: the file is missing or damaged, or of another kind or format.
    """
    try:
        if not path.is_file():
            raise DataError(f"There is no manifest {path}; choose the folder of a reinforced set.")
        content = json.loads(read(path))
    except (ValueError, RecursionError) as fault:
        raise DataError(f"The manifest {path} cannot be read: {fault}.") from fault
    if not isinstance(content, dict) or content.pop("kind", None) != _KIND:
        raise DataError(f"{path} is not the manifest of a reinforced set; choose the folder of one.")
    found = content.pop("format", None)
    if found != _FORMAT:
        raise DataError(
            f"The manifest {path} has the format {found}, and this program knows only {_FORMAT}; use the program that wrote it."
        )
    try:
        return read_record(ReinforcedManifest, content)
    except KeyError as fault:
        raise DataError(f"The manifest {path} is damaged: it lacks {fault}.") from fault
    except ValueError as fault:
        raise DataError(f"The manifest {path} is damaged: {fault}.") from fault


def write_record(path: AnyPath, record: DataclassInstance) -> None:
    """Writes one record, a dataclass, as JSON, replacing the file.

    Raises:
        OSError: the disk is full or not writable.
        TrainerError: the store refuses the write.
    """
    write(path, json.dumps(asdict(record), indent=1).encode())


def load_record(path: AnyPath, kind: type[_Record]) -> _Record | None:
    """The record in a file; None if the file is missing, damaged, or of another kind."""
    try:
        return read_record(kind, json.loads(read(path)))
    except (DataError, KeyError, ValueError):
        return None
