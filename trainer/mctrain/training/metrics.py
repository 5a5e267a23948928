"""What a run tells of itself: a line of JSON every few steps, the same for TensorBoard, and a progress line."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tensorboardX import SummaryWriter

from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mctrain.training.losses import Loss
    from mctrain.training.recipe import TrainingRecipe

METRICS = "metrics.jsonl"
_VERSIONS = ("picsight", "torch", "torchvision", "timm", "numpy", "pillow")


@dataclass(slots=True)
class Facts:
    """What happened in the steps since the last line: sums of losses, and seconds waited for data."""

    steps: int = 0
    photos: int = 0
    waited: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    begun: float = field(default_factory=time.perf_counter)

    def add(self, photos: int, waited: float, values: Mapping[str, float]) -> None:
        """One more step."""
        self.steps += 1
        self.photos += photos
        self.waited += waited
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def line(self) -> dict[str, float]:
        """Means over the steps, photos a second, and the share of the time that went by waiting for data."""
        seconds = max(time.perf_counter() - self.begun, 1e-9)
        means = {name: value / self.steps for name, value in self.sums.items()}
        return means | {"photos_a_second": self.photos / seconds, "waiting": self.waited / seconds}


class Metrics:
    """The files of one run in its folder; what a killed run wrote after its last state is cut away when it goes on."""

    def __init__(self, folder: Path, recipe: TrainingRecipe, step: int, facts: Mapping[str, Any]) -> None:
        self._path = folder / METRICS
        _cut(self._path, step)
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step)
        self._file = self._path.open("a", encoding="utf-8")
        versions = {name: metadata.version(name) for name in _VERSIONS}
        start = {
            "step": step,
            "recipe": recipe.as_dict(),
            "commit": _commit(),
            "python": platform.python_version(),
            "versions": versions,
        }
        self._write({"start": start | dict(facts)})

    def tell(self, step: int, values: Mapping[str, float]) -> None:
        """Figures after so many steps."""
        self._write({"step": step, **{name: round(value, 6) for name, value in values.items()}})
        for name, value in values.items():
            self._board.add_scalar(name, value, step)
        self._board.flush()

    def close(self) -> None:
        """When the run ends, however it does."""
        self._file.close()
        self._board.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def values_of(loss: Loss, rate: float, scale: float, length: float) -> dict[str, float]:
    """The figures of one step."""
    return {
        "loss": loss.total.item(),
        "clip": loss.clip.item(),
        "distillation": loss.distillation.item(),
        "rate": rate,
        "scale": scale,
        "gradient": length,
    }


def sentence(step: int, steps: int, values: Mapping[str, float], batch: int) -> str:
    """The progress line's end: loss, photos a second, waiting, and the time that is left."""
    left = (steps - step) * batch / max(values["photos_a_second"], 1e-9)
    return (
        f"loss {values['loss']:.3f}, {values['photos_a_second']:.0f} photos/s, {values['waiting']:.0%} waiting for data, "
        f"{_duration(left)} left"
    )


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _cut(path: Path, step: int) -> None:
    """Keeps the lines up to a step."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            content = json.loads(line)
        except ValueError:
            break  # the line at which the run was killed
        if content.get("step", 0) <= step:
            kept.append(line)
    with write_whole(path) as file:
        file.write("".join(f"{line}\n" for line in kept).encode())


def _commit() -> str | None:
    """Of the sources that run, where they lie in a repository."""
    git = shutil.which("git")
    if git is None:
        return None
    asked = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 (a fixed command)
    return found.stdout.strip() or None
