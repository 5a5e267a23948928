"""Batches of samples, and the processes that load them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader

from mctrain.data.workers import follow_parent
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.context import BaseContext

    import PIL.Image
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.utils.data import Dataset


_PRELOADED = "mctrain.data.reading.reader"
_PICKY = hasattr(signal, "sigwaitinfo")  # missing on macOS and Windows


@dataclass(frozen=True, slots=True)
class Skipped:
    """A sample that was replaced, and why."""

    key: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """The samples of one step on one rank, with the embeddings of the chosen view, caption and synthetic text.

    m is n, or 0 if there is no second text. D is 0 for plain data.
    """

    keys: tuple[str, ...]
    pixels: Tensor  # [n, 3, size, size], uint8
    captions: tuple[str, ...]
    synthetic: tuple[str, ...]
    image_embeddings: Tensor  # [n, D]
    caption_embeddings: Tensor  # [n, D]
    synthetic_embeddings: Tensor  # [m, D]
    skipped: tuple[Skipped, ...]


class EmbeddedText(NamedTuple):
    """A text with its embedding [D]."""

    text: str
    embedding: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DrawnSample:
    """One sample of a batch: a view with its embedding [D], a caption, and a second text if the recipe asks for one."""

    key: str
    picture: PIL.Image.Image
    embedding: NDArray[np.float32]
    caption: EmbeddedText
    synthetic: EmbeddedText | None


def normalised(pixels: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """The student's input [n, 3, size, size]: pixels from 0 to 1, minus the mean [3], divided by the standard deviation [3]."""
    return (pixels - mean[:, None, None]) / std[:, None, None]


def collate(samples: Sequence[DrawnSample], skipped: Sequence[Skipped]) -> TrainingBatch:
    """Joins samples into a batch; the pixels keep the decoder's memory layout, channels last."""
    pixels = np.stack([np.asarray(sample.picture) for sample in samples])  # [n, size, size, 3]
    second = [sample.synthetic for sample in samples if sample.synthetic is not None]
    width = len(samples[0].embedding)
    return TrainingBatch(
        keys=tuple(sample.key for sample in samples),
        pixels=torch.from_numpy(pixels).permute(0, 3, 1, 2),
        captions=tuple(sample.caption.text for sample in samples),
        synthetic=tuple(each.text for each in second),
        image_embeddings=_join([sample.embedding for sample in samples], width),
        caption_embeddings=_join([sample.caption.embedding for sample in samples], width),
        synthetic_embeddings=_join([each.embedding for each in second], width),
        skipped=tuple(skipped),
    )


def _join(rows: Sequence[NDArray[np.float32]], width: int) -> Tensor:
    return torch.from_numpy(np.array(rows, np.float32).reshape(len(rows), width))  # [n, D]


def load(
    steps: Dataset[TrainingBatch | str], sampler: range | None, workers: int, skipped: dict[str, str]
) -> Iterator[TrainingBatch]:
    """The batches of a dataset: those of the steps in `sampler`, or all of them for an iterable dataset.

    The reasons of skipped samples are added to `skipped`, by key.

    Raises:
        DataError: the dataset returned an error message instead of a batch, or a worker was killed.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores
        loader = DataLoader(
            steps,
            batch_size=None,  # an item is a batch
            sampler=sampler,
            num_workers=workers,
            multiprocessing_context=_context() if workers else None,
            worker_init_fn=_follow,
            generator=torch.Generator(),  # it draws a seed, which must not change the run's generator
        )
        with _unheard():
            batches = iter(loader)
    try:
        for batch in batches:
            if isinstance(batch, str):
                raise DataError(batch)
            skipped |= {each.key: each.reason for each in batch.skipped}
            yield batch
    except RuntimeError as fault:
        if "DataLoader worker" not in str(fault):
            raise
        raise DataError(
            "A process that reads photos was ended from outside, as happens when memory (or /dev/shm) is full; "
            "take fewer workers or a smaller batch."
        ) from fault


@contextmanager
def _unheard() -> Iterator[None]:
    """Blocks Ctrl-C and SIGTERM in processes started here, because a terminal or a service manager sends them to all.

    These processes end with their parent, which handles the signals itself, after the block.
    """
    resource_tracker.ensure_running()  # starting it later would unblock both signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM}) if _PICKY else set()
    try:
        yield
    finally:
        if _PICKY:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow(worker: int) -> None:  # noqa: ARG001 (torch's signature)
    """Ends a worker with its parent; by default it watches the fork server instead and outlives a killed parent."""
    follow_parent()
    if _PICKY:
        threading.Thread(target=_hear_parent, daemon=True).start()


def _hear_parent() -> None:
    """Ends the process on SIGTERM, but only from its parent."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent.pid:
        pass
    os._exit(0)


def _context() -> BaseContext:
    """Forks workers from a process that has imported torch and has no threads: fast, and safe with a GPU."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    return context
