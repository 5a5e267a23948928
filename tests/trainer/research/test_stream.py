"""Streamed shards give the samples of the indexed reader, and a stopped pass goes on by whole shards."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import fsspec
import pytest
import torch
from tests.trainer.data.conftest import SLOTS, WIDTHS, write_samples

from mctrain.data.held_out import is_held_out
from mctrain.data.reading import reader
from mctrain.data.reading.reader import TrainingData, open_data
from mctrain.data.reading.sampling import EpochPart, ReaderSettings, StoredViews, TextChoice
from mctrain.data.reinforced.manifest import MANIFEST, ReinforcedManifest, ShardRecord, Storage, save_manifest
from mctrain.data.reinforced.sample import members_of
from mctrain.data.shards import write_archive
from mctrain.errors import DataError
from mctrain.paths import draft, parse_path, write
from mctrain.research import stream
from mctrain.research.stream import StreamedData

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = ReaderSettings("bicubic", TextChoice("any", "^syn_text$"), StoredViews(WIDTHS))
PER_SHARD = (3, 5, 2, 4, 2)


@pytest.fixture(scope="module")
def folder(reinforced_samples, tmp_path_factory) -> Path:
    """Sixteen samples in five shards, with their manifest."""
    made, records, start = tmp_path_factory.mktemp("streamed"), [], 0
    for number, count in enumerate(PER_SHARD):
        write_samples(made / f"{number}.tar", reinforced_samples[start : start + count], Storage.NPZ)
        records.append(ShardRecord(f"{number}.tar", count, f"{number}" * 64, {}, {}))
        start += count
    save_manifest(made / MANIFEST, ReinforcedManifest({}, (), tuple(records), (), {}))
    return made


def stored(folder, url):
    """The same folder in a store."""
    place = parse_path(url)
    for path in folder.iterdir():
        write(place / path.name, path.read_bytes())
    return place


def opened(place, tmp_path, patterns=("{0..4}.tar",), settings=SETTINGS):
    data = open_data(place, patterns, tmp_path / "cache", settings, stream.open_stream)
    assert isinstance(data, StreamedData)
    return data


def keys_of(batches):
    return [key for batch in batches for key in batch.keys]


def test_a_pass_sees_each_sample_once_just_as_the_indexed_reader_does(folder, tmp_path):
    data = opened(stored(folder, f"memory://{tmp_path.name}"), tmp_path)
    exact = TrainingData([folder / f"{number}.tar" for number in range(5)], tmp_path, SETTINGS)
    assert len(data) == len(exact) == 16
    orders = []
    for epoch in range(2):
        part = EpochPart(epoch, 7, 4, 24)
        wanted = {key: (batch, row) for batch in exact.batches(part, 0) for row, key in enumerate(batch.keys)}
        batches = list(data.batches(part, 0))
        assert sorted(keys_of(batches)) == sorted(wanted)
        for batch in batches:
            for row, key in enumerate(batch.keys):
                other, place = wanted[key]
                assert torch.equal(batch.pixels[row], other.pixels[place])
                assert torch.equal(batch.image_embeddings[row], other.image_embeddings[place])
                assert (batch.captions[row], batch.synthetic[row]) == (
                    other.captions[place],
                    other.synthetic[place],
                )
        assert keys_of(data.batches(part, 0)) == keys_of(batches)  # the same again
        orders.append(keys_of(batches))
    assert orders[0] != orders[1]
    assert data.skipped == {}


def test_ranks_and_processes_share_the_shards(folder, bucket, tmp_path, monkeypatch):
    remote = opened(stored(folder, f"{bucket}/{tmp_path.name}"), tmp_path)
    monkeypatch.setattr(reader, "MOST_INDEXED", 4)
    local = opened(folder, tmp_path)
    seen = []
    for rank, data, workers in ((0, remote, 0), (1, remote, 0), (0, local, 2)):
        batches = list(data.batches(EpochPart(0, 3, 4, 8, rank=rank, ranks=2), workers))
        assert [len(batch.keys) for batch in batches] == [2] * 4
        seen.append(set(keys_of(batches)))
    # batches alternate between the last two processes, each with other shards
    assert not set(keys_of(batches[::2])) & set(keys_of(batches[1::2]))
    assert not seen[1] & (seen[0] | seen[2])
    with pytest.raises(DataError, match="5 shards cannot be streamed by 6 processes"):
        next(remote.batches(EpochPart(0, 3, 12, 8, rank=5, ranks=6), 0))


def test_a_pass_entered_midway_begins_at_a_shard(folder, reinforced_samples, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "_MIXED", 1)  # numbers: samples in the order of their shards
    monkeypatch.setattr(stream, "_FIRST", 1)
    data = opened(stored(folder, f"memory://{tmp_path.name}"), tmp_path)
    whole = keys_of(data.batches(EpochPart(0, 1, 2, 8), 0))
    starts = [sum(PER_SHARD[:number]) for number in range(5)]
    first_of = {reinforced_samples[start].key for start in starts}
    for step in range(1, 8):
        entered = keys_of(data.batches(EpochPart(0, 1, 2, 8, start=step), 0))
        assert len(entered) == len(whole) - 2 * step
        assert entered[0] in first_of
        again = whole.index(entered[0])
        assert 2 * step - max(PER_SHARD) < again <= 2 * step
        count = min(len(entered), len(whole) - again)
        assert entered[:count] == whole[again : again + count]
    assert len(keys_of(data.batches(EpochPart(0, 1, 2, 8, start=2, stop=5), 0))) == 6


def test_unusable_samples_are_counted_and_skipped(folder, reinforced_samples, tmp_path):
    place = stored(folder, f"memory://{tmp_path.name}")
    with tarfile.open(folder / "1.tar") as archive:
        third = [member.offset_data for member in archive if member.name.endswith(".npz")][2]
    write(place / "1.tar", (folder / "1.tar").read_bytes()[: third + 9])
    write(place / "2.tar", b"no archive" * 100)
    bare = [
        (sample.key, dict(members_of(sample, Storage.NPZ, SLOTS))) for sample in reinforced_samples[10:14]
    ]
    del bare[0][1]["paug.json"]
    with draft(place / "3.tar") as path:
        write_archive(path, bare)
    twice = dict(members_of(reinforced_samples[14], Storage.NPZ, SLOTS))
    with draft(place / "4.tar") as path:
        write_archive(path, [(reinforced_samples[14].key, twice)] * 2)
    data = opened(place, tmp_path)
    fsspec.filesystem("memory").rm(f"/{tmp_path.name}/0.tar")
    keys = Counter(keys_of(data.batches(EpochPart(0, 1, 4, 8), 0)))
    assert {reinforced_samples[number].key for number in (11, 12, 13, 14)} < keys.keys()
    assert bare[0][0] not in keys
    # the cut sample lacks what was behind the cut
    assert data.skipped == {"no paug.json": 1, "damaged shard": 3, "no embeddings": 1}


def test_samples_kept_apart_are_never_seen(folder, reinforced_samples, tmp_path):
    data = opened(
        stored(folder, f"memory://{tmp_path.name}"), tmp_path, settings=replace(SETTINGS, held_out=0.5)
    )
    assert len(data) == 8
    seen = {key for epoch in range(4) for key in keys_of(data.batches(EpochPart(epoch, 0, 2, 8), 0))}
    assert (
        seen
        == {sample.key for sample in reinforced_samples if not is_held_out(sample.key, 0.5)}
        < {sample.key for sample in reinforced_samples}
    )


def test_shards_without_a_usable_sample_end_the_run(folder, tmp_path):
    place = stored(folder, f"memory://{tmp_path.name}")
    for number in range(5):
        write(place / f"{number}.tar", b"no archive" * 100)
    data = opened(place, tmp_path)
    with pytest.raises(DataError, match=r"10 samples in a row cannot be used\. The last: \d\.tar: "):
        next(data.batches(EpochPart(0, 1, 4, 8), 0))


def test_a_folder_is_indexed_unless_it_has_too_many_shards(folder, tmp_path, monkeypatch):
    place = folder
    exact = open_data(place, ["*.tar"], tmp_path, SETTINGS, stream.open_stream)
    assert isinstance(exact, TrainingData)
    assert exact.guarantee == (
        "16 samples of 5 shards, by an index: a run that was stopped goes on exactly where it was."
    )
    monkeypatch.setattr(reader, "MOST_INDEXED", 4)
    data = opened(place, tmp_path)
    assert (
        "16 samples of 5 shards, streamed: a run that was stopped goes on at the beginning of the shards"
        in data.guarantee
    )
    assert data.digests == {f"{number}.tar": f"{number}" * 64 for number in range(5)}


def test_shards_are_counted_by_their_manifest(folder, tmp_path):
    place = stored(folder, f"memory://{tmp_path.name}")
    write(place / "5.tar", b"")
    with pytest.raises(DataError, match=r"does not name 5\.tar, one of 1 such shards"):
        opened(place, tmp_path, ["*.tar"])
    packed = {"shards": [{"name": "0.tar", "photos": 3, "sha256": ""}]}
    write(place / MANIFEST, json.dumps(packed).encode())
    assert len(opened(place, tmp_path, ["0.tar"])) == 3
    write(place / MANIFEST, b'{"shards": [{}]}')
    with pytest.raises(DataError, match=r"manifest\.json is damaged"):
        opened(place, tmp_path, ["0.tar"])
    nowhere = parse_path(f"memory://{tmp_path.name}/nowhere")
    write(nowhere / "0.tar", b"")
    with pytest.raises(
        DataError, match=r"nowhere/manifest\.json is missing: shards that are streamed are counted"
    ):
        opened(nowhere, tmp_path, ["0.tar"])
