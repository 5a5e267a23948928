"""Statistics and the table of words agree with an independent count of the same shards."""

from __future__ import annotations

import gzip
import io
import json
import statistics
import tarfile
from itertools import islice

import numpy as np
import pytest
from PIL import Image
from tests.trainer.conftest import run_mctrain, write_shard

from mctrain.data.checks.stats import SHARES, measure_shards
from mctrain.data.held_out import is_everyday
from mctrain.data.shards import grouped, samples


@pytest.fixture(scope="module")
def shards(photo_sets, tmp_path_factory):
    """The first photos of two parts: captions of people with searches and names, and synthetic ones."""
    made = []
    for name in ("labelled-train-000001.tar.gz", "coco-captioned-000000.tar.gz"):
        parts = [
            (f"{group.key}.{suffix}", content)
            for group in islice(grouped(photo_sets / name), 60)
            for suffix, content in group.members.items()
        ]
        made.append(write_shard(tmp_path_factory.mktemp("parts") / name, parts))
    return made


@pytest.fixture(scope="module")
def measured(shards):
    return measure_shards(shards)


@pytest.fixture(scope="module")
def counted(shards):
    """Photos and records counted with tarfile and json."""
    photos, records = [], []
    for shard in shards:
        with gzip.open(shard) as plain, tarfile.open(fileobj=io.BytesIO(plain.read())) as archive:
            for member in archive:
                content = archive.extractfile(member).read()
                if member.name.endswith(".json"):
                    records.append(json.loads(content))
                else:
                    photos.append((Image.open(io.BytesIO(content)).size, len(content)))
    return photos, records


def test_texts_are_counted_by_kind(measured, counted):
    _, records = counted
    synthetic = [record for record in records if record.get("caption_source") == "synthetic"]
    people = [record for record in records if record.get("caption_source") != "synthetic"]
    assert measured.photos == len(records) == 37
    assert len(measured.words["human"]) == sum(len(record["captions"]) for record in people)
    assert len(measured.words["synthetic"]) == sum(len(record["captions"]) for record in synthetic)
    assert len(measured.words["query"]) == sum(len(record.get("queries", ())) for record in records)
    assert measured.with_kind["class"] == sum(
        bool(record["label"] or record.get("labels")) for record in records
    )
    lengths = [len(text.split()) for record in people for text in record["captions"]]
    middle = SHARES.index(0.5)
    assert measured.lengths()["human"][middle] == statistics.median(lengths)


def test_sizes_licences_and_sources_are_counted(measured, counted, shards):
    photos, records = counted
    sizes = measured.sizes()
    short = [min(size) for size, _ in photos]
    assert sizes["short side"] == pytest.approx(
        [round(float(side), 2) for side in np.quantile(short, SHARES)]
    )
    assert (sizes["bytes"][0], sizes["bytes"][-1]) == (
        min(size for _, size in photos),
        max(size for _, size in photos),
    )
    assert measured.bytes == sum(path.stat().st_size for path in shards)
    for field, counts in (("license", measured.licences), ("source", measured.sources)):
        assert counts == {
            text: sum(record[field] == text for record in records)
            for text in {record[field] for record in records}
        }


def test_broken_samples_are_skipped_and_counted(photo_sets, tmp_path):
    with tarfile.open(photo_sets / "flickr8k-train-000000.tar") as archive:
        photo = archive.extractfile(archive.next()).read()
    parts = [("a.json", b"{}"), ("b.jpg", photo), ("b.json", b"{"), ("c.jpg", b"?"), ("d.jpg", photo), ("d.txt", b"A dog."),
             ("e.jpg", photo), ("e.json", b'{"captions": 1}'), ("f.jpg", photo), ("f.json", b"{}"), ("g.jpg", photo), ("g.json", b'{"set": "x", "label": 5}')]  # fmt: skip
    shard = write_shard(tmp_path / "a.tar", parts)
    shard.write_bytes(shard.read_bytes().rstrip(b"\0") + b"\0" * 100)
    stats = measure_shards([shard])
    assert (stats.photos, stats.textless) == (2, 1)
    assert stats.faults == {
        "no photo": 1,
        "broken json": 1,
        "no picture": 1,
        "broken words": 2,
        "damaged shard": 1,
    }


def test_a_word_is_counted_once_a_photo(tmp_path, photo_sets):
    texts = [["Two dogs.", "A dog runs"], ["a dog", "a cat"], ["dogs"], ["a cat"]]
    members = []
    for number, captions in enumerate(texts):
        record = json.dumps({"texts": captions}).encode()
        members += [(f"{number}.jpg", b"photo"), (f"{number}.json", record)]
    shards = photo_sets / "photos-described-000000.tar.gz"
    drawn = [sample for sample in samples(shards) if is_everyday(sample.key, sample.record)][:3]
    for sample in drawn:
        record = json.dumps({**sample.record, "texts": ["a dog"]}).encode()
        members += [(f"{sample.key}.jpg", b"photo"), (f"{sample.key}.json", record)]
    write_shard(tmp_path / "some-000000.tar", members)
    table = tmp_path / "words.tsv"
    run_mctrain("data", "words", tmp_path / "some-000000.tar", "-o", table)
    assert table.read_text() == "*\t4\ndog\t3\na\t3\n"
    assert len(drawn) == 3
