"""Caches a trunk's vectors of texts, a few thousand texts a file; a text is known by its digest and computed once a trunk."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from mctrain.graphs.graph import Graph, Port, write_graph
from mctrain.models import minilm
from mctrain.models.minilm import MiniLmShape
from mctrain.teachers.fit.arrays import load_arrays, save_arrays
from mctrain.tokens.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.models.minilm import MiniLM

LAYOUT = 2  # raise when the tokens change
CHUNK = 4096
BATCH = 16
_SHAPE = MiniLmShape(0, 0.0, 0.0)  # whatever the head, the tokens are these


class Sentences:
    """Text → row of a matrix of unit vectors [n, 384], float16."""

    def __init__(self, rows: dict[str, int], matrix: NDArray[np.float16]) -> None:
        self.rows = rows
        self.matrix = matrix

    def of(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """The vectors of some of the texts, in their order."""
        return self.matrix[[self.rows[text] for text in texts]]


def cache_sentences(
    texts: Sequence[str], trunk: MiniLM, cache: Path, progress: Callable[[int, str], None]
) -> Sentences:
    """The vectors of all distinct texts; those that the cache lacks are computed and added to it as new files."""
    distinct = sorted(set(texts))
    name = trunk_name(trunk)
    known = _load(cache, name)
    missing = [text for text in distinct if _digest(text) not in known]
    progress(len(distinct) - len(missing), "")
    encoder = Encoder(trunk, cache) if missing else None
    for start in range(0, len(missing), CHUNK):
        chunk = missing[start : start + CHUNK]
        digests = [_digest(text) for text in chunk]
        vectors = encoder(chunk, progress) if encoder else np.empty((0, minilm.WIDTH), np.float16)
        chunk_name = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
        path = cache / f"texts-{LAYOUT}-{name}-{chunk_name}.npz"
        save_arrays(path, {"digests": np.array(digests), "vectors": vectors})
        known.update(zip(digests, vectors, strict=True))
    rows = {text: row for row, text in enumerate(distinct)}
    return Sentences(rows, np.stack([known[_digest(text)] for text in distinct]))


def _load(cache: Path, name: str) -> dict[str, NDArray[np.float16]]:
    known: dict[str, NDArray[np.float16]] = {}
    for path in sorted(cache.glob(f"texts-{LAYOUT}-{name}-*.npz")):
        arrays = load_arrays(path)
        known.update(zip(arrays["digests"].tolist(), arrays["vectors"], strict=True))
    return known


def trunk_name(trunk: MiniLM) -> str:
    """Which weights a trunk has: the first 16 hex digits of a SHA-256 over them."""
    digest = hashlib.sha256()
    for name, tensor in sorted(trunk.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    return digest.hexdigest()[:16]


class Encoder:
    """A trunk in ONNX Runtime with its tokenizer."""

    def __init__(self, trunk: MiniLM, cache: Path) -> None:
        self._tokenizer = load_tokenizer(_SHAPE)
        path = cache / f"minilm-{trunk_name(trunk)}.onnx"
        if not path.exists():
            import torch

            cache.mkdir(parents=True, exist_ok=True)
            staging = path.with_suffix(".part")
            example = torch.ones(2, 8, dtype=torch.int64)
            write_graph(trunk, example, Port("ids", {0: "n", 1: "tokens"}), ["vectors"], staging)
            staging.replace(path)
        self._graph = Graph(path)

    def __call__(self, texts: Sequence[str], progress: Callable[[int, str], None]) -> NDArray[np.float16]:
        """[n, 384] in the order of the texts."""
        by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        vectors = np.empty((len(texts), minilm.WIDTH), np.float16)
        for start in range(0, len(texts), BATCH):
            rows = by_length[start : start + BATCH]
            vectors[rows] = self._graph(self._tokenizer.encode([texts[row] for row in rows]))[0]
            progress(len(rows), "")
        return vectors


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
