"""The manifest of a reinforced set is read back as written; any other file is one sentence."""

from __future__ import annotations

import json

import pytest

from mctrain.data.reinforced.manifest import (
    ReinforcedManifest,
    Replay,
    ShardRecord,
    TeacherRecord,
    load_manifest,
    save_manifest,
)
from mctrain.errors import DataError

MADE = ReinforcedManifest(
    configuration={"views": 5, "captioner": {"top_p": 0.9, "tags": ["syn_text"]}, "note": None},
    teachers=(
        TeacherRecord("ViT-L-14-quickgelu/openai", 768, 100.0, "ab" * 32),
        TeacherRecord("another", 512, 60, "cd" * 32),
    ),
    shards=(
        ShardRecord("000000.tar", 12, "01" * 32, {"broken photo": 2}, {"a-photo": Replay(2, "03" * 32)}),
        ShardRecord("000001.tar", 3, "02" * 32, {}, {}),
    ),
    refused=("a-key", "another-key"),
    versions={"torch": "2.6", "mctrain": "0.1"},
)


def test_a_manifest_comes_back_as_it_was_saved_and_equal_ones_have_equal_bytes(tmp_path):
    for name in ("one.json", "two.json"):
        save_manifest(tmp_path / name, MADE)
    assert load_manifest(tmp_path / "one.json") == MADE
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert (MADE.widths, MADE.samples) == ((768, 512), 15)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content.update(format=2), "has the format 2"),
        (lambda content: content.update(kind="packed photos"), "not the manifest of a reinforced set"),
        (lambda content: content.pop("shards"), "is damaged: it lacks 'shards'"),
        (lambda content: content["teachers"][1].update(width="512"), r"teachers\[1\]\.width is '512'"),
        (
            lambda content: content["shards"][0]["replays"]["a-photo"].update(view="4"),
            r"shards\[0\]\.replays\.a-photo\.view is '4'",
        ),
    ],
)
def test_an_invalid_manifest_is_refused(tmp_path, change, words):
    path = tmp_path / "manifest.json"
    save_manifest(path, MADE)
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=words):
        load_manifest(path)


@pytest.mark.parametrize("content", [b"[1]", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_manifest_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.json"):
        load_manifest(tmp_path / "manifest.json")
    with pytest.raises(DataError, match="There is no manifest"):
        load_manifest(tmp_path / "elsewhere.json")
