"""A small set in DataCompDR's published layout, and its photos and captions as img2dataset would download them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import uuid
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tests.trainer.conftest import write_shard

from mctrain.data.shard_names import shards_below
from mctrain.data.shards import grouped, samples
from mctrain.paths import parse_path
from mctrain.research.joining.join import JoinJob, join
from mctrain.research.joining.join_sample import teachers_of
from mctrain.research.joining.sample_files import find_sample_files
from mctrain.research.joining.uid_index import open_index

if TYPE_CHECKING:
    from pathlib import Path

VIEWS, TEXTS, DIM = 3, 5, 768
SIDE = 192  # a downloader's bound of the long side, here


@dataclass(frozen=True)
class Photo:
    """A photo on the web as the set was made from it, and its published record."""

    uid: str
    original: bytes
    caption: str
    views: tuple[Any, ...]
    images: np.ndarray
    texts: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        return PIL.Image.open(io.BytesIO(self.original)).size

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.original).hexdigest()


def unit(rows: int, seed: int) -> np.ndarray:
    """The vectors of two teachers, each of length 1, end to end [rows, 1536]."""
    drawn = np.random.default_rng(seed).standard_normal((rows, 2, DIM)).astype(np.float32)
    return (drawn / np.linalg.norm(drawn, axis=2, keepdims=True)).reshape(rows, 2 * DIM)


def seen(number: int, photo: bytes, caption: str) -> Photo:
    width, height = PIL.Image.open(io.BytesIO(photo)).size
    crops = ([0, 0, height, width], [number, 3, height - 40, width - 50], [height - 90, width - 80, 90, 80])
    views = tuple([crop, [[6, 0.27], [place, 0.0]]] for place, crop in zip((0, 12, 13), crops, strict=True))
    uid = uuid.UUID(int=(number + 1) * 0x10203040506070801020304050607080 % (1 << 128)).hex
    return Photo(uid, photo, caption, views, unit(VIEWS, number), unit(1 + TEXTS, 100 + number))


@pytest.fixture(scope="session")
def web(photo_sets) -> tuple[Photo, ...]:
    """Twelve photos, in none of which nearly all is sky."""
    photos = samples(photo_sets / "flickr8k-train-000001.tar")
    originals = islice((photo for photo in photos if "rocket" not in photo.record["captions"][0]), 12)
    return tuple(
        seen(number, photo.photo, photo.record["captions"][0]) for number, photo in enumerate(originals)
    )


def published(photo: Photo, *, bf16=False, hashed=True, key=None) -> dict[str, bytes]:
    """The members of a sample as the hub has them: no photo, no caption."""
    key = key or photo.uid
    arrays, content = {"image_emb": photo.images, "text_emb": photo.texts}, io.BytesIO()
    if bf16:
        torch.save({name: torch.tensor(array).bfloat16() for name, array in arrays.items()}, content)
    else:
        np.savez(content, **arrays)
    record = {"uid": photo.uid, **({"sha256": photo.sha256} if hashed else {})}
    return {
        f"{key}.url.txt": f"https://example.org/{photo.uid}.jpg".encode(),
        f"{key}.syn.json": json.dumps({"syn_text": [f"made {n}" for n in range(TEXTS)]}).encode(),
        f"{key}.paug.json": json.dumps({"param_aug": json.dumps(photo.views)}).encode(),
        f"{key}.{'pth.gz' if bf16 else 'npz'}": gzip.compress(content.getvalue())
        if bf16
        else content.getvalue(),
        f"{key}.json": json.dumps(record).encode(),
    }


def write_members(path: Path, *of: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_shard(path, [member for members in of for member in members.items()])


def fetched(photo: Photo, number: int, *, side=SIDE, **changed) -> tuple[bytes, dict[str, Any]]:
    """Photo and JSON as img2dataset leaves them: scaled and reencoded, with hash and size of the download."""
    image = PIL.Image.open(io.BytesIO(photo.original)).convert("RGB")
    image.thumbnail((side, side))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=95)
    facts = {
        "uid": photo.uid,
        "url": f"https://example.org/{photo.uid}.jpg",
        "caption": photo.caption,
        "key": f"{number:08}",
        "status": "success",
        "error_message": None,
        "width": image.width,
        "height": image.height,
        "original_width": photo.size[0],
        "original_height": photo.size[1],
        "exif": "{}",
        "sha256": photo.sha256,
    }
    return content.getvalue(), facts | changed


Downloads = list[tuple[bytes, dict[str, Any]]]


def as_tar(folder: Path, downloads: Downloads, shard: int = 0) -> Path:
    """img2dataset's `webdataset`: keys begin with the shard's number; a table without photos lies beside it."""
    folder.mkdir(exist_ok=True)
    members = []
    for photo, facts in downloads:
        key, text, record = facts["key"], facts["caption"].encode(), json.dumps(facts, indent=4).encode()
        members.append({f"{key}.jpg": photo, f"{key}.txt": text, f"{key}.json": record})
    pq.write_table(pa.Table.from_pylist([facts for _, facts in downloads]), folder / f"{shard:05}.parquet")
    return write_members(folder / f"{shard:05}.tar", *members)


def as_files(folder: Path, downloads: Downloads) -> None:
    """img2dataset's `files`."""
    (folder / "00000").mkdir(parents=True)
    (folder / "00000_stats.json").write_text("{}")
    for photo, facts in downloads:
        path = folder / "00000" / facts["key"]
        path.with_suffix(".jpg").write_bytes(photo)
        path.with_suffix(".txt").write_text(facts["caption"], "utf-8")
        path.with_suffix(".json").write_text(json.dumps(facts, indent=4), "utf-8")


def as_table(folder: Path, downloads: Downloads) -> None:
    """img2dataset's `parquet`, in which a failed download is a row too; it has three rows a group here."""
    folder.mkdir()
    made = [{**facts, "jpg": photo, "txt": facts["caption"]} for photo, facts in downloads]
    lost = {**downloads[0][1], "uid": "f" * 32, "status": "failed_to_download", "jpg": None, "txt": None}
    pq.write_table(pa.Table.from_pylist([lost, *made]), folder / "00000.parquet", row_group_size=3)


@pytest.fixture
def downloaded(web, tmp_path) -> Path:
    """A folder that has all photos as tars."""
    as_tar(tmp_path / "photos", [fetched(photo, number) for number, photo in enumerate(web)])
    return tmp_path / "photos"


@pytest.fixture(scope="session")
def reinforced(web, tmp_path_factory) -> Path:
    """The published set, in two shards."""
    folder = tmp_path_factory.mktemp("DataCompDR")
    write_members(folder / "00000000.tar", *map(published, web[:7]))
    write_members(folder / "00000001.tar", *map(published, web[7:]))
    return folder


@pytest.fixture
def index_of(tmp_path):
    """Opens an index of some sources."""
    with ExitStack() as stack:
        yield lambda *sources: stack.enter_context(
            closing(
                open_index(find_sample_files(list(map(str, sources))), tmp_path / "cache", lambda *_: None)
            )
        )


@pytest.fixture
def join_with(index_of, tmp_path):
    """Joins a set with some sources."""

    def run(reinforced, *sources, output=tmp_path / "joined"):
        shards = shards_below(str(reinforced))
        joining = JoinJob(shards, index_of(*sources), teachers_of(shards[0].path), parse_path(str(output)))
        return join(joining, lambda *_: None)

    return run


def joined_samples(folder):
    """The members of all samples in a folder of joined shards, by key."""
    shards = sorted(folder.glob("**/*.tar"))
    return {group.key: dict(group.members) for shard in shards for group in grouped(shard)}
