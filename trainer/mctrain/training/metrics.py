"""The metrics of a run: a line of JSON every few steps, the same for TensorBoard, and the text beside its progress bar."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict
from importlib import metadata
from typing import IO, TYPE_CHECKING, Any

import torch
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import RecordWriter
from tensorboardX.summary import scalar

from mctrain.atomic_files import open_atomic
from mctrain.source_commit import commit_of_sources
from picsight_engine.bundles.writable_folder import storage_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mctrain.recipes.training import TrainingRecipe
    from mctrain.training.state import RunProgress

METRICS = "metrics.jsonl"
SCORE = "score"  # key in evaluation lines: the score for early stopping
_BOARD = "brain.Event:2"  # the version of TensorBoard's record format
_RESUMES = " The same command resumes from the last state."
_VERSIONS = ("picsight", "torch", "torchvision", "timm", "numpy", "pillow")


class Metrics:
    """The metrics files of a run; when a killed run resumes, lines after its last state are removed, or hidden in TensorBoard.

    TensorBoard's file is written synchronously: the usual writer loses errors in its thread.
    """

    def __init__(
        self, folder: Path, recipe: TrainingRecipe, at: RunProgress, machine: Mapping[str, Any]
    ) -> None:
        self._path, self._board = folder / METRICS, folder / "tensorboard"
        start = {
            "step": at.step,
            "recipe": asdict(recipe),
            "command": shlex.join(["mctrain", *sys.argv[1:]]),
            "machine": _machine(),
            "commit": commit_of_sources(),
            "python": platform.python_version(),
            "versions": {name: metadata.version(name) for name in _VERSIONS},
        }
        with ExitStack() as opened:
            with storage_errors(self._board, _RESUMES):
                self._board.mkdir(exist_ok=True)
                # unique by time and process: a resumed run must not write into its old file
                name = f"events.out.tfevents.{time.time():.0f}.{os.getpid()}"
                self._records = RecordWriter(str(self._board / name))
            opened.callback(_shut, self._records)
            with storage_errors(self._path, _RESUMES):
                _cut(self._path, at)
                self._file = self._path.open("a", encoding="utf-8")
            opened.callback(_shut, self._file)
            # hides records that a killed run wrote after this step
            resumed = Event(step=at.step + 1, session_log=SessionLog(status=SessionLog.START))
            self._record(Event(file_version=_BOARD), resumed)
            self._write({"start": start | dict(machine)})
            self._opened = opened.pop_all()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the metrics after `step` steps; raises StorageError if the disk is full or cannot be written."""
        self._write({"step": step, **{name: round(value, 6) for name, value in values.items()}})
        figures = [scalar(name.replace(": ", "/").replace(" ", "_"), value) for name, value in values.items()]
        self._record(*(Event(step=step, summary=each) for each in figures))

    def close(self) -> None:
        """Closes the files."""
        self._opened.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        with storage_errors(self._path, _RESUMES):
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def _record(self, *events: Event) -> None:
        with storage_errors(self._board, _RESUMES):
            for event in events:
                event.wall_time = time.time()
                self._records.write(event.SerializeToString())
            self._records.flush()


def progress(step: int, steps: int, values: Mapping[str, float], batch: int) -> str:
    """Loss, photos per second, waiting, and the remaining time without evaluations."""
    left = (steps - step) * batch / max(values["photos_a_second"], 1e-9)
    loss = f"loss {values['loss']:.3f}, " if "loss" in values else ""
    return (
        f"{loss}{values['photos_a_second']:.0f} photos/s, {values['waiting']:.0%} waiting for data, "
        f"{duration(left)} left"
    )


def duration(seconds: float) -> str:
    """Hours and minutes as text."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _shut(file: IO[str] | RecordWriter) -> None:
    with suppress(OSError):  # the write error was already raised
        file.close()


def _cut(path: Path, at: RunProgress) -> None:
    """Keeps the lines up to the state's step."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            content = json.loads(line)
            step = content.get("step", 0)
            measured_again = step == at.step and SCORE in content and step not in at.scores
            if step <= at.step and not measured_again:
                kept.append(line)
        except (ValueError, AttributeError, TypeError):
            break  # a line cut off by a kill, or not written by a run
    with open_atomic(path) as file:
        file.write("".join(f"{line}\n" for line in kept).encode())


def _machine() -> str:
    """The name of the GPU or the processor."""
    graphics = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{platform.machine()}, {os.cpu_count()} processors{graphics}"
