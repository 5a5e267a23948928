"""The members of each sample are found anywhere in a shard of any writer."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from tests.trainer.conftest import write_shard as pack
from tests.trainer.data.conftest import SLOTS

from mctrain.data.reading.index import open_shard
from mctrain.data.reinforced.manifest import Storage
from mctrain.data.reinforced.sample import PLAIN, members_of
from mctrain.errors import DataError

ORDER = ("jpg", "txt", "json", "syn.json", "paug.json", "npz")


def contents(shard) -> dict[str, dict[str, bytes]]:
    return {shard.key(number): shard.members(number) for number in range(shard.whole)}


@pytest.fixture
def wanted(reinforced_samples):
    return {sample.key: members_of(sample, Storage.NPZ, SLOTS) for sample in reinforced_samples}


@pytest.mark.parametrize("kind", ["gnu", "pax", "in a folder", "by suffix"])
def test_members_are_found_in_tars_of_any_writer(wanted, tmp_path, kind):
    names = [(key, suffix) for key in wanted for suffix in ORDER]
    if kind == "by suffix":  # as a folder packed in any order
        names.sort(key=lambda name: name[1])
    path = tmp_path / "one.tar"
    form = tarfile.GNU_FORMAT if kind == "gnu" else tarfile.PAX_FORMAT
    with tarfile.open(path, "w", format=form) as archive:
        for key, suffix in names:
            folder = {"gnu": "./", "in a folder": "./part/"}.get(kind, "")
            member = tarfile.TarInfo(f"{folder}{key}.{suffix}")
            member.size = len(wanted[key][suffix])
            member.mtime = 1.5 if kind == "pax" else 0  # a header of its own
            archive.addfile(member, io.BytesIO(wanted[key][suffix]))
            if kind == "by suffix":
                for stranger in (f"{key}.url.txt", f"._{key}.jpg", "README", f"{key}.cls"):
                    archive.addfile(tarfile.TarInfo(stranger))
    found = contents(open_shard(path, tmp_path / "cache"))
    assert found == {f"part/{key}" if kind == "in a folder" else key: wanted[key] for key in wanted}


def test_incomplete_samples_are_counted_by_their_first_missing_member(wanted, tmp_path):
    lacking = [("jpg",), ("jpg", "txt"), (), ("npz",), ("json",), ("paug.json", "npz")]
    parts = [
        (f"{key}.{suffix}", wanted[key][suffix])
        for key, without in zip(wanted, lacking, strict=False)
        for suffix in ORDER
        if suffix not in without
    ]
    twice = list(wanted)[2]
    parts += [(f"{twice}.{suffix}", wanted[twice][suffix]) for suffix in ORDER]
    shard = open_shard(pack(tmp_path / "one.tar", parts), tmp_path / "cache")
    assert [shard.key(number) for number in range(shard.whole)] == [twice, twice]
    assert shard.lacking == {"photo": 2, "embeddings": 1, "json": 1, "paug.json": 1}
    plain = open_shard(tmp_path / "one.tar", tmp_path / "cache", PLAIN)
    assert [plain.key(number) for number in range(plain.whole)] == [twice, twice, *list(wanted)[3:6]]
    assert plain.lacking == {"photo": 2}


def test_a_gzipped_shard_is_unpacked_once_and_again_after_a_change(wanted, tmp_path):
    parts = [(f"{key}.{suffix}", wanted[key][suffix]) for key in wanted for suffix in ORDER]
    path, cache = pack(tmp_path / "one.tar.gz", parts), tmp_path / "cache"

    def cached():
        return {file: file.stat().st_ino for file in cache.rglob("*") if file.is_file()}

    assert contents(open_shard(path, cache)) == wanted
    first = cached()
    assert contents(open_shard(path, cache)) == wanted
    assert cached() == first
    pack(tmp_path / "other.tar.gz", parts[:6])
    (tmp_path / "other.tar.gz").replace(path)
    assert list(contents(open_shard(path, cache))) == list(wanted)[:1]


def test_a_shard_that_is_missing_or_damaged_is_named(wanted, tmp_path):
    parts = [(f"{key}.{suffix}", wanted[key][suffix]) for key in wanted for suffix in ORDER]
    whole = pack(tmp_path / "whole.tar", parts).read_bytes()
    with tarfile.open(tmp_path / "whole.tar") as archive:
        third = archive.getmembers()[12]
    cuts = {
        "between.tar": whole[: third.offset],
        "garbage.tar": whole[: third.offset] + b"x" * 5000,
        "empty.tar": b"",
        "cut.tar.gz": gzip.compress(whole)[:-900],
    }
    for name, content in cuts.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            open_shard(tmp_path / name, tmp_path / "cache")
    with pytest.raises(DataError, match=r"There is no file .*none\.tar"):
        open_shard(tmp_path / "none.tar", tmp_path / "cache")
