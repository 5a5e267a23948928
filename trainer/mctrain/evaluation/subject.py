"""What can be measured: a checkpoint through cached features, or a bundle through the engine's own code from the files' bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mctrain.data.features import Views, cache_features, cached
from mctrain.data.sentences import cache_sentences
from mctrain.data.shards import samples
from picsight_engine.models.backend import load_image_encoder
from picsight_engine.models.bundle import MANIFEST, open_bundle
from picsight_engine.models.preprocess import preprocess, reduced_side
from picsight_engine.models.text import TextEmbedder
from picsight_engine.photos.decode import Limits, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mctrain.training.checkpoint import Checkpoint
    from picsight_engine.models.bundle import Bundle


class Subject(Protocol):
    """Embeds the photos of a shard, in its order, and texts; rows of unit length."""

    def photos(self, shard: Path) -> NDArray[np.float32]:
        """[photos, dim]."""
        ...

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, dim]."""
        ...


class BundleSubject:
    """A bundle exactly as the application uses it: decoded, preprocessed and embedded by the engine, int8 where it is int8."""

    def __init__(self, bundle: Bundle, progress: Callable[[int, str], None]) -> None:
        self._spec = bundle.image_spec()
        self._image = load_image_encoder(bundle)
        self._text = TextEmbedder(bundle, threads=1)
        self._progress = progress

    def photos(self, shard: Path) -> NDArray[np.float32]:
        """[photos, dim], one photo at a time as the indexer does it."""
        rows = []
        for sample in samples(shard):
            name = Path(f"{sample.key}.{sample.suffix}")
            picture = decode(sample.photo, name, min_side=reduced_side(self._spec), limits=Limits())
            rows.append(self._image.encode(preprocess(picture.image, self._spec)[None])[0])
            self._progress(1, shard.name)
        return np.stack(rows)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, dim]."""
        return self._text.embed_texts(texts)


class CheckpointSubject:
    """The heads of a checkpoint over cached features of the frozen trunks, float32 throughout."""

    def __init__(self, checkpoint: Checkpoint, cache: Path, progress: Callable[[int, str], None]) -> None:
        self._heads = checkpoint.heads
        self._cache = cache
        self._progress = progress

    def photos(self, shard: Path) -> NDArray[np.float32]:
        """[photos, dim]."""
        import torch

        whole = Views(1, 1.0)
        cache_features([shard], whole, self._cache, self._progress)
        found = cached(shard, whole, 0, self._cache)
        features, logits = (
            torch.from_numpy(part.astype(np.float32)) for part in (found.features, found.logits)
        )
        return np.asarray(self._heads.image(features, logits).numpy(), np.float32)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, dim]."""
        import torch

        vectors = cache_sentences(texts, self._cache, self._progress).of(texts)
        return np.asarray(self._heads.text(torch.from_numpy(vectors.astype(np.float32))).numpy(), np.float32)


def open_subject(path: Path, cache: Path, progress: Callable[[int, str], None]) -> Subject:
    """A bundle's folder, or a checkpoint's folder or file.

    Raises:
        BundleError: the bundle is damaged.
        TrainerError: there is no checkpoint, or it is damaged.
    """
    if (path / MANIFEST).is_file():
        return BundleSubject(open_bundle(path, hashes=True), progress)
    from mctrain.training.checkpoint import load_checkpoint  # imports torch: 2 s

    return CheckpointSubject(load_checkpoint(path), cache, progress)
