"""Shards of any writer are read: named one by one, by ranges or wildcards, and grouped whatever is wrong inside them."""

from __future__ import annotations

import subprocess
import tarfile
from itertools import islice

import pytest
from tests.trainer.conftest import write_shard

from mctrain.data.checks.leakage import evaluation_keys, shipped_digests
from mctrain.data.shard_names import find_shards, resolve_shards
from mctrain.data.shards import grouped, members, samples, write_archive
from mctrain.errors import DataError


@pytest.fixture(scope="module")
def photos(photo_sets):
    return [sample.photo for sample in islice(samples(photo_sets / "flickr8k-train-000000.tar"), 4)]


@pytest.fixture
def folder(tmp_path):
    for number in range(8, 12):
        write_shard(tmp_path / f"shard-{number:06}.tar", [])
    write_shard(tmp_path / "b.tar", [])
    return tmp_path


def names(shards):
    return [path.name for path in shards]


@pytest.mark.parametrize(
    "pattern",
    [
        "shard-{000008..000011}.tar",
        "shard-{000010..000008}.tar",
        "{b,shard-0000{08,11}}.tar",
        "shard-{000008..000011..2}.tar",
    ],
)
def test_ranges_in_braces_are_those_of_the_shell(folder, pattern):
    listed = subprocess.run(
        ["bash", "-c", f"echo {pattern}"], capture_output=True, text=True, check=True
    ).stdout
    assert names(find_shards(folder, [pattern])) == listed.split()


def test_an_existing_file_is_not_taken_for_a_pattern(tmp_path):
    for name in ("my[1].tar", "my{a,b}.tar"):
        write_shard(tmp_path / name, [])
        assert names(find_shards(tmp_path, [name])) == names(resolve_shards([str(tmp_path / name)])) == [name]


def test_a_range_of_too_many_shards_is_refused():
    with pytest.raises(DataError, match="stands for more than 1000000 files"):
        resolve_shards(["{0..99999999}.tar"])


def test_members_are_grouped_up_to_the_first_dot(photos, tmp_path):
    parts = [
        ("./a.JPG", photos[0]), ("./a.syn.json", b"{}"), ("./a.pth.gz", b""),
        ("v1.2/b.png", photos[1]), ("v1.2/b.txt", b"x"),
    ]  # fmt: skip
    first, second = grouped(write_shard(tmp_path / "a.tar", parts))
    assert (first.key, list(first.members), first.fault) == ("a", ["jpg", "syn.json", "pth.gz"], None)
    assert (second.key, second.suffix, second.photo) == ("v1.2/b", "png", photos[1])
    assert second.image().size == (224, 224)


def test_a_repeated_suffix_begins_the_next_sample(photos, tmp_path):
    parts = [("a.jpg", photos[0]), ("a.txt", b"1"), ("a.jpg", photos[1]), ("a.txt", b"2")]
    both = list(grouped(write_shard(tmp_path / "a.tar", parts)))
    assert [(group.photo, group.members["txt"]) for group in both] == [(photos[0], b"1"), (photos[1], b"2")]


def test_faults_have_reasons_and_stop_nothing(photos, tmp_path):
    parts = [
        ("a.txt", b"x"), ("b.jpg", photos[0]), ("b.json", b"{"), ("c.jpg", photos[1]), ("c.paug.json", b"["),
        ("d.jpg", photos[2][:500]), ("e.jpg", photos[3]), ("e.json", b"{}"), ("e.paug.json", b"[]"),
    ]  # fmt: skip
    found = {group.key: group for group in grouped(write_shard(tmp_path / "a.tar", parts))}
    kinds = {key: group.fault and group.fault.kind for key, group in found.items()}
    assert kinds == {"a": "no photo", "b": "broken json", "c": "broken json", "d": None, "e": None}
    with pytest.raises(DataError, match=r"The photo d\.jpg cannot be shown"):
        found["d"].image()


@pytest.mark.parametrize("name", ["flickr8k-train-000000.tar", "labelled-train-000001.tar.gz"])
def test_a_damaged_shard_gives_its_readable_samples_and_one_fault(name, photo_sets, tmp_path):
    content, path = bytearray((photo_sets / name).read_bytes()), tmp_path / name
    whole = [group.key for group in islice(grouped(photo_sets / name), 30)]
    place = 100_000
    with tarfile.open(photo_sets / name) as archive:
        if name.endswith(".tar"):  # the header of a member in the middle
            place = next(member.offset for member in archive if member.offset > place)
    content[place : place + 512] = b"?" * 512
    path.write_bytes(content)
    *readable, last = grouped(path)
    assert len(readable) > 5
    assert [group.key for group in readable][:5] == whole[:5]
    assert not any(group.fault for group in readable[:-1])
    assert last.fault.kind == "damaged shard"
    assert name in last.fault.sentence


def test_a_shard_cut_off_between_two_members_is_damaged(photo_sets, tmp_path):
    whole = photo_sets / "flickr8k-train-000000.tar"
    with tarfile.open(whole) as archive:
        place = next(member.offset for member in archive if member.offset > 50_000)
    path = tmp_path / "a.tar"
    path.write_bytes(whole.read_bytes()[:place])
    with pytest.raises(DataError, match=f"cut off after {place} bytes"):
        list(members(path))
    assert [group.fault.kind for group in grouped(path) if group.fault] == ["damaged shard"]


def test_a_folder_and_a_large_suffix_hide_no_evaluation_photo(real_data, tmp_path):
    photo = next(samples(real_data / "flickr8k-dev-000000.tar"))
    shard = write_shard(tmp_path / "a.tar", [("./x/mine.JPG", photo.photo), (f"./{photo.key}.png", b"")])
    assert evaluation_keys(shard, shipped_digests()) == ["x/mine", photo.key]


def test_equal_samples_give_equal_bytes_that_any_tar_reads(photos, tmp_path):
    written = [(f"{number:032x}", {"jpg": photo, "txt": b"x"}) for number, photo in enumerate(photos)]
    write_archive(tmp_path / "a.tar", written)
    write_archive(tmp_path / "b" / "b.tar", iter(written))
    content = (tmp_path / "a.tar").read_bytes()
    assert content == (tmp_path / "b" / "b.tar").read_bytes()
    listing = subprocess.run(
        ["tar", "tvf", str(tmp_path / "a.tar")], capture_output=True, text=True, check=True
    )
    assert listing.stdout.count("-rw-r--r-- 0/0") == 8
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert {member.mtime for member in archive} == {0}
