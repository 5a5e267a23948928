"""`mctrain data check` counts samples, and names faults and near copies."""

from __future__ import annotations

import contextlib
import io
import json
import random
from itertools import islice

import numpy as np
import pytest
from PIL import Image
from tests.trainer.conftest import members_of, run_mctrain, write_photos, write_shard

from mctrain.data.checks.check import check_shards, difference_hash, find_near_copies, near_copies
from mctrain.data.shards import grouped, members, samples
from mctrain.errors import DataError

WORDS = json.dumps({"captions": ["A dog.", "A brown dog."], "queries": ["dog"], "label": None}).encode()


@pytest.fixture
def photos(photo_sets):
    return list(islice(samples(photo_sets / "flickr8k-train-000000.tar"), 3))


def faults_of(path):
    return check_shards([path])[0].faults


def test_a_whole_shard_has_counts_and_no_faults(photos, tmp_path):
    report = check_shards([write_photos(tmp_path / "a.tar", photos, WORDS)])[0]
    assert (report.photos, report.faults) == (3, [])
    assert report.photo_bytes == sum(len(sample.photo) for sample in photos)
    assert (report.texts["human"], report.texts["query"]) == (6, 3)
    assert (report.least_side, report.largest_side) == (224, 224)


def test_missing_members_are_named(photos, tmp_path):
    first, second, third = (members_of(sample, WORDS) for sample in photos)
    faults = faults_of(write_shard(tmp_path / "a.tar", [first[0], second[1], *third]))
    assert faults == [f"{photos[0].key} has no words (txt, json)", f"{photos[1].key} has no photo"]


def test_keys_that_occur_twice_are_named_within_a_shard_and_across(photos, tmp_path):
    parts = members_of(photos[0], WORDS)
    twice = write_shard(tmp_path / "a.tar", [*parts, *parts])
    again = write_shard(tmp_path / "b.tar", parts)
    first, second = check_shards([twice, again])
    assert first.faults == [f"{photos[0].key} occurs twice"]
    assert second.faults == [f"{photos[0].key} occurs in a.tar too"]


def test_evaluation_photos_are_named_by_key_and_by_bytes(real_data, tmp_path):
    stranger = next(samples(real_data / "flickr8k-dev-000000.tar"))
    parts = [*members_of(stranger, WORDS), *members_of(stranger, WORDS, key="other")]
    report = check_shards([write_shard(tmp_path / "a.tar", parts)])[0]
    assert report.evaluation == 2
    assert report.faults == [
        f"{stranger.key} is an evaluation key: never trained on",
        "other is an evaluation photo under another key: never trained on",
    ]


def test_broken_photos_json_and_archives_are_named(photos, tmp_path):
    broken = [("x.jpg", photos[0].photo[:100]), ("x.json", b"{"), ("y.text", b"")]
    faults = faults_of(write_shard(tmp_path / "a.tar", broken))
    assert any(fault.startswith("The photo x.jpg cannot be shown") for fault in faults)
    assert any(fault.startswith("x.json is not JSON") for fault in faults)
    assert "y.text is no known member of a sample" in faults
    (tmp_path / "b.tar").write_bytes(b"no archive" * 100)
    assert faults_of(tmp_path / "b.tar") == [
        f"The shard {tmp_path / 'b.tar'} cannot be read: it is damaged or no tar archive."
    ]
    assert "There is no file" in faults_of(tmp_path / "c.tar")[0]


def test_members_of_reinforced_samples_are_known(photos, tmp_path):
    key = photos[0].key
    members = {
        "txt": b"A dog.",
        "syn.json": b'{"syn_text": ["A hound."]}',
        "paug.json": b"[]",
        "npz": b"",
        "pth.gz": b"",
        "url.txt": b"",
    }
    parts = [
        *members_of(photos[0], b"{}"),
        *((f"{key}.{suffix}", content) for suffix, content in members.items()),
    ]
    (report,) = check_shards([write_shard(tmp_path / "a.tar", parts)])
    assert report.faults == []
    assert (report.texts["human"], report.texts["synthetic"]) == (1, 1)


@pytest.mark.soak
def test_damaged_bytes_raise_nothing_but_data_errors(real_data, tmp_path):
    whole, draw = (real_data / "labelled-train-000001.tar.gz").read_bytes()[:120_000], random.Random(1)
    path = tmp_path / "a.tar.gz"
    for _ in range(40):
        place = draw.randrange(20, 110_000)
        path.write_bytes(whole[:place] + draw.randbytes(3000) + whole[place + 3000 :])
        with contextlib.suppress(DataError):  # bytes of a photo only
            list(members(path))


def test_the_command_exits_with_1_on_faults_only(photos, tmp_path):
    good = write_shard(tmp_path / "a.tar", members_of(photos[0], WORDS))
    bad = write_shard(tmp_path / "b.tar", members_of(photos[1], WORDS)[:1])
    assert "1 photos" in run_mctrain("data", "check", good).output
    assert f"{photos[1].key} has no words" in run_mctrain("data", "check", good, bad, code=1).output


def by_comparing_all(hashes):
    found = []
    for late, value in enumerate(hashes):
        near = [early for early in range(late) if (value ^ hashes[early]).bit_count() <= 4]
        if near:
            found.append((late, near[0], (value ^ hashes[near[0]]).bit_count()))
    return found


@pytest.mark.parametrize("seed", range(2))
def test_near_copies_are_those_of_comparing_all_with_all(seed):
    """Many hashes are made from a few by changing up to six bits."""
    draw = random.Random(seed)
    parents = [draw.getrandbits(64) for _ in range(12)]
    hashes = []
    for _ in range(400):
        value = draw.choice(parents)
        for bit in draw.sample(range(64), draw.randrange(7)):
            value ^= 1 << bit
        hashes.append(value)
    expected = by_comparing_all(hashes)
    assert {bits for _, _, bits in expected} == {0, 1, 2, 3, 4}
    assert near_copies(hashes) == expected


def test_nothing_is_near_to_nothing():
    assert near_copies([]) == []
    assert near_copies([5]) == []


def test_a_hash_records_where_a_picture_gets_brighter_to_the_right():
    rising = np.tile(np.arange(0, 90, 10, np.uint8), (8, 1))
    rising[:4] = rising[:4, ::-1]
    assert difference_hash(Image.fromarray(rising)) == 0x00000000FFFFFFFF


def test_a_picture_without_a_pattern_has_no_hash():
    assert difference_hash(Image.new("RGB", (300, 200), "white")) is None
    assert difference_hash(Image.linear_gradient("L").rotate(90)) is None


def test_a_smaller_and_coarser_copy_is_near_and_other_photos_are_not(real_data):
    images = [group.image() for group in islice(grouped(real_data / "flickr8k-train-000003.tar"), 60)]
    hashes = [difference_hash(image) for image in images]
    assert near_copies(hashes) == []
    for image in images:
        out = io.BytesIO()
        image.resize((150, 150), Image.Resampling.BICUBIC).save(out, "WEBP", quality=60)
        hashes.append(difference_hash(Image.open(out)))
    found = [(late - 60, early) for late, early, _ in near_copies(hashes)]
    assert all(late == early for late, early in found)
    assert len(found) >= 58


@pytest.mark.soak
def test_five_photos_of_the_training_data_are_near_copies(real_data):
    """Two are copies, night views of MIRFLICKR; three are plain seas and skies."""
    found = find_near_copies(check_shards(sorted(real_data.glob("*.tar*"))))
    assert {sentence.split()[2] for sentence in found} == {
        "clothing-00164", "more-mirflickr-3727", "photos-mirflickr-1153",
        "photos-mirflickr-0537", "photos-mirflickr-0193",
    }  # fmt: skip
