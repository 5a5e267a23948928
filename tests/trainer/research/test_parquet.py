"""img2dataset's Parquet is packed as the same photos in a folder are."""

from __future__ import annotations

import json
import sys
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.trainer.conftest import no_progress

from mctrain.data.packing.pack import pack
from mctrain.data.packing.plan import PackingSettings
from mctrain.data.shards import grouped, samples
from mctrain.data.texts import texts_of
from mctrain.errors import DataError
from mctrain.research.parquet import read_tables

SETTINGS = PackingSettings(side=96, per_shard=4)


def run(source, folder):
    return pack(source, folder, SETTINGS, no_progress, read_tables)


@pytest.fixture(scope="module")
def originals(photo_sets):
    return list(islice(samples(photo_sets / "flickr8k-train-000002.tar"), 6))


@pytest.fixture
def table(originals, tmp_path):
    """Two files, one of them with a download that failed, and a table of another program."""
    folder = tmp_path / "fetched"
    folder.mkdir()
    rows = [
        {"url": f"https://example.org/{sample.key}", "key": f"{n:09}", "status": "success", "exif": '{"GPS": "here"}',
         "txt": sample.record["captions"][0], "jpg": sample.photo}
        for n, sample in enumerate(originals)
    ]  # fmt: skip
    lost = {**rows[0], "status": "failed_to_download", "jpg": None, "txt": None}
    pq.write_table(pa.Table.from_pylist([*rows[:4], lost]), folder / "00000.parquet", row_group_size=2)
    pq.write_table(pa.Table.from_pylist(rows[4:]), folder / "00001.parquet")
    pq.write_table(pa.table({"url": ["https://example.org"]}), folder / "urls.parquet")
    return folder


def test_photos_of_a_table_are_packed_as_those_of_a_folder(table, originals, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    for sample in originals:
        (plain / f"{sample.key}.jpg").write_bytes(sample.photo)
        (plain / f"{sample.key}.txt").write_text(sample.record["captions"][0], "utf-8")
    packed = run(table, tmp_path / "one")
    assert packed.faults == [f"{table / '00000.parquet'}: no photo in 1 of its rows, downloads that failed."]
    run(plain, tmp_path / "other")
    one, other = (
        {
            group.key: group.members
            for shard in sorted((tmp_path / name).glob("*.tar"))
            for group in grouped(shard)
        }
        for name in ("one", "other")
    )
    assert len(one) == len(originals)
    for key, members in one.items():
        assert (members["jpg"], members["txt"]) == (other[key]["jpg"], other[key]["txt"])
        assert texts_of(members).about["url"].startswith("https://example.org/")
        assert "exif" not in json.loads(members["json"])
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "manifest.json", "shard-000000.tar", "shard-000001.tar",
    ]  # fmt: skip


def test_one_file_is_a_source_too_and_finished_shards_are_kept(table, tmp_path):
    spool = tmp_path / "out" / ".photos.part"
    spool.mkdir(parents=True)
    (spool / "left.jpg").write_bytes(b"by a run that was killed")
    first = run(table / "00001.parquet", tmp_path / "out")
    assert [shard.photos for shard in first.shards] == [2]
    assert run(table / "00001.parquet", tmp_path / "out").kept == 1


def test_a_damaged_table_and_a_missing_package_are_reported(table, tmp_path, monkeypatch):
    (table / "00001.parquet").write_bytes(b"PAR1 no table")
    assert any("00001.parquet cannot be read: " in fault for fault in run(table, tmp_path / "out").faults)
    with pytest.raises(DataError, match="No photo could be packed"):
        run(table / "urls.parquet", tmp_path / "nothing")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        DataError, match=r"is Parquet, which needs the package pyarrow: pip install 'picsight\[scale\]'"
    ):
        run(table / "00000.parquet", tmp_path / "none")
