"""Caches a trunk's text vectors by the texts' digests, a few thousand texts per file."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.models import minilm
from mctrain.models.graph import Graph, Port, provide_graph
from mctrain.models.minilm import MiniLmShape
from mctrain.models.tokenizer import load_tokenizer
from mctrain.teachers.fit.features import load_arrays, save_arrays
from mctrain.teachers.towers import weights_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.models.minilm import MiniLM
    from picsight_engine.bundles.tokenizer import Tokenizer

LAYOUT = 2  # increment when the tokens change
CHUNK = 4096
BATCH = 16


class TrunkVectors:
    """A trunk's unit vectors of texts, cached; new ones are added as new files."""

    def __init__(self, trunk: MiniLM, cache: Path) -> None:
        self._trunk, self._cache, self._name = trunk, cache, weights_digest(trunk)
        self._known: dict[str, NDArray[np.float16]] = {}
        for path in sorted(cache.glob(f"texts-{LAYOUT}-{self._name}-*.npz")):
            arrays = load_arrays(path)
            self._known.update(zip(arrays["digests"].tolist(), arrays["vectors"], strict=True))

    def of(self, texts: Sequence[str], progress: Callable[[int, str], None]) -> NDArray[np.float16]:
        """[n, 384] in the order of the texts; `progress` gets the number of distinct ones that are ready."""
        digests = {text: _digest(text) for text in texts}
        missing = sorted(text for text, each in digests.items() if each not in self._known)
        progress(len(digests) - len(missing), "")
        for start in range(0, len(missing), CHUNK):
            self._add(missing[start : start + CHUNK], progress)
        return np.stack([self._known[digests[text]] for text in texts])

    def _add(self, texts: Sequence[str], progress: Callable[[int, str], None]) -> None:
        by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        vectors = np.empty((len(texts), minilm.WIDTH), np.float16)
        for start in range(0, len(texts), BATCH):
            rows = by_length[start : start + BATCH]
            vectors[rows] = self._graph(self._tokenizer.encode([texts[row] for row in rows]))[0]
            progress(len(rows), "")
        digests = [_digest(text) for text in texts]
        name = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
        path = self._cache / f"texts-{LAYOUT}-{self._name}-{name}.npz"
        save_arrays(path, {"digests": np.array(digests), "vectors": vectors})
        self._known.update(zip(digests, vectors, strict=True))

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(MiniLmShape(0, 0.0, 0.0))  # tokens do not depend on the head

    @cached_property
    def _graph(self) -> Graph:
        """The trunk in ONNX Runtime."""
        path, example = self._cache / f"minilm-{self._name}.onnx", torch.ones(2, 8, dtype=torch.int64)
        entry = Port("ids", {0: "n", 1: "tokens"})
        return Graph(provide_graph(path, lambda: self._trunk, example, entry, ["vectors"]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:20]
