"""Checkpoints: a model's parameters, all its weights under our names, and their origin; written atomically.

One format for everything: imported weights, fitted teachers, trained towers. Checkpoints contain no photos or texts.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import torch

from mctrain.errors import RecipeError, TrainerError, WeightsError
from mctrain.models.clip import build_clip
from mctrain.models.presets import Preset, preset_as_dict, preset_from_dict
from mctrain.models.reparameterize import reparameterize
from mctrain.recipes.parser import parse
from mctrain.recipes.teaching import TeachingRecipe
from mctrain.weights.tensor_files import read_saved, write_saved
from picsight_engine.bundles.writable_folder import require_writable

if TYPE_CHECKING:
    from pathlib import Path

    from mctrain.models.clip import Clip
    from mctrain.models.presets import Publisher

Group = Literal["asked for", "ordinary searches", "public sets"]

CHECKPOINT = "checkpoint.pt"
FROZEN = "frozen.pt"  # beside the states of a run, the weights that it does not change
_KIND = "mctrain"
_FORMAT = 1
_STATE = re.compile(r"step-\d{8}\.pt")


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The file that weights were imported from: its name without the folder, its SHA-256, and the publisher's layout.

    `licence` is the one named in the file.
    """

    name: str
    sha256: str
    publisher: Publisher | Literal["picsight"]
    licence: str = "none"

    @classmethod
    def from_path(
        cls, path: Path, publisher: Publisher | Literal["picsight"], licence: str = "none"
    ) -> WeightsFile:
        """Hashes a file."""
        with path.open("rb") as file:
            return cls(path.name, hashlib.file_digest(file, "sha256").hexdigest(), publisher, licence)


@dataclass(frozen=True, slots=True)
class HeadFit:
    """The fit that made the heads: its recipe, the mean loss of each epoch, and the SHA-256 of its training files."""

    recipe: TeachingRecipe
    history: tuple[float, ...]
    data: dict[str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison on one set: number of photos, and the mean of its figures, in percent, before and after the run.

    `less_is_better`: the figures count errors. `group`: what the user taught the model, common searches on the user's
    photos, or public sets. `low` and `high` bound the difference (95 %, paired by photo). `earlier` are the points that
    the model it began with had lost against its own first ancestor.
    """

    name: str
    photos: int
    before: float
    after: float
    less_is_better: bool = False
    group: Group = "public sets"
    low: float | None = None
    high: float | None = None
    earlier: float = 0.0

    @property
    def title(self) -> str:
        """The set's name, with a note if lower is better."""
        return self.name + ", less is better" * self.less_is_better

    @property
    def lost(self) -> float:
        """Points lost against the start, or if that is more against the first ancestor; NaN if a figure is."""
        return self.lost_in_all - min(self.earlier, 0.0)

    @property
    def lost_in_all(self) -> float:
        """Points lost against the first ancestor, below 0 if the model improved.

        Common searches count a sixth: where they lost 12 points, public sets lost about two (measured in `LOG.md`).
        """
        if self.group == "ordinary searches":
            return self.earlier + (self.before - self.after) / 6
        return self.earlier + (self.after - self.before) * (1 if self.less_is_better else -1)


@dataclass(frozen=True, slots=True)
class Trained:
    """The training run that made the weights: its recipe, steps, start and data.

    `begun` is the SHA-256 of the checkpoint file that it began with, or empty; `data` has a digest of each shard; `score`
    is the mean of the recipe's figures over the choosing halves; `photos` is the number of training photos. If the recipe
    holds photos out, `compared` has the comparison on them, and is empty until it is made; the weights are then mixed with
    those of the start, of which `share` are new.
    """

    recipe: dict[str, Any]
    steps: int
    begun: str
    data: dict[str, str]
    score: float | None
    photos: int = 0
    compared: tuple[Compared, ...] = ()
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model, frozen and in evaluation mode; `folded` if its branches are folded, as in some published files."""

    preset: Preset
    clip: Clip
    origin: WeightsFile | HeadFit | Trained
    folded: bool = False


def checkpoint_file(path: Path) -> Path:
    """The file of a checkpoint; in a folder the one with the usual name, or the last state of an unfinished run."""
    file = _target(path)
    found = states(path) if file != path and not file.exists() else []
    return found[-1] if found else file


def states(folder: Path) -> list[Path]:
    """The files of a run's states, the latest last; each is a checkpoint that the run can resume from."""
    return sorted(filter(is_state, folder.glob("step-*.pt")))


def is_state(path: Path) -> bool:
    """Whether a file is the state of a run."""
    return bool(_STATE.fullmatch(path.name))


def demand_checkpoint(path: Path) -> Path:
    """Checks before the work that a checkpoint can be written, and returns its file; in a folder it has the usual name.

    Raises:
        WeightsError: the file exists and is something else, or the checkpoint of a run.
        StorageError: the place is not writable.
    """
    path = _target(path)
    require_writable(path.parent)
    if path.exists() and not _is_imported(path):
        raise WeightsError(f"{path} exists and is not a checkpoint of imported weights; choose another name.")
    return path


def overwrite_error(path: Path) -> TrainerError:
    """The error for a run that would overwrite another checkpoint, perhaps its own start."""
    return TrainerError(
        f"{path} is there already, from another run or one whose states are gone, and would be overwritten; choose another folder "
        "with -o, or remove it."
    )


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> Path:
    """Writes a checkpoint and returns its file; in a folder it has the usual name.

    Raises:
        WeightsError: the file cannot be written.
    """
    path = _target(path)
    write_saved(path, content_of(checkpoint))
    return path


def content_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """The content of a checkpoint's file."""
    origin = checkpoint.origin
    return {
        "kind": _KIND,
        "format": _FORMAT,
        "preset": preset_as_dict(checkpoint.preset),
        "folded": checkpoint.folded,
        "source": asdict(origin) if isinstance(origin, WeightsFile) else None,
        "run": asdict(origin) if isinstance(origin, HeadFit) else None,
        "trained": asdict(origin) if isinstance(origin, Trained) else None,
        "weights": dict(checkpoint.clip.state_dict()),
    }


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint from its file or its folder.

    Raises:
        WeightsError: there is none, or it is damaged or of another format.
    """
    path = checkpoint_file(path)
    if not path.is_file():
        raise WeightsError(
            f"There is no checkpoint {path}; `mctrain teach` and `mctrain train` write one when they are finished, the "
            "latter one with each state too, and `mctrain import` one of published weights."
        )
    content = read_saved(path, mmap=True)
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise WeightsError(
            f"{path} is not a checkpoint of mctrain; `mctrain import` makes one of published weights."
        )
    if content.get("format") != _FORMAT:
        raise WeightsError(f"The checkpoint {path} was written by another version of mctrain; use that one.")
    try:
        if is_state(path) and (frozen := path.with_name(FROZEN)).exists():
            content["weights"] |= cast("dict[str, torch.Tensor]", read_saved(frozen, mmap=True))
        return _checkpoint_of(content)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, RecipeError) as fault:
        raise WeightsError(f"The checkpoint {path} is damaged; make it again.") from fault


def _target(path: Path) -> Path:
    return path / CHECKPOINT if path.is_dir() else path


def _is_imported(path: Path) -> bool:
    try:
        content = read_saved(path, mmap=True)
    except WeightsError:
        return False
    return isinstance(content, dict) and content.get("kind") == _KIND and bool(content.get("source"))


def _checkpoint_of(content: dict[str, Any]) -> Checkpoint:
    preset = preset_from_dict(content["preset"])
    weights = content["weights"]
    with torch.device("meta"):
        clip = build_clip(preset, with_text="logit_scale" in weights).eval()
        clip = reparameterize(clip) if content["folded"] else clip
    clip.load_state_dict(weights, assign=True)
    clip.clamp_scale()
    clip.requires_grad_(requires_grad=False)
    return Checkpoint(preset, clip, _origin_of(content), content["folded"])


def _origin_of(content: dict[str, Any]) -> WeightsFile | HeadFit | Trained:
    if content["source"] is not None:
        return WeightsFile(**content["source"])
    if content["trained"] is not None:
        compared = tuple(Compared(**each) for each in content["trained"]["compared"])
        return Trained(**{**content["trained"], "compared": compared})
    run = content["run"]
    return HeadFit(
        parse(TeachingRecipe, run["recipe"], "its recipe"), tuple(run["history"]), dict(run["data"])
    )
