"""A teacher: a model that embeds photos and texts in one space; an ensemble is several of them in order.

The members' unit vectors are concatenated and never normalised together, because each member's softmax has its own logit
scale (MobileCLIP, dataset reinforcement).
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
    """A teacher: `name` for the manifest, embedding `width`, logit `scale`, preprocessing `spec`; its weights change `digest`."""

    name: str
    width: int
    scale: float
    digest: str
    spec: ImageSpec

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, width] of RGB pictures; `keys` tell which photos a teacher was trained on."""

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, width]."""


class Ensemble:
    """Several teachers as one, in their order."""

    def __init__(self, members: Sequence[Teacher]) -> None:
        self.members = tuple(members)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The members' distinct input sizes."""
        return tuple(sorted({each.spec.size for each in self.members}))

    def photos(self, pictures: dict[int, list[PIL.Image.Image]], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width] of the same pictures at each of `sizes`."""
        parts = [each.photos(pictures[each.spec.size], keys) for each in self.members]
        return np.concatenate(parts, axis=1)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return np.concatenate([each.texts(texts) for each in self.members], axis=1)


class BundleTeacher:
    """A bundle as a teacher, run as in the application."""

    def __init__(self, folder: Path) -> None:
        """Opens the bundle and checks every hash; raises BundleError if it is damaged, or holds one tower only."""
        bundle = open_bundle(folder, hashes=True)
        self.name = bundle.manifest.name
        self.width = bundle.manifest.dim
        self.scale = bundle.manifest.logit_scale
        self.digest = file_digest(folder / MANIFEST)[:16]  # it contains the digests of all files
        self.spec = bundle.image_spec()
        self.blankness, calibration = bundle.manifest.blankness, bundle.manifest.calibration
        self.colour = calibration.colour if calibration else 0.0
        self._image = load_image_encoder(bundle)
        self._text = TextEmbedder(bundle, threads=1)

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width], one picture at a time as in the indexer."""
        del keys  # it has the same answer for every photo
        rows = [self._image.encode(preprocess(picture, self.spec)[None]) for picture in pictures]
        return np.concatenate(rows)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return self._text.embed_texts(texts)

    def searches(self, terms: Sequence[str]) -> NDArray[np.float32]:
        """[n, width], with which the application ranks photos."""
        return np.stack([self._text.embed_ranking(each) for each in terms])

    def terms(self, terms: Sequence[str]) -> NDArray[np.float32]:
        """[n, width], with which the application judges photos."""
        return np.stack([self._text.embed_term(each) for each in terms])


def kind_of(title: str) -> Kind:
    """The kind of teacher that a title names."""
    if title.startswith(OPEN_CLIP):
        return "open_clip"
    return "bundle" if (Path(title) / MANIFEST).is_file() else "checkpoint"


def open_teacher(title: str, cache: Path) -> Teacher:
    """Opens the teacher of this name or path; `cache` stores features of pretrained trunks.

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
            from mctrain.teachers.trained import open_checkpoint  # imports torch: 2 s

            return open_checkpoint(Path(title), cache)
