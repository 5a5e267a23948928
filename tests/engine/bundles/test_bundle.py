"""A bundle is complete, or it is refused with an error that names the file and the reason."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from picsight_engine.bundles.bundle import MANIFEST, open_bundle, write_bundle
from picsight_engine.foundation.errors import BundleError


def rewrite(bundle, change):
    path = bundle.folder / MANIFEST
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def test_a_written_bundle_opens_with_the_same_manifest(make_bundle):
    bundle = make_bundle(drift={"photos": 0.9999}, provenance={"recipe": "tiny"})
    assert open_bundle(bundle.folder, hashes=True).manifest == bundle.manifest
    assert set(bundle.manifest.files) == {"image.onnx", "text.onnx", "tokenizer.json"}


def test_a_missing_folder_holds_no_model(tmp_path):
    with pytest.raises(BundleError, match=r"There is no model at .*nowhere: bundle\.json is missing"):
        open_bundle(tmp_path / "nowhere")


def test_a_bundle_of_a_newer_format_asks_for_a_newer_picsight(make_bundle):
    bundle = make_bundle()
    rewrite(bundle, lambda data: data.update(format=2))
    with pytest.raises(BundleError, match="needs a newer Picsight"):
        open_bundle(bundle.folder)


@pytest.mark.parametrize("key", ["name", "image", "files"])
def test_each_missing_key_is_named(make_bundle, key):
    bundle = make_bundle()
    rewrite(bundle, lambda data: data.pop(key))
    with pytest.raises(BundleError, match=key):
        open_bundle(bundle.folder)


def test_a_missing_file_is_named(make_bundle):
    bundle = make_bundle()
    (bundle.folder / "text.onnx").unlink()
    with pytest.raises(BundleError, match=r"text\.onnx is missing"):
        open_bundle(bundle.folder)


def test_a_file_that_the_manifest_does_not_list_is_missed(make_bundle):
    bundle = make_bundle()
    rewrite(bundle, lambda data: data["files"].pop("text.onnx"))
    with pytest.raises(BundleError, match=r"does not list text\.onnx"):
        open_bundle(bundle.folder)


def test_a_file_of_another_size_is_refused_at_every_opening(make_bundle):
    bundle = make_bundle()
    with (bundle.folder / "image.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BundleError, match=r"image\.onnx has \d+ bytes instead of \d+"):
        open_bundle(bundle.folder)


def test_a_changed_byte_is_found_where_hashes_are_asked_for(make_bundle):
    bundle = make_bundle()
    path = bundle.folder / "text.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    open_bundle(bundle.folder)
    with pytest.raises(BundleError, match=r"text\.onnx was changed or is damaged"):
        open_bundle(bundle.folder, hashes=True)


def test_a_bundle_of_one_tower_opens_and_says_which_is_missing(make_bundle):
    words = make_bundle("words", without=["image"])
    assert words.text_spec().context == 16
    with pytest.raises(BundleError, match='"Tiny" has no image tower'):
        words.image_spec()
    photos = make_bundle("photos", without=["text"])
    assert photos.image_spec().size == 8
    with pytest.raises(BundleError, match='"Tiny" has no text tower'):
        photos.text_spec()


def test_a_new_bundle_replaces_the_old_one_whole(make_bundle, tmp_path):
    make_bundle(title="Old")
    bundle = make_bundle(title="New", without=["image"])
    assert open_bundle(bundle.folder, hashes=True).manifest.title == "New"
    assert not (bundle.folder / "image.onnx").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_bundle_that_cannot_be_written_replaces_nothing(make_bundle, tmp_path, tiny_files):
    old = make_bundle(title="Old")
    with pytest.raises(BundleError, match="space_id"):
        write_bundle(old.folder, replace(old.manifest, space_id="?"), tiny_files)
    with pytest.raises(BundleError, match=r"does not list text\.onnx"):
        write_bundle(old.folder, old.manifest, {"image.onnx": tiny_files["image.onnx"]})
    with pytest.raises(FileNotFoundError):
        write_bundle(old.folder, old.manifest, {**tiny_files, "text.onnx": tmp_path / "nowhere"})
    assert open_bundle(old.folder, hashes=True).manifest.title == "Old"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_of_other_files_is_not_replaced(make_bundle, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"a memory")
    with pytest.raises(BundleError, match="is not a model bundle"):
        make_bundle("photos")
    assert (tmp_path / "photos" / "holiday.jpg").read_bytes() == b"a memory"
