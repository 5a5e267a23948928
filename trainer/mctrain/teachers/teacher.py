"""A teacher: whatever embeds photos and texts in one space; an ensemble is several of them in order.

Each member's embeddings have the length 1 by themselves and stand end to end; they are never normalised together, for the
softmax of each is taken at its own scale (MobileCLIP, dataset reinforcement).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from mctrain.data.shards import file_digest
from picsight_engine.bundles.bundle import MANIFEST, open_bundle
from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.text_embedder import TextEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import PIL.Image
    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import ImageSpec

    Kind = Literal["open_clip", "bundle", "checkpoint"]


OPEN_CLIP = "open_clip:"


class Teacher(Protocol):
    """One model that judges: `name` is what the manifest calls it, `width` how many numbers an embedding has, `scale` the factor
    of its cosines, `spec` its preprocessing; `digest` changes with its weights.
    """

    name: str
    width: int
    scale: float
    digest: str
    spec: ImageSpec

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, width] of RGB pictures; `keys` are their photos', which a teacher may have been trained on."""
        ...

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, width]."""
        ...


class Ensemble:
    """Several teachers as one, in their order."""

    def __init__(self, members: Sequence[Teacher]) -> None:
        self.members = tuple(members)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sides of the pictures that members want, each once."""
        return tuple(sorted({each.spec.size for each in self.members}))

    def photos(self, pictures: dict[int, list[PIL.Image.Image]], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width] of the same pictures at each size that a member wants."""
        parts = [each.photos(pictures[each.spec.size], keys) for each in self.members]
        return np.concatenate(parts, axis=1)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return np.concatenate([each.texts(texts) for each in self.members], axis=1)


class BundleTeacher:
    """What the application would say of the same pictures and texts."""

    def __init__(self, folder: Path) -> None:
        """Opens the bundle and checks every hash.

        Raises:
            BundleError: it is damaged, or holds one tower only.
        """
        bundle = open_bundle(folder, hashes=True)
        self.name = bundle.manifest.name
        self.width = bundle.manifest.dim
        self.scale = bundle.manifest.logit_scale
        self.digest = file_digest(folder / MANIFEST)[:16]  # which holds the digests of all its files
        self.spec = bundle.image_spec()
        self.blankness = bundle.manifest.blankness
        self._image = load_image_encoder(bundle)
        self._text = TextEmbedder(bundle, threads=1)

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width], one picture at a time as the indexer does it."""
        del keys  # it has the same answer for every photo
        rows = [self._image.encode(preprocess(picture, self.spec)[None]) for picture in pictures]
        return np.concatenate(rows)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return self._text.embed_texts(texts)

    def terms(self, terms: Sequence[str]) -> NDArray[np.float32]:
        """[n, width], as the application embeds what is typed."""
        return np.stack([self._text.embed_term(each) for each in terms])


def kind_of(title: str) -> Kind:
    """What a person names."""
    if title.startswith(OPEN_CLIP):
        return "open_clip"
    return "bundle" if (Path(title) / MANIFEST).is_file() else "checkpoint"


def open_teacher(title: str, cache: Path) -> Teacher:
    """The teacher of this name or at this place; `cache` keeps what pretrained trunks see.

    Raises:
        BundleError: the bundle is damaged.
        WeightsError: there is no such model or checkpoint, or it is damaged.
    """
    match kind_of(title):
        case "open_clip":
            from mctrain.teachers.open_clip import OpenClipTeacher, load_model  # imports open_clip: 2 s

            return OpenClipTeacher(load_model(title.removeprefix(OPEN_CLIP)))
        case "bundle":
            return BundleTeacher(Path(title))
        case "checkpoint":
            from mctrain.teachers.trained import CheckpointTeacher  # imports torch: 2 s

            return CheckpointTeacher(Path(title), cache)
