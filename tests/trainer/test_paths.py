"""Shards are read and written alike on a disk, in memory and in an S3 bucket."""

from __future__ import annotations

import io
import sys
import tarfile
from contextlib import suppress

import pytest
import s3fs

from mctrain.errors import DataError, TrainerError
from mctrain.paths import draft, files_of, opened, parse_path, read, read_part, size_of, version_of, write

CONTENT = bytes(range(256)) * 5000


@pytest.fixture(params=["disk", "memory", "s3"])
def folder(request, tmp_path):
    """An empty folder of each kind."""
    if request.param == "disk":
        return parse_path(str(tmp_path))
    if request.param == "memory":
        return parse_path(f"memory://{tmp_path.name}")
    return parse_path(f"{request.getfixturevalue('bucket')}/{tmp_path.name}/")


def test_what_was_written_is_listed_and_read_from_anywhere(folder):
    one, other = folder / "b.tar", folder / "deep" / "a.tar"
    assert not one.is_file()
    write(one, CONTENT)
    write(other, b"other")
    write(folder / "[odd].json", b"")
    assert one.is_file()
    assert not folder.is_file()
    assert (size_of(one), one.name, read(one)) == (len(CONTENT), "b.tar", CONTENT)
    assert files_of(folder, "*.tar") == [one]
    assert other.parent / "a.tar" == other
    assert files_of(folder, "**/*.tar") == [one, other]
    assert files_of(folder, "b.tar") == [one]
    assert files_of(folder, "[odd].json") == [folder / "[odd].json"]
    assert files_of(folder, "*.zip") == files_of(folder, "none.tar") == []
    assert read_part(one, 1000, 70) == CONTENT[1000:1070]
    assert read_part(one, len(CONTENT) - 5, 70) == CONTENT[-5:]
    with opened(one) as file:
        assert file.read(4) == CONTENT[:4]
        file.seek(1_000_001)
        assert file.read(300) == CONTENT[1_000_001:1_000_301]
        file.seek(-3, io.SEEK_END)
        assert file.read() == CONTENT[-3:]


def test_a_file_is_written_whole_or_not_at_all(folder):
    shard = folder / "one.tar"
    write(shard, b"first")
    before = version_of(shard)
    with suppress(KeyError), draft(shard) as path:
        path.write_bytes(b"second, and")
        raise KeyError
    assert read(shard) == b"first"
    assert version_of(shard) == before
    assert files_of(folder, "*") == [shard]
    write(shard, b"third")
    assert version_of(shard) != before


def test_an_archive_is_read_where_it_lies(folder):
    with draft(folder / "some.tar") as path, tarfile.open(path, mode="w") as archive:
        for name in ("a.txt", "b.txt"):
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(name[:1].encode() * 4))
    with opened(folder / "some.tar") as file, tarfile.open(fileobj=file) as archive:
        assert [archive.extractfile(member).read() for member in archive] == [b"aaaa", b"bbbb"]


def test_a_missing_file_is_one_sentence(folder):
    nothing = folder / "none.tar"
    for look in (size_of, read, version_of, lambda place: opened(place).__enter__()):
        with pytest.raises(DataError, match=r"There is no file .*none\.tar; check the name"):
            look(nothing)


def test_files_of_other_writers_are_seen(bucket, tmp_path):
    folder = parse_path(f"{bucket}/{tmp_path.name}")
    write(folder / "mine.tar", b"mine")
    assert len(files_of(folder, "*.tar")) == 1
    others = s3fs.S3FileSystem(skip_instance_cache=True)  # as another process has it
    others.pipe_file(f"{folder}/theirs.tar", b"theirs")
    assert (folder / "theirs.tar").is_file()
    assert len(files_of(folder, "*.tar")) == 2


def test_a_refusing_store_is_one_sentence(bucket):
    strange = parse_path("s3://nobody-made-this-bucket/one.tar")
    with pytest.raises(TrainerError, match=r"one\.tar cannot be written: .*; make the bucket first"):
        write(strange, b"content")
    with pytest.raises(DataError, match=r"gopher://there cannot be opened: Protocol not known"):
        parse_path("gopher://there").is_file()


def test_a_path_needs_no_package_and_a_url_names_the_missing_one(monkeypatch):
    for name in ("fsspec", "fsspec.core"):
        monkeypatch.setitem(sys.modules, name, None)
    assert not parse_path("none.tar").is_file()
    with pytest.raises(
        TrainerError, match=r"one\.tar lies in a store, which needs the package fsspec: pip install"
    ):
        parse_path("s3://bucket/one.tar").is_file()
