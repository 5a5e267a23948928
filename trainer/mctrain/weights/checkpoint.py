"""Checkpoints of the MobileCLIP family: a preset's name, whose form it has, and all weights by our names."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mctrain.errors import WeightsError
from mctrain.models.presets import find_preset
from mctrain.training.checkpoint import CHECKPOINT
from mctrain.weights.convert import empty_model, layout_of
from mctrain.weights.files import read_saved, write_saved
from picsight_engine.errors import RequestError
from picsight_engine.models.place import demand_writable

if TYPE_CHECKING:
    from pathlib import Path

    from mctrain.models.mobileclip import MobileClip
    from mctrain.models.presets import Preset, Publisher

_KIND = "mobileclip"


@dataclass(frozen=True, slots=True)
class Source:
    """The file that weights were read from: its name, without its place, and the SHA-256 of its bytes."""

    name: str
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Source:
        """Hashes a file."""
        with path.open("rb") as file:
            return cls(path.name, hashlib.file_digest(file, "sha256").hexdigest())


@dataclass(frozen=True, slots=True)
class FamilyCheckpoint:
    """A model of the family; `preset` has the form in which `publisher` runs it, `folded` says that branches are."""

    preset: Preset
    publisher: Publisher
    folded: bool
    source: Source
    model: MobileClip


def demand_checkpoint(path: Path) -> Path:
    """Asked before the work: the file into which a checkpoint shall be written; a folder gets one of the usual name.

    Raises:
        WeightsError: the file exists and is something else: published weights, or a run of days.
        StorageError: nothing can be written there.
    """
    path = path / CHECKPOINT if path.is_dir() else path
    demand_writable(path.parent)
    if path.exists() and _content(path) is None:
        raise WeightsError(f"{path} exists and is no checkpoint of imported weights; choose another name.")
    return path


def save_family(path: Path, checkpoint: FamilyCheckpoint) -> Path:
    """Writes a checkpoint whole or not at all, and returns its file; a folder gets one of the usual name.

    Raises:
        WeightsError: the file exists and is something else: published weights, or a run of days; or the disk refuses it.
        StorageError: nothing can be written there.
    """
    path = demand_checkpoint(path)
    content = {
        "kind": _KIND,
        "preset": checkpoint.preset.name,
        "publisher": checkpoint.publisher,
        "folded": checkpoint.folded,
        "source": asdict(checkpoint.source),
        "weights": dict(checkpoint.model.state_dict()),
    }
    write_saved(path, content)
    return path


def load_family(path: Path) -> FamilyCheckpoint | None:
    """A checkpoint of the family from its file or its folder; None where there is none, or one of another kind.

    Raises:
        WeightsError: it says that it is one, and is not.
    """
    path = path / CHECKPOINT if path.is_dir() else path
    content = _content(path)
    if content is None:
        return None
    try:
        return _model_of(content)
    except (KeyError, TypeError, StopIteration, RuntimeError, AttributeError, RequestError) as fault:
        raise WeightsError(f"The checkpoint {path} is damaged; import the weights again.") from fault


def _content(path: Path) -> dict[str, Any] | None:
    """What a file holds that says that it is a checkpoint of the family."""
    try:
        content = read_saved(path, mmap=True)
    except WeightsError:
        return None
    return content if isinstance(content, dict) and content.get("kind") == _KIND else None


def _model_of(content: dict[str, Any]) -> FamilyCheckpoint:
    layout = layout_of(content["publisher"], find_preset(content["preset"]))
    preset = find_preset(content["preset"]).as_run_by(layout.publisher)
    model = empty_model(preset, layout, folded=content["folded"])
    model.load_state_dict(content["weights"], assign=True)
    model.limit_scale()  # older files hold what was published
    return FamilyCheckpoint(preset, layout.publisher, content["folded"], Source(**content["source"]), model)
