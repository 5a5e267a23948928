"""Shards are named by a folder, a file, wildcards or ranges, on a disk and in a store."""

from __future__ import annotations

import os

import pytest

from mctrain.data.shard_names import find_shards, resolve_shards, shards_below
from mctrain.errors import DataError
from mctrain.paths import parse_path, write

NAMES = [f"{folder:02}/{shard:04}.tar" for folder in range(2) for shard in range(12)]


@pytest.fixture(params=["absolute", "relative", "memory"])
def folder(request, tmp_path, monkeypatch):
    """Two folders of twelve shards, and another file."""
    monkeypatch.chdir(tmp_path)
    text = {"absolute": str(tmp_path / "set"), "relative": "set", "memory": f"memory://{tmp_path.name}"}[
        request.param
    ]
    for name in (*NAMES, "readme.txt"):
        write(parse_path(text) / name, name.encode())
    return text


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("/", 24), ("/{00..01}/{0000..0011}.tar", 24), ("/*/000[0-3].tar", 8)],
)  # fmt: skip
def test_names_are_relative_to_the_named_folder_or_first_wildcard(folder, pattern, count):
    found = shards_below(folder + pattern)
    assert len(found) == count
    assert {shard.name for shard in found} <= set(NAMES)
    assert [shard.path.read_bytes().decode() for shard in found] == [shard.name for shard in found]


def test_a_single_file_keeps_its_name(folder):
    (one,) = shards_below(f"{folder}/01/0005.tar")
    assert (one.name, one.path.read_bytes()) == ("0005.tar", b"01/0005.tar")
    if folder == "set":
        os.chdir("set/01")
        assert [shard.name for shard in shards_below("00{03..04}.tar")] == ["0003.tar", "0004.tar"]


def test_a_file_of_several_patterns_is_listed_once_at_its_first_place(folder):
    found = find_shards(parse_path(folder), ["00/0003.tar", "00/000{3..4}.tar", "00/000[0-4].tar"])
    assert [place.read_bytes().decode()[-5] for place in found] == list("34012")
    assert len(resolve_shards([folder, f"{folder}/01/0005.tar"])) == len(NAMES)


def test_a_missing_shard_is_named(folder):
    with pytest.raises(DataError, match=r"There is no file 00/0012\.tar in "):
        find_shards(parse_path(folder), ["{00..01}/{0000..0012}.tar"])
    with pytest.raises(
        DataError, match=r"There is no file \*\*/\*\.tar in .*nowhere; choose the folder that has it"
    ):
        shards_below(f"{folder}/nowhere")
    with pytest.raises(DataError, match=r"There is no file 0012\.tar in .*01; choose the folder that has it"):
        shards_below(f"{folder}/01/0012.tar")
