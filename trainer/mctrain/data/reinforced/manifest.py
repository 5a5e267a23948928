"""The manifest of a reinforced set: what it was made with, and what is in each of its shards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from mctrain.errors import DataError
from mctrain.places import read, write

if TYPE_CHECKING:
    from mctrain.places import Place

MANIFEST = "manifest.json"
_FORMAT = 1  # of the file
_KIND = "reinforced samples"
_Record = TypeVar("_Record")


class Storage(StrEnum):
    """How a sample's arrays are stored: the public sets use the first and the last."""

    NPZ = "npz-fp32"
    PTH_FP32 = "pth-fp32"
    PTH_BF16 = "pth-bf16"

    @property
    def suffix(self) -> str:
        """Of the member's name."""
        return "npz" if self is Storage.NPZ else "pth.gz"


@dataclass(frozen=True, slots=True)
class TeacherRecord:
    """One teacher: the width of its embeddings, the scale of its logits (1 / its temperature), the SHA-256 of its weights."""

    name: str
    width: int
    scale: float
    digest: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What the pixels of a sample's view were, at 224 pixels, where it was drawn: the view's number and a SHA-256."""

    view: int
    digest: str


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """One written shard; `faults` counts by reason what its source held and it does not.

    `replays` remember the pixels of a view of every hundredth sample, by its key.
    """

    name: str
    samples: int
    sha256: str
    faults: Mapping[str, int]
    replays: Mapping[str, Replay]


@dataclass(frozen=True, slots=True)
class ReinforcedManifest:
    """`teachers` stand in the order of their embeddings; `refused` are keys of evaluation photos in the source.

    `configuration` is the job's, as JSON; `versions` are those of what computed: torch, this package, and what pixels
    depend on (`mctrain.data.replay.versions`).
    """

    configuration: Mapping[str, Any]
    teachers: tuple[TeacherRecord, ...]
    shards: tuple[ShardRecord, ...]
    refused: tuple[str, ...]
    versions: Mapping[str, str]

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the teachers, as a reader wants them."""
        return tuple(teacher.width for teacher in self.teachers)

    @property
    def samples(self) -> int:
        """In all shards."""
        return sum(shard.samples for shard in self.shards)


def save_manifest(path: Place, manifest: ReinforcedManifest) -> None:
    """Replaces the file; equal manifests give equal bytes."""
    content = {"format": _FORMAT, "kind": _KIND, **asdict(manifest)}
    write(path, (json.dumps(content, indent=1) + "\n").encode())


def load_manifest(path: Place) -> ReinforcedManifest:
    """What `save_manifest` wrote.

    Raises:
        DataError: it is missing, damaged, of something else or of another format.
    """
    try:
        if not path.is_file():
            raise DataError(f"There is no manifest {path}; choose the folder of a reinforced set.")
        content = json.loads(read(path))
    except (ValueError, RecursionError) as fault:
        raise DataError(f"The manifest {path} cannot be read: {fault}.") from fault
    if not isinstance(content, dict) or content.pop("kind", None) != _KIND:
        raise DataError(f"{path} is not one of reinforced samples; choose the folder of a reinforced set.")
    found = content.pop("format", None)
    if found != _FORMAT:
        raise DataError(
            f"The manifest {path} has the format {found}, and this program knows only {_FORMAT}; use the program that wrote it."
        )
    try:
        return parse_record(ReinforcedManifest, content, "it")
    except TypeError as fault:
        raise DataError(f"The manifest {path} is damaged: {fault}.") from fault


def write_record(place: Place, record: Any) -> None:
    """Replaces a file that holds one record, a dataclass, as JSON.

    Raises:
        OSError: the disk is full or refuses it.
        TrainerError: the store refuses it.
    """
    write(place, json.dumps(asdict(record), indent=1).encode())


def read_record(place: Place, kind: type[_Record]) -> _Record | None:
    """The record of a file; None where it is missing, damaged, or of another kind."""
    try:
        return parse_record(kind, json.loads(read(place)), "it")
    except (DataError, ValueError, TypeError):
        return None


def parse_record(kind: type[_Record], content: object, where: str) -> _Record:
    """A record from JSON: no key more, none of another type, and one fewer only where the field has a default.

    Keys of samples may hold halves of surrogate pairs, which pydantic does not read.

    Raises:
        TypeError: they are others; `where` is what the sentence calls the record.
    """
    if not isinstance(content, dict):
        raise TypeError(f"{where} is no object")
    hints = get_type_hints(kind)
    absent = {each.name for each in fields(kind) if each.default_factory is not MISSING} - content.keys()  # type: ignore[arg-type]
    if strange := sorted(hints.keys() ^ content.keys() ^ absent):
        raise TypeError(f"{where} has an unknown key or lacks one: {strange[0]}")
    return kind(**{name: _value(hints[name], value, f"{where}, {name}") for name, value in content.items()})


def _value(kind: Any, value: object, where: str) -> object:
    if get_origin(kind) is tuple and isinstance(value, list):
        each = get_args(kind)[0]
        return tuple(_value(each, item, f"{where} {place}") for place, item in enumerate(value, start=1))
    if is_dataclass(kind):
        return parse_record(kind, value, where)  # type: ignore[arg-type]
    if get_origin(kind) is Mapping and isinstance(value, dict):
        each = get_args(kind)[1]
        return {key: _value(each, item, f"{where}, {key}") for key, item in value.items()}
    if kind is Any or type(value) is kind or (kind is float and type(value) is int):
        return value
    raise TypeError(f"{where} has a value of the wrong type: {value!r}")
