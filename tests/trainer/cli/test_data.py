"""`mctrain data` as typed and read on the command line."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from itertools import islice

import pytest
from PIL import Image
from tests.trainer.conftest import DEV_KEYS, run_mctrain, write_shard

from mctrain.data.shards import samples


def run(*words):
    return run_mctrain("data", *words).output


@pytest.fixture(scope="module")
def folder(photo_sets, tmp_path_factory):
    """Ten photos, two with captions, a copy, an evaluation photo and a file that is no photo."""
    photos = tmp_path_factory.mktemp("photos")
    for number, sample in enumerate(islice(samples(photo_sets / "flickr8k-train-000004.tar"), 10)):
        (photos / f"p{number}.jpg").write_bytes(sample.photo)
    (photos / "copy.jpg").write_bytes((photos / "p3.jpg").read_bytes())
    stranger = next(samples(photo_sets / "flickr8k-dev-000000.tar"))
    (photos / f"{stranger.key}.jpg").write_bytes(stranger.photo)
    (photos / "none.jpg").write_bytes(b"no picture")
    (photos / "captions.csv").write_text(
        "file,caption,query\np0.jpg,A dog.,dog\np1.jpg,A cat.,\nlost.jpg,x,\n", "utf-8"
    )
    return photos


@pytest.fixture(scope="module")
def packed(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "shards"
    return out, run("pack", folder, "-o", out, "--per-shard", 4, "--license", "CC0-1.0")


def test_pack_reports_what_it_packed_and_what_it_left_out(packed, folder):
    out, report = packed
    assert f"{out}: 10 photos in 3 shards" in report
    assert "captions: 2 by people, 0 synthetic, 8 none" in report
    assert "picture: 10 as it was, 0 re-encoded; no metadata" in report
    assert f"refused, evaluation photos: 1\n    {folder}/{DEV_KEYS[0]}.jpg is one by its key\n" in report
    assert "left out, copies: 1" in report
    assert "left out, faults: 2" in report
    assert f"{folder}/none.jpg is not a picture." in report
    assert f"{folder}/captions.csv, line 4 names lost.jpg, which is no photo here." in report
    assert "3 of them from before" in run("pack", folder, "-o", out, "--per-shard", 4, "--license", "CC0-1.0")


def test_check_and_stats_accept_ranges_of_shards(packed):
    shards = f"{packed[0]}/shard-{{000000..000002}}.tar"
    report = run("check", shards)
    assert "3 shards, 10 photos, 0 faults" in report
    assert "without any text" in report
    statistics = run("stats", shards)
    assert "3 shards, 10 photos" in statistics
    assert "10   CC0-1.0" in statistics
    document = json.loads(run("stats", shards, "--json"))
    assert (document["photos"], document["without_text"]) == (10, 8)
    assert document["texts"]["human"] == {"texts": 2, "photos": 2}
    assert document["licences"] == {"CC0-1.0": 10}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file is called so")
def test_no_file_name_controls_the_terminal_or_stops_the_packing(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "photos")
    for name in (b"caf\xe9.jpg", b"\x1b]0;mine\x07.jpg"):
        shutil.copy(folder / "none.jpg", os.fsdecode(os.fsencode(tmp_path / "photos") + b"/" + name))
    report = run("pack", tmp_path / "photos", "-o", tmp_path / "out")
    assert "10 photos" in report
    assert "\x1b" not in report
    assert "]0;mine\N{REPLACEMENT CHARACTER}.jpg" in report


def test_check_names_near_copies_and_reencoded_evaluation_photos(real_data, tmp_path):
    photo = next(samples(real_data / "flickr8k-train-000000.tar"))
    stranger = next(samples(real_data / "caltech101-eval-000000.tar"))
    parts = [("first.jpg", photo.photo), ("first.txt", b"x")]
    for name, sample in (("smaller", photo), ("stranger", stranger)):
        out = io.BytesIO()
        image = Image.open(io.BytesIO(sample.photo))
        image.resize((image.width * 2 // 3, image.height * 2 // 3)).save(out, "JPEG", quality=60)
        parts += [(f"{name}.jpg", out.getvalue()), (f"{name}.txt", b"x")]
    report = run("check", write_shard(tmp_path / "a.tar", parts))
    assert "near copies of earlier photos: 1\n    a.tar / smaller looks like a.tar / first (" in report
    assert "may be re-encoded evaluation photos: look at them: 1\n    a.tar / stranger\n" in report
    assert "1 shard, 3 photos, 0 faults" in report
