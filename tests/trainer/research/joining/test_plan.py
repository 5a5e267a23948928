"""The plan lists all URLs of a set, and its command is valid for img2dataset."""

from __future__ import annotations

import json
import shlex

import pyarrow.json
from tests.trainer.conftest import run_mctrain
from tests.trainer.research.joining.conftest import published, write_members

# of img2dataset 1.47: parameters of its function `download`
OPTIONS = {
    "url_list", "input_format", "url_col", "save_additional_columns", "compute_hash", "verify_hash", "resize_mode",
    "disable_all_reencoding", "output_format", "output_folder", "number_sample_per_shard", "oom_shard_count", "retries",
}  # fmt: skip


def plan(folder, tmp_path):
    result = run_mctrain(
        "data", "join", folder, "--plan", "-o", tmp_path / "fetch", "--cache", tmp_path / "cache"
    )
    program, *options = shlex.split(result.stdout)
    assert program == "img2dataset"
    names = [option.removeprefix("--") for option in options[::2]]
    return dict(zip(names, options[1::2], strict=True)), result.stderr


def test_every_url_is_listed_with_its_uid_and_hash(web, reinforced, tmp_path):
    options, message = plan(reinforced, tmp_path)
    assert options.keys() == OPTIONS
    assert options["url_list"] == str(tmp_path / "fetch" / "urls")
    assert json.loads(options["save_additional_columns"]) == ["uid"]
    assert json.loads(options["verify_hash"]) == ["sha256", "sha256"]
    assert "image_size" not in options  # crops are pixels of the photo as it was
    assert message.startswith("12 photos. ")
    lists = sorted((tmp_path / "fetch" / "urls").glob("*.jsonl"))  # as img2dataset looks for them
    tables = [pyarrow.json.read_json(path).to_pylist() for path in lists]  # as it reads them
    assert [len(table) for table in tables] == [7, 5]
    assert [tuple(row[name] for name in ("uid", "url", "sha256")) for table in tables for row in table] == [
        (photo.uid, f"https://example.org/{photo.uid}.jpg", photo.sha256) for photo in web
    ]


def test_hashes_are_verified_only_if_each_sample_has_one_and_missing_urls_are_counted(web, tmp_path):
    bare = {name: content for name, content in published(web[2]).items() if not name.endswith(".url.txt")}
    members = [published(web[0]), published(web[1], hashed=False), bare]
    write_members(tmp_path / "set" / "03" / "0.tar", *members)
    options, message = plan(tmp_path / "set", tmp_path)
    assert options.keys() == OPTIONS - {"verify_hash"}
    assert message.startswith("2 photos (samples without a URL: 1). ")
    assert [path.name for path in (tmp_path / "fetch" / "urls").iterdir()] == ["03-0.jsonl"]
