"""A bundle is whole or it is refused, with a sentence that names the file and the reason."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from picsight_engine.bundles.bundle import MANIFEST, open_bundle, write_bundle
from picsight_engine.errors import BundleError


def rewrite(bundle, change):
    path = bundle.folder / MANIFEST
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def test_a_written_bundle_opens_with_the_same_manifest(make_bundle):
    bundle = make_bundle(drift={"photos": 0.9999}, provenance={"recipe": "tiny"})
    assert open_bundle(bundle.folder, hashes=True).manifest == bundle.manifest
    assert set(bundle.manifest.files) == {"image.onnx", "text.onnx", "tokenizer.json"}


def test_a_missing_folder_is_said_to_hold_no_model(tmp_path):
    with pytest.raises(BundleError, match=r"There is no model at .*nowhere: bundle\.json is missing"):
        open_bundle(tmp_path / "nowhere")


def test_a_bundle_of_a_newer_format_asks_for_a_newer_picsight(make_bundle):
    bundle = make_bundle()
    rewrite(bundle, lambda data: data.update(format=2))
    with pytest.raises(BundleError, match="needs a newer Picsight"):
        open_bundle(bundle.folder)


@pytest.mark.parametrize("key", ["name", "licence", "dim", "space_id", "image", "text", "files"])
def test_each_missing_key_is_named(make_bundle, key):
    bundle = make_bundle()
    rewrite(bundle, lambda data: data.pop(key))
    with pytest.raises(BundleError, match=key):
        open_bundle(bundle.folder)


@pytest.mark.parametrize("name", ["image.onnx", "text.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(make_bundle, name):
    bundle = make_bundle()
    (bundle.folder / name).unlink()
    with pytest.raises(BundleError, match=rf"{name} is missing"):
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


def test_files_in_folders_of_the_bundle_are_kept_in_place(make_bundle, tmp_path):
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"1234")
    bundle = make_bundle(files={"image.mlpackage/Data/weights.bin": weights})
    assert (bundle.folder / "image.mlpackage/Data/weights.bin").read_bytes() == b"1234"


def test_a_new_bundle_replaces_the_old_one_whole(make_bundle, tmp_path):
    make_bundle(title="Old")
    bundle = make_bundle(title="New", without=["image"])
    assert open_bundle(bundle.folder, hashes=True).manifest.title == "New"
    assert not (bundle.folder / "image.onnx").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_what_makes_no_bundle_replaces_nothing(make_bundle, tmp_path, tiny_files):
    old = make_bundle(title="Old")
    with pytest.raises(BundleError, match="space_id"):
        write_bundle(old.folder, replace(old.manifest, space_id="?"), tiny_files)
    with pytest.raises(BundleError, match=r"does not list text\.onnx"):
        write_bundle(old.folder, old.manifest, {"image.onnx": tiny_files["image.onnx"]})
    with pytest.raises(FileNotFoundError):
        write_bundle(old.folder, old.manifest, {**tiny_files, "text.onnx": tmp_path / "nowhere"})
    assert open_bundle(old.folder, hashes=True).manifest.title == "Old"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_of_something_else_is_not_replaced(make_bundle, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"a memory")
    with pytest.raises(BundleError, match="is not a model bundle"):
        make_bundle("photos")
    assert (tmp_path / "photos" / "holiday.jpg").read_bytes() == b"a memory"


KILLED_WHILE_COPYING = """
    import os, signal, sys
    from dataclasses import replace
    from pathlib import Path
    from picsight_engine.bundles.bundle import open_bundle, write_bundle

    class Files(dict):
        def items(self):
            for number, item in enumerate(super().items()):
                if number == 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield item

    old = open_bundle(Path(sys.argv[1]))
    sources = Files({name: old.folder / name for name in old.manifest.files})
    write_bundle(old.folder, replace(old.manifest, title="New"), sources)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_in_the_middle_the_old_bundle_stays_whole(make_bundle):
    old = make_bundle(title="Old")
    script = textwrap.dedent(KILLED_WHILE_COPYING)
    child = subprocess.run([sys.executable, "-c", script, str(old.folder)], check=False)
    assert child.returncode == -signal.SIGKILL
    assert open_bundle(old.folder, hashes=True).manifest.title == "Old"


READ_AS_NOBODY = """
    import os, sys
    from pathlib import Path
    from picsight_engine.errors import BundleError
    from picsight_engine.bundles.bundle import open_bundle

    if os.getuid() == 0:
        os.setuid(65534)  # root may read everything
    try:
        open_bundle(Path(sys.argv[1]), hashes=True)
    except BundleError as fault:
        print(fault)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions work otherwise there")
def test_a_file_without_permission_is_named(make_bundle):
    with tempfile.TemporaryDirectory() as reachable:  # pytest's own folders are closed to others
        Path(reachable).chmod(0o755)
        folder = Path(shutil.copytree(make_bundle().folder, Path(reachable) / "bundle"))
        (folder / "image.onnx").chmod(0)
        child = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(READ_AS_NOBODY), str(folder)],
            check=False,
            capture_output=True,
            text=True,
        )
    assert "image.onnx cannot be read (Permission denied); check its permissions." in child.stdout, (
        child.stderr
    )
