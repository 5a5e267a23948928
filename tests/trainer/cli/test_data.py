"""`mctrain data` in the words that a person types and reads."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from itertools import islice

import pytest
from click.testing import CliRunner
from PIL import Image
from tests.trainer.conftest import write_shard

from mctrain.cli.command import mctrain
from mctrain.data.shards import samples


def run(*words, code=0):
    result = CliRunner().invoke(mctrain, ["data", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def folder(real_data, tmp_path_factory):
    """Ten photos, two with captions, a copy, an evaluation photo, one that is none."""
    own = tmp_path_factory.mktemp("photos")
    for number, sample in enumerate(islice(samples(real_data / "flickr8k-train-000004.tar"), 10)):
        (own / f"p{number}.jpg").write_bytes(sample.photo)
    (own / "copy.jpg").write_bytes((own / "p3.jpg").read_bytes())
    stranger = next(samples(real_data / "flickr8k-dev-000000.tar"))
    (own / "stranger.jpg").write_bytes(stranger.photo)
    (own / "none.jpg").write_bytes(b"no picture")
    (own / "captions.csv").write_text(
        "file,caption,query\np0.jpg,A dog.,dog\np1.jpg,A cat.,\nlost.jpg,x,\n", "utf-8"
    )
    return own


@pytest.fixture(scope="module")
def packed(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "shards"
    return out, run("pack", folder, "-o", out, "--per-shard", 4, "--license", "CC0-1.0")


def test_pack_tells_what_was_packed_and_what_was_not(packed, folder):
    out, told = packed
    assert f"{out}: 10 photos in 3 shards" in told
    assert "captions: 2 by people, 0 synthetic, 8 none" in told
    assert "picture: 10 as it was, 0 encoded anew; no metadata" in told
    assert f"refused, evaluation photos: 1\n    {folder}/stranger.jpg is one by its bytes\n" in told
    assert "left out, copies: 1" in told
    assert "left out, faults: 2" in told
    assert f"{folder}/none.jpg is no picture." in told
    assert f"{folder}/captions.csv, line 4 names lost.jpg, which is no photo here." in told
    assert "3 of them from before" in run("pack", folder, "-o", out, "--per-shard", 4, "--license", "CC0-1.0")


def test_check_and_stats_take_ranges_of_what_was_packed(packed):
    shards = f"{packed[0]}/shard-{{000000..000002}}.tar"
    told = run("check", shards)
    assert "3 shards, 10 photos, 0 faults" in told
    assert "without any text" in told
    measured = run("stats", shards)
    assert "3 shards, 10 photos" in measured
    assert "10   CC0-1.0" in measured
    document = json.loads(run("stats", shards, "--json"))
    assert (document["photos"], document["without_text"]) == (10, 8)
    assert document["texts"]["human"] == {"texts": 2, "photos": 2}
    assert document["licences"] == {"CC0-1.0": 10}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file is called so")
def test_no_name_of_a_file_commands_the_terminal_or_stops_the_work(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "photos")
    for name in (b"caf\xe9.jpg", b"\x1b]0;mine\x07.jpg"):
        shutil.copy(folder / "none.jpg", os.fsdecode(os.fsencode(tmp_path / "photos") + b"/" + name))
    told = run("pack", tmp_path / "photos", "-o", tmp_path / "out")
    assert "10 photos" in told
    assert "\x1b" not in told
    assert "]0;mine\N{REPLACEMENT CHARACTER}.jpg" in told


def test_check_names_near_copies_and_evaluation_photos_encoded_anew(real_data, tmp_path):
    own = next(samples(real_data / "flickr8k-train-000000.tar"))
    stranger = next(samples(real_data / "caltech101-eval-000000.tar"))
    parts = [("own.jpg", own.photo), ("own.txt", b"x")]
    for name, sample in (("smaller", own), ("stranger", stranger)):
        out = io.BytesIO()
        image = Image.open(io.BytesIO(sample.photo))
        image.resize((image.width * 2 // 3, image.height * 2 // 3)).save(out, "JPEG", quality=60)
        parts += [(f"{name}.jpg", out.getvalue()), (f"{name}.txt", b"x")]
    told = run("check", write_shard(tmp_path / "a.tar", parts))
    assert "near copies of earlier photos: 1\n    a.tar / smaller looks like a.tar / own (" in told
    assert "may be evaluation photos encoded anew: look at them: 1\n    a.tar / stranger\n" in told
    assert "1 shards, 3 photos, 0 faults" in told
