"""A model of the catalogue from published files that a person downloaded: no server is asked."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from picsight_engine.foundation.errors import BundleError, RequestError, StorageError
from picsight_engine.installation.catalogue import RemoteFile
from picsight_engine.installation.install import install_from
from picsight_engine.installation.installed import Installed, InstallProgress

PUBLISHED = {
    "image.onnx": "onnx/vision_model.onnx",
    "text.onnx": "onnx/text_model.onnx",
    "tokenizer.json": "tokenizer.json",
}


@pytest.fixture
def entry(offer, tiny_files):
    """A tiny model whose server does not exist; of the text tower only the rough size is known."""
    files = []
    for name, path in tiny_files.items():
        data = path.read_bytes()
        known = {} if name == "text.onnx" else {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        files.append(RemoteFile(name, "https://nowhere.invalid/tiny", PUBLISHED[name], len(data), **known))
    return replace(offer, files=tuple(files))


@pytest.fixture
def fetched(tmp_path, tiny_files):
    """The files as in a copy of their repository."""
    for name, path in tiny_files.items():
        target = tmp_path / "snapshot" / PUBLISHED[name]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return tmp_path / "snapshot"


def flat(folder):
    """As a browser leaves files that were fetched one by one."""
    for path in (folder / "onnx").iterdir():
        path.rename(folder / path.name)
    return folder


@pytest.mark.parametrize("form", ["flat", "the folder above", "zip", "gztar"])
def test_published_files_become_the_model_of_the_catalogue(form, fetched, entry, models, tmp_path) -> None:
    path = {
        "flat": lambda: flat(fetched),
        "the folder above": lambda: fetched.parent,
    }.get(form, lambda: Path(shutil.make_archive(str(tmp_path / "packed"), form, tmp_path, "snapshot")))()
    *steps, last = install_from(path, entry, models)
    assert isinstance(last, Installed)
    bundle = models.verify("tiny")
    assert bundle == last.bundle
    assert (bundle.manifest.space_id, bundle.manifest.licence) == (entry.space_id, entry.licence)
    assert max(step.done for step in steps if isinstance(step, InstallProgress)) == sum(
        file.about for file in entry.files
    )
    provenance = json.dumps(bundle.manifest.provenance)
    assert "a file: onnx/text_model.onnx" in provenance
    assert str(tmp_path) not in provenance
    assert not models.incoming("tiny").exists()


def test_a_missing_file_is_named_with_its_address(fetched, entry, models) -> None:
    (fetched / "onnx" / "text_model.onnx").unlink()
    with pytest.raises(
        RequestError, match=r"There is no onnx/text_model\.onnx .* https://nowhere\.invalid/tiny"
    ):
        list(install_from(fetched, entry, models))
    assert not models.folder.exists() or not models.incoming("tiny").exists()


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data[:-1] + b"?", lambda data: data + b"?"]
)
def test_another_file_than_the_published_one_is_refused(change, fetched, entry, models) -> None:
    graph = fetched / "onnx" / "vision_model.onnx"
    graph.write_bytes(change(graph.read_bytes()))
    with pytest.raises(
        BundleError, match=r"onnx/vision_model\.onnx in .* is not the file that was published"
    ):
        list(install_from(fetched, entry, models))
    assert not models.incoming("tiny").exists()
    assert [model.name for model in models.all()] == ["picsight-starter"]


def test_leftovers_of_a_download_are_not_mixed_in(fetched, entry, models) -> None:
    models.incoming("tiny").mkdir(parents=True)
    (models.incoming("tiny") / "text.onnx").write_bytes(b"of another commit")
    record = {"url": "u", "size": 17, "sha256": "0" * 64, "revision": "c" * 40, "stated_sha256": None}
    (models.incoming("tiny") / "fetched.json").write_text(json.dumps({"text.onnx": record}))
    list(install_from(fetched, entry, models))
    models.verify("tiny")


def test_where_there_is_no_room_for_all_of_it_not_a_byte_is_copied(fetched, entry, models) -> None:
    *first, last = entry.files
    larger = replace(entry, files=(*first, replace(last, size=10**15)))
    steps = install_from(fetched, larger, models)
    with pytest.raises(StorageError, match=r'bytes free, "Tiny" needs 1,000,000,0.*make room there'):
        next(steps)


def test_core_ml_files_are_taken_where_they_are_there(fetched, entry, models) -> None:
    name = "tiny.mlpackage/Data/weights.bin"
    package = RemoteFile(
        "image.mlpackage/Data/weights.bin", "https://nowhere.invalid/apple", name, about=7, revision="v1"
    )
    more = replace(entry, coreml=(package,))
    list(install_from(fetched, more, models, coreml=True))
    assert package.name not in models.find("tiny").manifest.files
    models.remove("tiny")
    (fetched / name).parent.mkdir(parents=True)
    (fetched / name).write_bytes(b"weights")
    list(install_from(fetched, more, models, coreml=True))
    assert package.name in models.verify("tiny").manifest.files
