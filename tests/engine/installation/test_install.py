"""Installing from the catalogue: a complete model or none; a failed installation can go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.engine.installation.conftest import COMMIT

from picsight_engine.foundation.errors import (
    BundleError,
    BusyError,
    DownloadError,
    RequestError,
)
from picsight_engine.installation.catalogue import CATALOGUE, RemoteFile, find_entry
from picsight_engine.installation.download import RetryPolicy
from picsight_engine.installation.install import install
from picsight_engine.installation.installed import Checking, Installed, InstallProgress

QUICK = RetryPolicy(tries=2, pause=0.0, timeout=60.0)


def test_a_model_is_fetched_checked_and_described(server, models, offer) -> None:
    events = list(install(offer, models, retries=QUICK))
    assert isinstance(events[0], InstallProgress)
    assert [type(event) for event in events[-2:]] == [Checking, Installed]
    bundle = models.verify("tiny")
    assert events[-1] == Installed(bundle)
    manifest = bundle.manifest
    assert str(models.folder.parent) not in (bundle.folder / "bundle.json").read_text()
    assert (manifest.space_id, manifest.licence, manifest.image) == (
        offer.space_id,
        offer.licence,
        offer.image,
    )
    assert set(manifest.files) == {"image.onnx", "text.onnx", "tokenizer.json", "LICENCE.txt", "README.md"}
    assert "Be kind." in (bundle.folder / "LICENCE.txt").read_text()
    assert not models.incoming("tiny").exists()
    provenance = manifest.provenance["fetched"]["image.onnx"]
    assert provenance["revision"] == COMMIT
    assert provenance["stated_sha256"] == provenance["sha256"] == manifest.files["image.onnx"].sha256


def test_the_first_answer_pins_the_commit_of_all_files(server, models, offer) -> None:
    served, _ = server
    list(install(offer, models, retries=QUICK))
    assert ["main" in path for path, _ in served.requests] == [True, False, False]
    assert all(COMMIT in path for path, _ in served.requests[1:])


def test_progress_covers_the_whole_model(models, offer, tiny_files) -> None:
    progress = [
        event for event in install(offer, models, retries=QUICK) if isinstance(event, InstallProgress)
    ]
    done = [event.done for event in progress]
    assert done == sorted(done)
    assert progress[-1].done == progress[-1].total == sum(path.stat().st_size for path in tiny_files.values())


def test_a_failed_installation_keeps_its_files_and_shows_no_model(server, models, offer) -> None:
    served, _ = server
    largest = max(offer.files, key=lambda file: file.about)
    gone = {path: served.files.pop(path) for path in list(served.files) if path.endswith(largest.path)}
    with pytest.raises(DownloadError, match="404"):
        list(install(offer, models, retries=QUICK))
    assert [model.name for model in models.all()] == ["picsight-starter"]
    served.files |= gone
    served.requests.clear()
    list(install(offer, models, retries=QUICK))
    assert [path for path, _ in served.requests] == [f"/tiny/resolve/{COMMIT}/{largest.path}"]
    models.verify("tiny")


def test_an_installed_model_is_not_fetched_again_and_a_damaged_one_is(server, models, offer) -> None:
    served, _ = server
    list(install(offer, models, retries=QUICK))
    served.requests.clear()
    (only,) = install(offer, models, retries=QUICK)
    assert isinstance(only, Installed)
    assert served.requests == []
    graph = models.folder / "tiny" / "image.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    with pytest.raises(BundleError, match="changed or is damaged"):
        models.verify("tiny")
    list(install(offer, models, retries=QUICK))
    models.verify("tiny")


def test_files_that_do_not_fit_the_catalogue_are_thrown_away(models, offer) -> None:
    wrong = replace(offer, image=replace(offer.image, input="pixel_values"))
    with pytest.raises(BundleError, match="pixel_values"):
        list(install(wrong, models, retries=QUICK))
    assert not models.incoming("tiny").exists()
    assert [model.name for model in models.all()] == ["picsight-starter"]


def test_one_installation_at_a_time(models, offer) -> None:
    stream = install(offer, models, retries=QUICK)
    next(stream)
    with pytest.raises(BusyError):
        list(install(offer, models, retries=QUICK))
    list(stream)


def test_core_ml_files_come_where_they_are_wanted(server, models, offer) -> None:
    served, address = server
    served.files["/apple/resolve/v1/x.mlpackage/weights/weight.bin"] = b"weights"
    more = RemoteFile(
        "image.mlpackage/weights/weight.bin", f"{address}/apple", "x.mlpackage/weights/weight.bin", 7, "v1"
    )
    list(install(replace(offer, coreml=(more,)), models, coreml=True, retries=QUICK))
    bundle = models.verify("tiny")
    assert (bundle.folder / more.name).read_bytes() == b"weights"
    assert more.name in bundle.manifest.provenance["fetched"]


def test_removing_takes_leftovers_too_and_never_the_shipped_model(server, models, offer) -> None:
    served, _ = server
    kept = dict(served.files)
    served.files = {path: data for path, data in kept.items() if "image" not in path}
    with pytest.raises(DownloadError):
        list(install(offer, models, retries=QUICK))
    models.remove("tiny")
    assert not models.incoming("tiny").exists()
    with pytest.raises(RequestError, match="not installed"):
        models.remove("tiny")
    with pytest.raises(RequestError, match="stays"):
        models.remove("picsight-starter")
    for name in ("..", "a/b", ""):
        with pytest.raises(RequestError):
            models.remove(name)


def test_a_broken_model_is_listed_with_its_reason(models, offer) -> None:
    list(install(offer, models, retries=QUICK))
    (models.folder / "tiny" / "text.onnx").unlink()
    starter, tiny = models.all()
    assert (starter.name, starter.shipped, starter.fault) == ("picsight-starter", True, None)
    assert tiny.bundle is None
    assert "text.onnx is missing" in str(tiny.fault)


def test_the_catalogue_is_consistent() -> None:
    assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)
    apple = [entry for entry in CATALOGUE if entry.image is not None]  # the others describe themselves
    assert [entry.name for entry in apple] == [f"mobileclip-{v}" for v in ("s0", "s1", "s2", "b", "blt")]
    assert len({entry.space_id for entry in apple}) == len(apple)
    for entry in apple:
        assert len(entry.space_id) == 16
        assert int(entry.space_id, 16)
        assert {file.name for file in entry.files} == {"image.onnx", "text.onnx", "tokenizer.json"}
        assert entry.licence.accept
        for file in entry.files_for(coreml=True):
            assert file.url().startswith("https://")
            assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32
            assert file.limit >= file.about
        assert entry.files_for(coreml=False)[0].name == "tokenizer.json"
    assert [bool(entry.coreml) for entry in apple] == [True, True, True, False, True]
    assert find_entry("mobileclip-s0").bytes() == 45_543_630 + 169_807_789 + 2_224_081
    with pytest.raises(RequestError, match="mobileclip-s2"):
        find_entry("clip")
