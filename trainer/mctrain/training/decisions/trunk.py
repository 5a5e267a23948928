"""The outputs of a bundle's image trunk and text tower, without its image head; and those of the decided photos."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.shards import grouped
from mctrain.data.sources.library import decisions_of
from mctrain.data.texts import texts_of
from mctrain.errors import DataError
from mctrain.models.graph import Graph
from mctrain.weights.from_bundle import write_trunk
from picsight_engine.bundles.bundle import IMAGE_GRAPH
from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.runtime.text_embedder import TextEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray

    from mctrain.data.shards import SampleMembers
    from mctrain.data.sources.library import Decision
    from mctrain.models.blocks import Head
    from picsight_engine.bundles.bundle import Bundle

    Vectors = NDArray[np.float32]


_TRUNK = "trunk.onnx"


ACCEPTED, REJECTED = 1, -1


class BundleTrunk:
    """A bundle without its image head, run by the engine: same preprocessing, graphs, templates and int8."""

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
        self._term = cache(self._text.embed_term)
        self._plain = cache(lambda text: self._text.embed_texts([text])[0])

    def of(self, picture: PIL.Image.Image) -> Vectors:
        """The head's input for an RGB picture: features and logits, concatenated [features + classes]."""
        return np.concatenate([each[0] for each in self._trunk(preprocess(picture, self.spec)[None])])

    def again(self, picture: PIL.Image.Image) -> Vectors:
        """As `of`, cached by pixels."""
        digest = hashlib.sha256(picture.tobytes()).digest()
        if digest not in self._seen:
            self._seen[digest] = self.of(picture)
        return self._seen[digest]

    def terms(self, words: Sequence[str]) -> Vectors:
        """Unit vectors [n, dim] of search terms, as the application embeds them."""
        return self._rows(map(self._term, words))

    def texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors [n, dim] of texts, without templates."""
        return self._rows(map(self._plain, texts))

    def _rows(self, vectors: Iterable[Vectors]) -> Vectors:
        return np.array([*vectors], np.float32).reshape(-1, self.bundle.manifest.dim)


class HeadTeacher:
    """A bundle with another head, as a teacher, so that it is measured like any other model."""

    name = digest = ""

    def __init__(self, trunk: BundleTrunk, head: Head) -> None:
        self.width = trunk.bundle.manifest.dim
        self.scale = trunk.bundle.manifest.logit_scale
        self.spec = trunk.spec
        self._trunk, self._head = trunk, head

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> Vectors:
        """[n, width]; `keys` are ignored."""
        assert len(pictures) == len(keys)
        return embed(self._head, np.stack([self._trunk.again(picture) for picture in pictures]))

    def texts(self, texts: Sequence[str]) -> Vectors:
        """[n, width]."""
        return self._trunk.texts(texts)


@torch.no_grad()
def embed(head: Head, given: Vectors) -> Vectors:
    """Unit vectors [n, dim] from head inputs [n, features + classes]."""
    head.eval()
    return head.of_joined(torch.from_numpy(given)).numpy()


@dataclass(frozen=True, slots=True)
class Decisions:
    """Photos with their decisions; a label of 0 means undecided."""

    keys: tuple[str, ...]
    tags: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]  # of each tag
    labels: NDArray[np.int8]  # [photos, tags]
    given: NDArray[np.float32]  # [photos, features + classes]
    skipped: Counter[str]

    def where(self, wanted: NDArray[np.bool_]) -> Decisions:
        """The subset of photos where `wanted` is true."""
        keys = tuple(key for key, each in zip(self.keys, wanted, strict=True) if each)
        return Decisions(keys, self.tags, self.words, self.labels[wanted], self.given[wanted], self.skipped)


def embed_decided(
    shards: Sequence[Path], trunk: BundleTrunk, progress: Callable[[int, str], None]
) -> Decisions:
    """Runs the trunk on every photo in the shards that has a decision.

    Raises:
        DataError: no photo has one, or a sample's decisions are malformed.
    """
    skipped: Counter[str] = Counter()
    keys: list[str] = []
    decisions: list[tuple[Decision, ...]] = []
    given: list[NDArray[np.float32]] = []
    for group, each in _decided(shards, skipped):
        try:
            given.append(trunk.of(group.image()))
        except DataError:
            skipped["broken photo"] += 1
            continue
        keys.append(group.key)
        decisions.append(each)
        progress(1, "")
    if not keys:
        raise DataError(
            f"No photo in {shards[0].parent} has a decision about a tag; pack what `picsight export decisions` wrote."
        )
    tags, words, labels = _table(decisions)
    return Decisions(tuple(keys), tags, words, labels, np.stack(given), skipped)


def _decided(
    shards: Sequence[Path], skipped: Counter[str]
) -> Iterator[tuple[SampleMembers, tuple[Decision, ...]]]:
    known = shipped_digests()
    for shard in shards:
        for group in grouped(shard):
            if group.fault:
                skipped[group.fault.kind] += 1
            elif known.holds_key(group.key) or known.holds_photo(group.photo):
                skipped["evaluation photo"] += 1
            elif decisions := decisions_of(texts_of(group.members, group.key).about, group.key):
                yield group, decisions
            else:
                skipped["no decision"] += 1


def _table(
    decisions: Sequence[tuple[Decision, ...]],
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], NDArray[np.int8]]:
    """The sorted tags, the words of each, and the labels [photos, tags]."""
    words: dict[str, dict[str, None]] = {}
    for each in sorted(
        {decision for row in decisions for decision in row}, key=lambda each: (each.tag, each.prompts)
    ):
        words.setdefault(each.tag, {}).update(dict.fromkeys(each.words))
    places = {tag: place for place, tag in enumerate(words)}
    labels = np.zeros((len(decisions), len(words)), np.int8)
    for row, made in zip(labels, decisions, strict=True):
        for decision in made:
            row[places[decision.tag]] = ACCEPTED if decision.accepted else REJECTED
    return tuple(words), tuple(map(tuple, words.values())), labels
