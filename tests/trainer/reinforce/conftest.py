"""A small reinforced set of real photos, judged by the shipped bundle."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import islice

import numpy as np
import open_clip
import pytest
import torch
from tests.trainer.research.coca import CONFIG, write_model

from mctrain.data.reading.index import open_shard
from mctrain.data.reinforced.manifest import (
    MANIFEST,
    ReinforcedManifest,
    Replay,
    ShardRecord,
    Storage,
    TeacherRecord,
    load_manifest,
    save_manifest,
)
from mctrain.data.reinforced.sample import ReinforcedSample, members_of, parse_sample
from mctrain.data.replay import picture_digest, replay, versions
from mctrain.data.shards import file_digest, samples, write_archive
from mctrain.data.texts import QUERIES, SampleTexts
from mctrain.data.views import draw_views, slots_of
from mctrain.recipes.tables import Augmentation
from mctrain.teachers.teacher import BundleTeacher

STRONG = Augmentation("strong", 3, 0.2, mirror=False)
SHARDS = {"000000.tar": 4, "000001.tar": 3}  # photos in each


def reinforced(photo, teacher) -> ReinforcedSample:
    """A photo as `mctrain reinforce` writes it."""
    image = photo.image()
    views = draw_views(STRONG, photo.key, 0, *image.size)
    pictures = [replay(image, view, teacher.spec.size) for view in views]
    captions = tuple(photo.record["captions"][:2])
    return ReinforcedSample(
        key=photo.key,
        suffix=photo.suffix,
        photo=photo.photo,
        texts=SampleTexts(captions, {QUERIES: ("dog",)}, {"license": "none", "source": "flickr8k"}),
        views=views,
        image_embeddings=teacher.photos(pictures, [photo.key] * len(views)),
        caption_embeddings=teacher.texts(captions),
        synthetic_embeddings={QUERIES: teacher.texts(["dog"])},
    )


def write_samples(path, written, storage):
    """Packs reinforced samples."""
    slots = slots_of(STRONG)
    write_archive(path, ((sample.key, members_of(sample, storage, slots)) for sample in written))


def record_of(path, written) -> ShardRecord:
    """The record of a shard in the manifest, with the digest of the last view of its first photo."""
    first = written[0]
    view = len(first.views) - 1
    pixels = replay(first.image(), first.views[view], 224)
    recorded = {first.key: Replay(view, picture_digest(pixels))}
    return ShardRecord(path.name, len(written), file_digest(path), {}, recorded)


@pytest.fixture(scope="session")
def shipped_teacher(starter) -> BundleTeacher:
    return BundleTeacher(starter)


@pytest.fixture(scope="session")
def reinforced_set(photo_sets, starter, shipped_teacher, tmp_path_factory):
    """The folder of the set; read-only."""
    folder = tmp_path_factory.mktemp("set")
    source = samples(photo_sets / "flickr8k-train-000000.tar")
    records = []
    for name, count in SHARDS.items():
        written = [reinforced(photo, shipped_teacher) for photo in islice(source, count)]
        write_samples(folder / name, written, Storage.NPZ)
        records.append(record_of(folder / name, written))
    judge = shipped_teacher
    teacher = TeacherRecord(judge.name, judge.width, judge.scale, judge.digest)
    save_manifest(folder / MANIFEST, ReinforcedManifest({}, (teacher,), tuple(records), (), versions()))
    return folder


@pytest.fixture
def set_copy(reinforced_set, tmp_path):
    """A copy of the set that a test may change."""
    return shutil.copytree(reinforced_set, tmp_path / "set")


def read_shard(path, cache) -> list[ReinforcedSample]:
    shard = open_shard(path, cache)
    widths = load_manifest(path.parent / MANIFEST).widths
    return [parse_sample(shard.key(n), shard.members(n), widths) for n in range(shard.whole)]


def rewrite(path, change, cache, *, storage=Storage.NPZ):
    """Replaces the samples of a shard by what `change` makes of them, and updates the manifest."""
    write_samples(path, change(read_shard(path, cache)), storage)
    manifest = load_manifest(path.parent / MANIFEST)
    shards = [
        replace(record, sha256=file_digest(path)) if record.name == path.name else record
        for record in manifest.shards
    ]
    save_manifest(path.parent / MANIFEST, replace(manifest, shards=tuple(shards)))


def turned(rows: np.ndarray, row: int, cosine: float) -> np.ndarray:
    """Unit rows, one of them turned to this cosine with its original."""
    other = np.zeros_like(rows[row])
    other[:2] = -rows[row, 1], rows[row, 0]  # at a right angle
    other /= np.linalg.norm(other)
    changed = rows.copy()
    changed[row] = cosine * rows[row] + np.sqrt(1 - cosine**2) * other
    return changed


@pytest.fixture(scope="session")
def coca(tmp_path_factory, randomised):
    """The name and the model of a small CoCa."""
    torch.manual_seed(0)
    model = open_clip.coca_model.CoCa(
        **{name: value for name, value in CONFIG.items() if name != "custom_text"}
    )
    randomised(model)
    return write_model(tmp_path_factory.mktemp("coca"), model, CONFIG), model.eval()
