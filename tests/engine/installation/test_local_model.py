"""Side-loading: a bundle is installed from a folder or an archive, and nothing in it reaches outside."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import threading
import zipfile

import pytest

from picsight_engine.foundation.errors import BundleError, CancelledError, RequestError, StorageError
from picsight_engine.installation.installed import Checking, InstallProgress
from picsight_engine.installation.local_model import open_local_model
from picsight_engine.runtime.backend_comparison import Machine, read_verdict


@pytest.fixture
def bundle(make_bundle, tmp_path):
    licence = tmp_path / "LICENCE.txt"
    licence.write_text("Be kind.\n")
    return make_bundle("tiny model", files={"LICENCE.txt": licence})


def pack(bundle, kind, target):
    return shutil.make_archive(str(target), kind, bundle.folder.parent, bundle.folder.name)


def load(path, models):
    with open_local_model(path) as model:
        return list(model.install(models))[-1].bundle


@pytest.mark.parametrize("kind", ["folder", "zip", "gztar"])
def test_a_bundle_is_installed_from(kind, bundle, models, tmp_path) -> None:
    path = bundle.folder if kind == "folder" else tmp_path.__class__(pack(bundle, kind, tmp_path / "packed"))
    with open_local_model(path) as model:
        assert model.licence == "Be kind."
        assert model.manifest == bundle.manifest
        *_, last = model.install(models)
    assert last.bundle.folder == models.folder / "tiny"
    assert models.verify("tiny").manifest == bundle.manifest
    assert {path.name for path in models.folder.iterdir()} <= {"tiny", ".install.lock"}


def test_a_model_of_the_same_name_is_replaced_only_by_a_whole_one(bundle, make_bundle, models) -> None:
    load(bundle.folder, models)
    other = make_bundle("other", title="Another")
    graph = other.folder / "image.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + b"?")
    with pytest.raises(BundleError, match="changed or is damaged"):
        load(other.folder, models)
    assert models.verify("tiny").manifest.title == "Tiny"
    graph.write_bytes(whole)
    load(other.folder, models)
    assert models.verify("tiny").manifest.title == "Another"


def test_only_listed_files_leave_an_archive(bundle, models, tmp_path) -> None:
    packed = tmp_path / "evil.tar"
    with tarfile.open(packed, "w") as archive:
        archive.add(bundle.folder, arcname="tiny")
        for name in ("../evil", "/tmp/evil", "tiny/extra"):
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("tiny/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    load(packed, models)
    assert {path.name for path in (models.folder / "tiny").iterdir()} == {
        *bundle.manifest.files,
        "bundle.json",
    }
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("name", ["../tiny", "", "picsight-starter", "Picsight-Starter", "NUL.onnx", "tiny."])
def test_a_model_cannot_take_any_name(make_bundle, models, name) -> None:
    with pytest.raises(BundleError):
        load(make_bundle("named", name=name).folder, models)
    assert not models.folder.exists() or not list(models.folder.glob("[!.]*"))


def test_an_archive_that_unpacks_to_more_than_it_says_is_refused(bundle, models, tmp_path) -> None:
    packed = tmp_path / "bomb.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in bundle.folder.iterdir():
            if path.name != "text.onnx":
                archive.write(path, path.name)
        archive.writestr("text.onnx", bytes(50_000_000))
    arrived = []
    with (
        open_local_model(packed) as model,
        pytest.raises(BundleError, match=r"text\.onnx has \d+ bytes instead of"),
    ):
        arrived.extend(event.done for event in model.install(models) if isinstance(event, InstallProgress))
    assert not list(models.folder.glob("tiny*"))
    assert max(arrived) <= sum(record.bytes for record in bundle.manifest.files.values()) + 1


@pytest.mark.parametrize("kind", ["zip", "xztar"])
def test_half_an_archive_is_refused(bundle, models, tmp_path, kind) -> None:
    path = tmp_path.__class__(pack(bundle, kind, tmp_path / "packed"))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.9)])
    with pytest.raises((BundleError, RequestError)) as caught:
        load(path, models)
    assert str(path) in str(caught.value)
    assert not list(models.folder.glob("tiny*"))


def test_a_file_that_is_not_a_model_is_named(models, tmp_path) -> None:
    with pytest.raises(RequestError, match="There is nothing at"):
        load(tmp_path / "nowhere", models)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(RequestError, match="neither a folder nor"):
        load(tmp_path / "text", models)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match="There is no model in"):
        load(tmp_path / "empty", models)


def test_a_model_larger_than_the_disk_is_refused_before_it_fills_it(bundle, models) -> None:
    manifest = bundle.folder / "bundle.json"
    data = json.loads(manifest.read_text())
    data["files"]["more.bin"] = {"bytes": 2**45, "sha256": "0" * 64}  # 35 TB
    manifest.write_text(json.dumps(data))
    with pytest.raises(StorageError, match="make room"):
        load(bundle.folder, models)
    assert [path.name for path in models.folder.iterdir()] == [".install.lock"]


def test_on_a_mac_the_ways_to_core_ml_are_compared_when_a_model_is_installed(
    bundle, models, tmp_path
) -> None:
    mac = Machine(True, coremltools=False, provider=True, system="macOS", verdicts=tmp_path / "verdicts")
    with open_local_model(bundle.folder) as model:
        *_, last = model.install(models, machine=mac)
    assert read_verdict(last.bundle, mac) is not None


def test_progress_reaches_the_last_byte_before_the_model_is_installed(bundle, models) -> None:
    with open_local_model(bundle.folder) as model:
        *steps, checking, last = model.install(models)
    assert checking == Checking()
    total = sum(record.bytes for record in bundle.manifest.files.values())
    assert [step.done for step in steps] == sorted({step.done for step in steps})
    assert (steps[-1].done, steps[-1].total) == (total, total)
    assert last.bundle.manifest == bundle.manifest


def test_a_stopped_installation_leaves_nothing(bundle, models) -> None:
    cancel = threading.Event()
    with open_local_model(bundle.folder) as model:
        steps = model.install(models, cancel=cancel)
        next(steps)
        cancel.set()
        with pytest.raises(CancelledError):
            next(steps)
    assert [path.name for path in models.folder.iterdir()] == [".install.lock"]
    load(bundle.folder, models)
