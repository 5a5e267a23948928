"""For a set of URLs the plan lists all of them, and its command is one that img2dataset takes."""

from __future__ import annotations

import json
import shlex

import pyarrow.json
from click.testing import CliRunner
from tests.trainer.data.joining.conftest import published, write_members

from mctrain.cli.command import mctrain

# of img2dataset 1.47, whose function `download` takes them by these names
TAKEN = {
    "url_list", "input_format", "url_col", "save_additional_columns", "compute_hash", "verify_hash", "resize_mode",
    "disable_all_reencoding", "output_format", "output_folder", "number_sample_per_shard", "oom_shard_count", "retries",
}  # fmt: skip


def plan(folder, tmp_path):
    words = [
        "data",
        "join",
        str(folder),
        "--plan",
        "-o",
        str(tmp_path / "fetch"),
        "--cache",
        str(tmp_path / "cache"),
    ]
    result = CliRunner().invoke(mctrain, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    program, *options = shlex.split(result.stdout)
    assert program == "img2dataset"
    return dict(
        zip((own.removeprefix("--") for own in options[::2]), options[1::2], strict=True)
    ), result.stderr


def test_every_url_is_listed_with_its_uid_and_hash(web, reinforced, tmp_path):
    options, told = plan(reinforced, tmp_path)
    assert options.keys() == TAKEN
    assert options["url_list"] == str(tmp_path / "fetch" / "urls")
    assert json.loads(options["save_additional_columns"]) == ["uid"]
    assert json.loads(options["verify_hash"]) == ["sha256", "sha256"]
    assert "image_size" not in options  # crops are pixels of the photo as it was
    assert told.startswith("12 photos. ")
    lists = sorted((tmp_path / "fetch" / "urls").glob("*.jsonl"))  # as img2dataset looks for them
    tables = [pyarrow.json.read_json(path).to_pylist() for path in lists]  # as it reads them
    assert [len(own) for own in tables] == [7, 5]
    assert [tuple(row[name] for name in ("uid", "url", "sha256")) for table in tables for row in table] == [
        (photo.uid, f"https://example.org/{photo.uid}.jpg", photo.sha256) for photo in web
    ]


def test_without_a_hash_for_each_none_is_asked_for_and_what_has_no_url_is_told(web, tmp_path):
    bare = {name: own for name, own in published(web[2]).items() if not name.endswith(".url.txt")}
    members = [published(web[0]), published(web[1], hashed=False), bare]
    write_members(tmp_path / "set" / "03" / "0.tar", *members)
    options, told = plan(tmp_path / "set", tmp_path)
    assert options.keys() == TAKEN - {"verify_hash"}
    assert told.startswith("2 photos (samples without a URL: 1). ")
    assert [path.name for path in (tmp_path / "fetch" / "urls").iterdir()] == ["03-0.jsonl"]
