"""What a bundle's trunk sees in pictures and its text tower says of words: the same under whatever head, so each is asked once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.graphs.graph import Graph
from mctrain.weights.trunk import write_trunk
from picsight_engine.models.bundle import IMAGE_GRAPH
from picsight_engine.models.preprocess import preprocess
from picsight_engine.models.text import TextEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray

    from mctrain.models.heads import Head
    from picsight_engine.models.bundle import Bundle

    Vectors = NDArray[np.float32]

_TRUNK = "trunk.onnx"


class Sight:
    """A bundle without its image head, in the engine's own code: preprocessing, graphs, templates, int8 where it is int8."""

    def __init__(self, bundle: Bundle, scratch: Path) -> None:
        """Opens both towers.

        Raises:
            BundleError: the bundle is damaged, or has no text tower.
            WeightsError: its image tower has no head of ours.
        """
        write_trunk(bundle.folder / IMAGE_GRAPH, scratch / _TRUNK)
        self.bundle = bundle
        self.spec = bundle.image_spec()
        self._trunk = Graph(scratch / _TRUNK)
        self._text = TextEmbedder(bundle, threads=1)
        self._seen: dict[bytes, Vectors] = {}
        self._said: dict[tuple[str, bool], Vectors] = {}

    def of(self, picture: PIL.Image.Image) -> Vectors:
        """What the head is given of an RGB picture: features and logits, end to end [features + classes]."""
        return np.concatenate([own[0] for own in self._trunk(preprocess(picture, self.spec)[None])])

    def again(self, picture: PIL.Image.Image) -> Vectors:
        """The same, remembered for whoever asks of the same pixels."""
        digest = hashlib.sha256(picture.tobytes()).digest()
        if digest not in self._seen:
            self._seen[digest] = self.of(picture)
        return self._seen[digest]

    def terms(self, words: Sequence[str]) -> Vectors:
        """Unit vectors [n, dim] of search terms, as the application embeds them."""
        return self._asked(words, self._text.embed_term, short=True)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors [n, dim] of texts as they stand."""
        return self._asked(texts, lambda text: self._text.embed_texts([text])[0], short=False)

    def _asked(self, texts: Sequence[str], embed: Callable[[str], Vectors], *, short: bool) -> Vectors:
        for text in texts:
            if (text, short) not in self._said:
                self._said[text, short] = embed(text)
        rows = [self._said[text, short] for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.bundle.manifest.dim), np.float32)


class Headed:
    """A bundle with a head of its own, as a teacher: so it is measured as everything else is."""

    name = digest = ""

    def __init__(self, sight: Sight, head: Head) -> None:
        self.width = sight.bundle.manifest.dim
        self.scale = sight.bundle.manifest.logit_scale
        self.spec = sight.spec
        self._sight, self._head = sight, head

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> Vectors:
        """[n, width]; whose photos they are does not matter."""
        assert len(pictures) == len(keys)
        return embed(self._head, np.stack([self._sight.again(picture) for picture in pictures]))

    def texts(self, texts: Sequence[str]) -> Vectors:
        """[n, width]."""
        return self._sight.texts(texts)


@torch.no_grad()
def embed(head: Head, given: Vectors) -> Vectors:
    """The unit vectors [n, dim] of what a head is given [n, features + classes]."""
    head.eval()
    return apply(head, torch.from_numpy(given)).numpy()


def apply(head: Head, given: torch.Tensor) -> torch.Tensor:
    """[n, features + classes] → [n, dim]."""
    features = len(head.mean)
    vectors: torch.Tensor = head(given[:, :features], given[:, features:])
    return vectors
