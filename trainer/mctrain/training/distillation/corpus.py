"""The teacher's vectors and the student's tokens of all lessons: computed some thousands at a time, each part a file of the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.teachers.fit.arrays import load_arrays, save_arrays
from mctrain.tokens.tokenizer import load_tokenizer, text_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from mctrain.tokens.tokenizer import Shape
    from mctrain.training.distillation.lessons import Lesson
    from mctrain.training.precision import Precision
    from mctrain.weights.checkpoint import Checkpoint

LAYOUT = 1  # raise when tokens, templates or arithmetic change
_PART = 4096  # lessons a file
_TOKENS = 4096  # that pass the teacher together


@dataclass(frozen=True, slots=True)
class Corpus:
    """All lessons: `tokens` end to end, of which those of lesson i begin at `starts[i]`, and `vectors` [lessons, dim], halves."""

    tokens: NDArray[np.uint16]
    starts: NDArray[np.int64]
    vectors: NDArray[np.float16]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """In tokens [lessons]."""
        return np.diff(self.starts)

    def ids(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Token ids [n, tokens] of lessons of one length."""
        length = self.starts[rows[0] + 1] - self.starts[rows[0]]
        return self.tokens[self.starts[rows, None] + np.arange(length)].astype(np.int64)


class Words:
    """A text tower as a teacher: texts of one length go through it together, so that nothing is padded."""

    def __init__(self, checkpoint: Checkpoint, precision: Precision) -> None:
        self._tower = cast("nn.Module", checkpoint.clip.text).eval()
        self._shape = checkpoint.preset.text
        self._dim = checkpoint.preset.dim
        self._precision = precision

    @property
    def name(self) -> str:
        """Tells it and its arithmetic from others, by its weights: a bundle's papers may change, and it says the same."""
        digest = hashlib.sha256()
        for name, weight in sorted(self._tower.state_dict().items()):
            digest.update(name.encode() + weight.numpy().tobytes())
        numbers = "bf16" if self._precision.numbers == torch.bfloat16 else "fp32"
        return f"{digest.hexdigest()[:16]}-{numbers}"

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, dim]."""
        vectors = np.empty((len(texts), self._dim), np.float32)
        for rows, ids in in_lengths(texts, self._shape):
            for part in range(0, len(rows), count := max(1, _TOKENS // ids.shape[1])):
                with self._precision.towers():
                    found = self._tower(torch.from_numpy(ids[part : part + count]))
                vectors[rows[part : part + count]] = F.normalize(found.float(), dim=1).numpy()
        return vectors


def in_lengths(texts: Sequence[str], shape: Shape) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The rows [n] of texts that have equally many tokens, and these [n, tokens]."""
    ids = load_tokenizer(shape).encode(texts)
    lengths = (ids == text_spec(shape).eot).argmax(1) + 1
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        yield rows, ids[rows, :length]


def build_corpus(
    lessons: Sequence[Lesson],
    teacher: Words,
    shape: Shape,
    cache: Path,
    progress: Callable[[int, str], None],
) -> Corpus:
    """Finds or computes every part."""
    parts, name = [], teacher.name
    for start in range(0, len(lessons), _PART):
        part = lessons[start : start + _PART]
        path = cache / f"taught-{LAYOUT}-{name}-{_digest(part)}.npz"
        if not path.exists():
            save_arrays(path, _teach(part, teacher, shape))
        parts.append(load_arrays(path))
        progress(len(part), "")
    lengths = np.concatenate([own["lengths"] for own in parts])
    return Corpus(
        np.concatenate([own["tokens"] for own in parts]),
        np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
        np.concatenate([own["vectors"] for own in parts]),
    )


def _teach(lessons: Sequence[Lesson], teacher: Words, shape: Shape) -> dict[str, NDArray[np.generic]]:
    said = list(dict.fromkeys(text for own in lessons for text in own.said))
    place = {text: row for row, text in enumerate(said)}
    heard = teacher(said)  # [said, dim]
    means = np.stack([heard[[place[text] for text in own.said]].mean(0) for own in lessons])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    tokens: list[NDArray[np.uint16]] = [np.empty(0, np.uint16)] * len(lessons)
    for rows, ids in in_lengths([own.text for own in lessons], shape):
        for row, line in zip(rows.tolist(), ids.astype(np.uint16), strict=True):
            tokens[row] = line
    lengths = np.array([len(line) for line in tokens], np.uint8)
    return {"tokens": np.concatenate(tokens), "lengths": lengths, "vectors": means.astype(np.float16)}


def _digest(lessons: Sequence[Lesson]) -> str:
    digest = hashlib.sha256()
    for own in lessons:
        digest.update("\n".join((own.text, *own.said, "")).encode())
    return digest.hexdigest()[:16]
