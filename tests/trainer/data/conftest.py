"""Real photos with random unit vectors as embeddings: reinforced samples, and public sets built from their cards."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from mctrain.data.reinforced.sample import ReinforcedSample, members_of
from mctrain.data.shards import samples, write_archive
from mctrain.data.texts import CAPTIONS, QUERIES, SampleTexts
from mctrain.data.views import OPERATIONS, Slots, parse_views

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mctrain.data.reinforced.manifest import Storage

WIDTHS = (24, 16)
CROPS = ([3, 5, 100, 120], [40, 0, 150, 90], [0, 0, 200, 200], [11, 60, 64, 64], [20, 20, 180, 130])


def unit_rows(rows: int, seed: int) -> np.ndarray:
    """Each teacher's vectors of length 1, end to end [rows, D]."""
    draw = np.random.default_rng(seed)
    blocks = [draw.standard_normal((rows, width)).astype(np.float32) for width in WIDTHS]
    return np.concatenate([block / np.linalg.norm(block, axis=1, keepdims=True) for block in blocks], axis=1)


def records(count: int) -> list[Any]:
    """Records of different views, each with a crop that fits every photo of the set and two operations."""
    return [
        [CROPS[i % len(CROPS)], [[6, round(0.01 * i, 2)], [i % 14, OPERATIONS[i % 14].magnitude]]]
        for i in range(count)
    ]


@pytest.fixture(scope="session")
def photos(photo_sets):
    """Sixteen photos with five captions each."""
    return tuple(islice(samples(photo_sets / "flickr8k-train-000000.tar"), 16))


@pytest.fixture(scope="session")
def reinforced_samples(photos) -> tuple[ReinforcedSample, ...]:
    """Five views, human and synthetic captions and queries of each photo; the last has no human caption."""
    made = []
    for number, photo in enumerate(photos):
        human = tuple(photo.record["captions"]) if photo is not photos[-1] else ()
        synthetic = {CAPTIONS: ("a synthetic one", "ein Fuß und Ärger", "a third"), QUERIES: ("dog", "grass")}
        made.append(
            ReinforcedSample(
                key=photo.key,
                suffix=photo.suffix,
                photo=photo.photo,
                texts=SampleTexts(human, synthetic, {"source": "flickr8k", "license": "none"}),
                views=parse_views(records(5), "the test"),
                image_embeddings=unit_rows(5, 200 + number),
                caption_embeddings=unit_rows(5, number) if human else unit_rows(3, 50)[:1],
                synthetic_embeddings={CAPTIONS: unit_rows(3, 50), QUERIES: unit_rows(2, 100 + number)},
            )
        )
    return tuple(made)


@dataclass
class Public:
    """A public set as its members, written without our writer, and the rows that a reader must take from it."""

    members: list[tuple[str, bytes]] = field(default_factory=list)
    images: dict[str, np.ndarray] = field(default_factory=dict)
    captions: dict[str, np.ndarray] = field(default_factory=dict)
    synthetic: dict[str, np.ndarray] = field(default_factory=dict)
    views: int = 0
    tag: str = "syn_text"


def pack_npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def pack_bf16(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    torch.save({name: torch.tensor(array).bfloat16() for name, array in arrays.items()}, buffer)
    return gzip.compress(buffer.getvalue())


def build_public(photos, views: int, *, bf16=False, tag="syn_text", old_form=True, as_list=False) -> Public:
    public = Public(views=views, tag=tag)
    for number, photo in enumerate(photos):
        uid = hashlib.md5(photo.key.encode()).hexdigest()
        images, vectors = unit_rows(views, 300 + number), unit_rows(6, 400 + number)
        arrays = {"image_emb": images, "text_emb": vectors if old_form else vectors[:1]}
        if not old_form:
            arrays[f"{tag}_emb"] = vectors[1:]
        synthetic = [f"{photo.record['captions'][i]} {i}" for i in range(5)]
        views_of = records(views)
        public.members += [
            (f"{uid}.jpg", photo.photo),
            (
                f"{uid}.json",
                json.dumps({"uid": uid, "sha256": hashlib.sha256(photo.photo).hexdigest()}).encode(),
            ),
            (
                f"{uid}.paug.json",
                json.dumps({"param_aug": views_of if as_list else json.dumps(views_of)}).encode(),
            ),
            (f"{uid}.pth.gz", pack_bf16(arrays)) if bf16 else (f"{uid}.npz", pack_npz(arrays)),
            (f"{uid}.syn.json", json.dumps({tag: synthetic}).encode()),
            (f"{uid}.txt", photo.record["captions"][0].encode()),
            (f"{uid}.url.txt", b"https://example.org/photo.jpg"),
        ]
        public.images[uid], public.captions[uid], public.synthetic[uid] = (images, vectors[:1], vectors[1:])
    return public


VARIANTS = {
    "DataCompDR-12M": {"views": 30},
    "DataCompDR-12M-bf16": {"views": 30, "bf16": True},
    "DFNDR-2B": {"views": 2, "tag": "syn_text_dfn_mscoco38k", "old_form": False},
    "param_aug as a list": {"views": 10, "as_list": True},
}


@pytest.fixture(params=VARIANTS)
def public(request, photos) -> Public:
    return build_public(photos[:6], **VARIANTS[request.param])


SLOTS = Slots(flip=False, operations=True)


def write_samples(path: Path, written: Iterable[ReinforcedSample], storage: Storage) -> Path:
    write_archive(path, ((sample.key, members_of(sample, storage, SLOTS)) for sample in written))
    return path
