"""Caches MiniLM's vectors of texts, a few thousand texts a file; a text is known by its digest and computed once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.arrays import load_arrays, save_arrays
from mctrain.data.shards import file_digest
from mctrain.data.tokens import load_tokenizer
from mctrain.export.graph import Graph, Port, write_graph
from mctrain.models import minilm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.models.tokenizer import Tokenizer

LAYOUT = 1  # raise when the trunk or its tokens change
CHUNK = 4096
BATCH = 16


class Sentences:
    """Text → row of a matrix of unit vectors [n, 384], float16."""

    def __init__(self, rows: dict[str, int], matrix: NDArray[np.float16]) -> None:
        self.rows = rows
        self.matrix = matrix

    def of(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """The vectors of some of the texts, in their order."""
        return self.matrix[[self.rows[text] for text in texts]]


def cache_sentences(texts: Sequence[str], cache: Path, progress: Callable[[int, str], None]) -> Sentences:
    """The vectors of all distinct texts; those that the cache lacks are computed and added to it as new files."""
    distinct = sorted(set(texts))
    known = _load(cache)
    missing = [text for text in distinct if _digest(text) not in known]
    progress(len(distinct) - len(missing), "")
    encoder = _Encoder(cache) if missing else None
    for start in range(0, len(missing), CHUNK):
        chunk = missing[start : start + CHUNK]
        digests = [_digest(text) for text in chunk]
        vectors = encoder(chunk, progress) if encoder else np.empty((0, minilm.WIDTH), np.float16)
        name = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
        save_arrays(cache / f"texts-{LAYOUT}-{name}.npz", {"digests": np.array(digests), "vectors": vectors})
        known.update(zip(digests, vectors, strict=True))
    rows = {text: row for row, text in enumerate(distinct)}
    return Sentences(rows, np.stack([known[_digest(text)] for text in distinct]))


def _load(cache: Path) -> dict[str, NDArray[np.float16]]:
    known: dict[str, NDArray[np.float16]] = {}
    for path in sorted(cache.glob(f"texts-{LAYOUT}-*.npz")):
        arrays = load_arrays(path)
        known.update(zip(arrays["digests"].tolist(), arrays["vectors"], strict=True))
    return known


class _Encoder:
    """MiniLM in ONNX Runtime with the tokenizer of the bundle."""

    def __init__(self, cache: Path) -> None:
        self._tokenizer: Tokenizer = load_tokenizer(cache)
        weights = minilm.package_file("model.safetensors")
        path = cache / f"minilm-{file_digest(weights)[:16]}.onnx"
        if not path.exists():
            import torch

            staging = path.with_suffix(".part")
            example = torch.ones(2, 8, dtype=torch.int64)
            write_graph(
                minilm.load_minilm(), example, Port("ids", {0: "n", 1: "tokens"}), ["vectors"], staging
            )
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
